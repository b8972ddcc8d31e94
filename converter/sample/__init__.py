"""Sample: a synthetic aerial dataset to try everything on.

Modules, in dependency order:

    scene      what has been drawn of a tile so far
    plan       sun, roads, and the fields that the painters share
    ground     lawns, fields and bare soil
    roads      carriageways, pavements and markings
    buildings  plans, drives and roofs
    cars       those that drive, and those in a car park
    trees      crowns and hedges
    camera     shadows, and the photograph
    write      tiles -> a dataset in the tutorial's layout
"""
