"""Formats: class files of other tools -> rows of a class map.

Modules, in dependency order:

    base         what every format yields, and how its lines are read
    json_values  names, whole numbers and colours in a JSON value
    registry     every format that is known, one row each
    recognise    text of a class file -> its format, by content alone
    cvat         CVAT's and Datumaro's labelmap.txt
    class_dict   class_dict.csv of Kaggle
    palettes     numbers in columns: CamVid's label_colors.txt, QGIS palettes
    name_lists   names one a line: labelme, numbered lists, bare lists
    datumaro     Datumaro's dataset_meta.json
    supervisely  Supervisely's obj_class_to_machine_color.json
    hasty        Hasty's label_classes.json
    nnunet       nnU-Net's dataset.json
    object_info  ADE20K's objectInfo150.txt
    roboflow     Roboflow's _classes.csv
    ultralytics  Ultralytics' data.yaml
"""
