"""Sources: a folder of images and masks -> the pairs of its splits.

Modules, in dependency order:

    refs        a pair of files; a pair that was rejected
    names       how the names of files, folders and splits are matched
    lists       the text of a split list -> its lines
    resolve     the lines of a split list -> ExampleRefs
    pairs       ExampleRef -> image and mask, opened, in the same orientation
    duplicates  thumbnails -> near-duplicate images
    leaks       the same image in two splits
    layouts     source folder -> the pairs of its splits, detected from the files in it
    levels      a range in percentiles -> the levels in the images of the train split
"""
