"""Run: the folder of a training run, and what is written there during training.

The modules, in dependency order:

    info         config.json: the description of a run
    options      the options of a run against its recipe, and the command that repeats it
    runs         the run folder: its path, its lock, metrics.csv, log.txt
    state        everything that an interrupted run needs to resume with the same weights
    curves       metrics.csv -> plots
    heatmap      confusion matrix -> image
    callbacks    the end of an epoch: scores, log lines, best.keras, when to stop
    pace         how long an epoch and a run take, and where an epoch is
    tensorboard  the same scores and images as event files
"""
