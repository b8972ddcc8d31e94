"""Evaluation: a trained model held against true masks.

Modules, in dependency order:

    scoring  pairs of truth and prediction -> scores with intervals, of the whole and of each image
    records  the best model of a run on one split of records: scores, confusion matrix, images
    source   the same on a source folder, also at the size of the photographs
"""
