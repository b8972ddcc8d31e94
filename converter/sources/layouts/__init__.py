"""Layouts: from a source folder to the pairs of its splits, detected from its files.

Modules, in dependency order:

    pairing      folders -> images with their masks
    affixes      constant texts by which names of masks differ, inferred from all names
    words        usual names of folders of images and of masks
    choice       the error for several candidates, with the options for each
    looks        whether the files of a folder look like masks
    one_each     a folder for each image, all with files of the same names
    several      the error for several masks of each image
    versions     the error for masks of several kinds side by side
    registry     every known layout, one row each
    refusal      the error for a folder that does not fit exactly one layout
    same_folder  image and mask in one folder
    ...          the layouts, one module each, named in registry
    leftover     folders of image files that a layout does not use
    unpaired     images without a mask, masks without an image
    split_lists  the split lists of a folder -> pairs
    chosen_lists  the lists that --list names -> pairs
    folds        fold0.txt, fold1.txt ... -> pairs
    split_folders  folders whose names contain the word of a split
    unused       lists, folders and files that no pair comes from
    templates    --image and --mask -> pairs
    layout       what lists or a rule found -> Layout
    find         source folder -> Layout
"""
