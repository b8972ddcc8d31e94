"""Classes: which mask value is which class, and the mapping of masks to class indices.

Modules, in dependency order:

    class_map  mask values -> class indices
    background the class of an image without a mask
    csv_table  the rows of a CSV file
    native     classes.csv <-> ClassMap
    presets    class maps of well-known datasets
    formats    class files of other tools -> rows
    listed     look-up of a value in a class map
    nearest    an unlisted colour -> the class of the nearest listed one within a tolerance
    unlisted   the error for a mask with unlisted values
    mapper     the values of a mask -> class indices
    places     numbers in the masks under a file of colours -> their classes, by place
    drafts     the command that drafts a class map, and the warning for an unedited draft
    parse      the content of a class file -> ClassMap
    search     source folder -> the files that may be class files
    find       source folder or file -> ClassMap
"""
