"""Sample: a synthetic aerial dataset to try things out.

Modules, in dependency order:

    scene      the state of a tile while it is drawn
    plan       sun, roads, and the fields shared by the drawing modules
    ground     lawns, fields and bare soil
    roads      carriageways, pavements and markings
    buildings  plans, drives and roofs
    cars       cars on the roads and in a car park
    trees      crowns and hedges
    camera     shadows, and the final image
    write      tiles -> a dataset in the tutorial's layout
"""
