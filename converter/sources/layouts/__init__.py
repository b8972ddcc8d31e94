"""Layouts: from a source folder to the pairs of its splits, detected from what lies there.

Modules, in dependency order:

    tree         source folder -> the names of all that lies in it
    pairing      folders -> photographs with their masks
    words        what folders of photographs and of masks are called
    registry     every layout that is known, one row each
    refusal      the error for a folder that no one layout fits
    voc          Pascal VOC, CVAT, labelme2voc
    cityscapes   leftImg8bit and gtFine
    nnunet       nnU-Net v2 in two dimensions
    supervisely  img and masks_machine
    roboflow     x.jpg, x_mask.png and _classes.csv
    ade20k       images/training and annotations/training
    same_folder  photograph and mask in one folder
    aerial       LoveDA, DeepGlobe, Potsdam, LandCover.ai
    folders      a folder of photographs and one of masks
    split_lists  the split lists of a folder -> pairs
    templates    --image and --mask -> pairs
    find         source folder -> Layout
"""
