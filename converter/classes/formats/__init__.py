"""Formats: class files of other tools -> rows of a class map.

Modules, in dependency order:

    base      what every format yields, and how its lines are read
    text      one class a line
    yaml      Ultralytics' data.yaml
    json      Datumaro, Supervisely, Hasty, nnU-Net
    registry  every format that is known
"""
