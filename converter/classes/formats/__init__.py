"""Formats: class files of other tools -> rows of a class map.

Modules, in dependency order:

    base         what every format yields, and how its lines are read
    json_values  names, whole numbers and colours in a JSON value
    registry     every format that is known, one row each
    recognise    text of a class file -> its format, by content alone
    ...          the formats, one module each, named in registry
"""
