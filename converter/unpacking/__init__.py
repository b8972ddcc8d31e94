"""Unpacking: records -> a dataset of images, masks and lists.

Modules, in dependency order:

    paths      a path of its own for each file
    annotated  polygons of masks as annotations: COCO, YOLO, CVAT
    unpack     what is written where, and the command that builds it again
"""
