"""Annotations: polygons, runs and bitmaps of annotation tools -> a dataset of images and masks.

Each file of annotations becomes a Found, all of them a Plan, and its batches the masks.

Modules, in dependency order; three dots are the formats, which `registry` names:

    config       what `segconv masks` is asked to do
    shapes       outlines, runs and values in mask files; the rule of edges
    found        what a file of annotations holds, and the problems in it
    values       numbers, points, runs and base64 from JSON and XML, checked
    bitmaps      pictures inside of annotations
    texts        a file -> JSON, XML or text, within bounds
    json_items   a JSON file of any size -> its items, one after the other
    photographs  the name of a photograph -> its path in the source folder
    documents    what a parser knows besides the bytes of its file
    ...          the formats
    registry     the table of formats
    drawing      the objects of a picture -> its mask
    find         a source folder -> its format, and what is in its files
    plan         what is in all files -> the dataset to write
    batches      the unit of work: some images and their masks
    report       what was drawn, and what was refused
    write        config -> plan -> engine -> dataset
"""
