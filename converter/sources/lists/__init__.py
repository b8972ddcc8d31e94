"""Lists: text, tables and JSON files -> the files that they name, of each split.

Modules, in dependency order:

    text        the text of a split list -> its lines
    tables      a list with more columns -> the ways to read it
    json_lists  a dataset.json -> the lists of its splits
    resolve     the lines of a split list -> ExampleRefs
    files       files that may be split lists, by their names
    fits        a file that may be a list -> how it is read best
    exchange    new lists take the place of old ones together
"""
