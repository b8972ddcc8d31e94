"""Layouts: from a source folder to the pairs of its splits, detected from its files.

Modules, in dependency order:

    tree         source folder -> the names of all files and folders in it
    pairing      folders -> images with their masks
    words        usual names of folders of images and of masks
    registry     every known layout, one row each
    refusal      the error for a folder that does not fit exactly one layout
    same_folder  image and mask in one folder
    ...          the layouts, one module each, named in registry
    split_lists  the split lists of a folder -> pairs
    folds        fold0.txt, fold1.txt ... -> pairs
    templates    --image and --mask -> pairs
    find         source folder -> Layout
"""
