"""Sources: a folder of photographs and masks, as people have them -> the pairs of its splits.

Modules, in dependency order:

    refs        a pair by its names; a pair that was refused
    names       what the names of files, folders and splits can mean
    lists       the text of a split list -> its lines
    resolve     the lines of a split list -> ExampleRefs
    pairs       ExampleRef -> image and mask, opened, one upon the other
    duplicates  thumbnails -> which photographs look alike
    leaks       the same photograph in two splits
    layouts     source folder -> the pairs of its splits, detected from what lies there
"""
