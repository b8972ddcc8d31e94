"""Classes: which mask value is which class, and masks mapped to class indices.

Modules, in dependency order:

    class_map  values -> class indices: the legend
    csv_table  the rows of a CSV file
    native     classes.csv <-> ClassMap
    presets    class maps of well-known datasets
    formats    class files of other tools -> rows
    listed     what a class map says of a value
    nearest    a colour that is not listed -> the class of the nearest one within a tolerance
    unlisted   the error for a mask with values that are not listed
    mapper     the values of a mask -> class indices
    find       source folder or file -> ClassMap
"""
