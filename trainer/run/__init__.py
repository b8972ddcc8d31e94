"""Run: the folder that a training run leaves behind, and what is written there while it lasts.

The modules, in dependency order:

    info         config.json: what a run describes itself with
    runs         the run folder: its place, its lock, metrics.csv, log.txt
    state        all that an interrupted run needs to resume to the same weights
    curves       metrics.csv -> picture
    heatmap      confusion matrix -> picture
    callbacks    the end of an epoch: scores, log lines, best.keras, when to stop
    tensorboard  the same scores and pictures as event files
"""
