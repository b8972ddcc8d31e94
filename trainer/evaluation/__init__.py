"""Evaluation: a trained model held against true masks.

Modules, in dependency order:

    counts       counts of single images -> scores, intervals, differences; NumPy alone, as the next one
    calibration  whether a model is right as often as it says
    reliability  the same as an image
    drawing      image, truth, prediction and errors side by side
    files        what an evaluation leaves in the run folder, and reading it again
    scoring      pairs of truth and prediction -> scores with intervals, of the whole and of each image
    records      the best model of a run on one split of records: scores, confusion matrix, images
    pairs        a pair of a source folder, or a block of one -> image and truth
    source       the same on a source folder, also at the size of the photographs
"""
