"""Layouts: from a source folder to the pairs of its splits, detected from what lies there.

Modules, in dependency order:

    tree         source folder -> the names of all that lies in it
    pairing      folders -> photographs with their masks
    words        what folders of photographs and of masks are called
    registry     every layout that is known, one row each
    refusal      the error for a folder that no one layout fits
    same_folder  photograph and mask in one folder
    ...          the layouts, one module each, named in registry
    split_lists  the split lists of a folder -> pairs
    templates    --image and --mask -> pairs
    find         source folder -> Layout
"""
