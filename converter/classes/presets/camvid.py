"""CamVid: 11 classes by colour or by index, and all 31 by colour."""

from __future__ import annotations

from converter.classes.class_map import ClassMap
from converter.classes.presets.tables import by_color, by_number
from converter.pixels.colors import Color

# SegNet tutorial: the 11 classes of CamVid in the order of their indices, 0..10; 11 is unlabelled.
_CLASSES: tuple[tuple[str, Color], ...] = (
    ("sky", (128, 128, 128)),
    ("building", (128, 0, 0)),
    ("pole", (192, 192, 128)),
    ("road", (128, 64, 128)),
    ("pavement", (60, 40, 222)),
    ("tree", (128, 128, 0)),
    ("sign", (192, 128, 128)),
    ("fence", (64, 64, 128)),
    ("car", (64, 0, 128)),
    ("pedestrian", (64, 64, 0)),
    ("bicyclist", (0, 128, 192)),
)

# CamVid, label_colors.txt, without its penultimate line, Void (0, 0, 0).
_ALL_CLASSES: tuple[tuple[str, Color], ...] = (
    ("Animal", (64, 128, 64)),
    ("Archway", (192, 0, 128)),
    ("Bicyclist", (0, 128, 192)),
    ("Bridge", (0, 128, 64)),
    ("Building", (128, 0, 0)),
    ("Car", (64, 0, 128)),
    ("CartLuggagePram", (64, 0, 192)),
    ("Child", (192, 128, 64)),
    ("Column_Pole", (192, 192, 128)),
    ("Fence", (64, 64, 128)),
    ("LaneMkgsDriv", (128, 0, 192)),
    ("LaneMkgsNonDriv", (192, 0, 64)),
    ("Misc_Text", (128, 128, 64)),
    ("MotorcycleScooter", (192, 0, 192)),
    ("OtherMoving", (128, 64, 64)),
    ("ParkingBlock", (64, 192, 128)),
    ("Pedestrian", (64, 64, 0)),
    ("Road", (128, 64, 128)),
    ("RoadShoulder", (128, 128, 192)),
    ("Sidewalk", (0, 0, 192)),
    ("SignSymbol", (192, 128, 128)),
    ("Sky", (128, 128, 128)),
    ("SUVPickupTruck", (64, 128, 192)),
    ("TrafficCone", (0, 0, 64)),
    ("TrafficLight", (0, 64, 64)),
    ("Train", (192, 64, 128)),
    ("Tree", (128, 128, 0)),
    ("Truck_Bus", (192, 128, 192)),
    ("Tunnel", (64, 0, 64)),
    ("VegetationMisc", (192, 192, 0)),
    ("Wall", (64, 192, 0)),
)


def camvid() -> ClassMap:
    """Returns the class map of the 11 classes by colour; black is void."""
    return by_color(_CLASSES, (0, 0, 0))


def camvid_index() -> ClassMap:
    """Returns the class map of the 11 classes by index.

    Separate from camvid, in which black is void: here the level 0, which is also black, is sky.
    """
    return by_number([name for name, _ in _CLASSES], 0, len(_CLASSES))


def camvid32() -> ClassMap:
    """Returns the class map of the full list by colour; black is void."""
    return by_color(_ALL_CLASSES, (0, 0, 0))
