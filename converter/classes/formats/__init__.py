"""Formats: class files of other tools -> rows of a class map.

Modules, in dependency order:

    base         what every format yields, and helpers to read its lines
    json_values  names, integers and colours in a JSON value
    registry     every known format, one row each
    recognise    text of a class file -> its format, by content only
    ...          the formats, one module each, named in registry
"""
