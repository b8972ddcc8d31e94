"""Cityscapes: 19 classes, by label id or train id, or by colour."""

from __future__ import annotations

from converter.classes.class_map import IGNORE_NAME, ClassMap, ClassMapBuilder
from converter.pixels.colors import Color
from converter.schema import IGNORE_INDEX

# cityscapesScripts, helpers/labels.py: (label id, name, colour) by train id.
_CLASSES: tuple[tuple[int, str, Color], ...] = (
    (7, "road", (128, 64, 128)),
    (8, "sidewalk", (244, 35, 232)),
    (11, "building", (70, 70, 70)),
    (12, "wall", (102, 102, 156)),
    (13, "fence", (190, 153, 153)),
    (17, "pole", (153, 153, 153)),
    (19, "traffic light", (250, 170, 30)),
    (20, "traffic sign", (220, 220, 0)),
    (21, "vegetation", (107, 142, 35)),
    (22, "terrain", (152, 251, 152)),
    (23, "sky", (70, 130, 180)),
    (24, "person", (220, 20, 60)),
    (25, "rider", (255, 0, 0)),
    (26, "car", (0, 0, 142)),
    (27, "truck", (0, 0, 70)),
    (28, "bus", (0, 60, 100)),
    (31, "train", (0, 80, 100)),
    (32, "motorcycle", (0, 0, 230)),
    (33, "bicycle", (119, 11, 32)),
)
_NUM_LABELS = 34  # ids 0..33; the licence plate has -1 and is not drawn
_POLE: Color = (153, 153, 153)  # of label 17, a class, and of label 18, polegroup, which is ignored

# The colours of the labels that are not classes: unlabeled and four more; dynamic, ground, parking, rail track, guard
# rail, bridge, tunnel, caravan, trailer.
_VOID_COLORS: tuple[Color, ...] = (
    (0, 0, 0),
    (111, 74, 0),
    (81, 0, 81),
    (250, 170, 160),
    (230, 150, 140),
    (180, 165, 180),
    (150, 100, 100),
    (150, 120, 90),
    (0, 0, 90),
    (0, 0, 110),
)


def cityscapes() -> ClassMap:
    """Returns the class map of the label ids, whose void labels are ignored."""
    builder = ClassMapBuilder()
    for label, name, color in _CLASSES:
        builder.add(name, label)
        if color != _POLE:
            builder.add(name, color)
    for label in sorted(set(range(_NUM_LABELS)) - {label for label, _, _ in _CLASSES}):
        builder.add(IGNORE_NAME, label)
    for color in _VOID_COLORS:
        builder.add(IGNORE_NAME, color)
    return builder.finish()


def cityscapes_train() -> ClassMap:
    """Returns the class map of the train ids, which are the class indices."""
    builder = ClassMapBuilder()
    for train_id, (_, name, color) in enumerate(_CLASSES):
        builder.add(name, train_id)
        builder.add(name, color)
    builder.add(IGNORE_NAME, IGNORE_INDEX)
    return builder.finish()
