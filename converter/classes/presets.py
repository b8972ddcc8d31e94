"""Presets: class maps of well-known datasets, by name: preset:voc -> ClassMap.

A preset lists what the dataset's own documents say its masks hold, and nothing else: a value whose meaning they leave
open is not listed, so that it is refused rather than guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from converter.classes.class_map import ClassMap, ClassMapBuilder
from converter.errors import UsageError
from converter.pixels.colors import Color, voc_color
from converter.schema import IGNORE_INDEX

PREFIX = "preset:"  # before the name of a preset where a path could stand

IGNORE = "ignore"

# PASCAL VOC 2012 development kit: index of each class, drawn in the colours of voc_color.
_VOC = (
    "background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
    "pottedplant sheep sofa train tvmonitor"
)

# cityscapesScripts, helpers/labels.py: (label id, name, colour) by train id.
_CITYSCAPES: tuple[tuple[int, str, Color], ...] = (
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
_CITYSCAPES_LABELS = 34  # ids 0..33; the licence plate has -1 and is not drawn
_POLE: Color = (153, 153, 153)  # of label 17, a class, and of label 18, polegroup, which is ignored

# The colours of the labels that are no class: unlabeled and four more; dynamic, ground, parking, rail track, guard
# rail, bridge, tunnel, caravan, trailer.
_CITYSCAPES_VOID: tuple[Color, ...] = (
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

# MIT Scene Parsing Benchmark, objectInfo150.txt: the first name of each class in the order of Idx, 1..150.
_ADE20K = (
    "wall,building,sky,floor,tree,ceiling,road,bed,windowpane,grass,cabinet,sidewalk,person,earth,door,table,mountain,"
    "plant,curtain,chair,car,water,painting,sofa,shelf,house,sea,mirror,rug,field,armchair,seat,fence,desk,rock,"
    "wardrobe,lamp,bathtub,railing,cushion,base,box,column,signboard,chest of drawers,counter,sand,sink,skyscraper,"
    "fireplace,refrigerator,grandstand,path,stairs,runway,case,pool table,pillow,screen door,stairway,river,bridge,"
    "bookcase,blind,coffee table,toilet,flower,book,hill,bench,countertop,stove,palm,kitchen island,computer,"
    "swivel chair,boat,bar,arcade machine,hovel,bus,towel,light,truck,tower,chandelier,awning,streetlight,booth,"
    "television,airplane,dirt track,apparel,pole,land,bannister,escalator,ottoman,bottle,buffet,poster,stage,van,ship,"
    "fountain,conveyer belt,canopy,washer,plaything,swimming pool,stool,barrel,basket,waterfall,tent,bag,minibike,"
    "cradle,oven,ball,food,step,tank,trade name,microwave,pot,animal,bicycle,lake,dishwasher,screen,blanket,sculpture,"
    "hood,sconce,vase,traffic light,tray,ashcan,fan,pier,crt screen,plate,monitor,bulletin board,shower,radiator,glass,"
    "clock,flag"
)

# SegNet tutorial: the 11 classes of CamVid in the order of their indices, 0..10; 11 is unlabelled.
_CAMVID: tuple[tuple[str, Color], ...] = (
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

# CamVid, label_colors.txt, without its last but one line, Void (0, 0, 0).
_CAMVID32: tuple[tuple[str, Color], ...] = (
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

# ISPRS 2D Semantic Labeling, Potsdam and Vaihingen; the references without boundaries draw those black.
_POTSDAM: tuple[tuple[str, Color], ...] = (
    ("impervious surfaces", (255, 255, 255)),
    ("building", (0, 0, 255)),
    ("low vegetation", (0, 255, 255)),
    ("tree", (0, 255, 0)),
    ("car", (255, 255, 0)),
    ("clutter", (255, 0, 0)),
)

# LoveDA: classes 1..7; 0 is no data.
_LOVEDA = "background building road water barren forest agriculture"

# DeepGlobe Land Cover Classification; black is unknown.
_DEEPGLOBE: tuple[tuple[str, Color], ...] = (
    ("urban land", (0, 255, 255)),
    ("agriculture land", (255, 255, 0)),
    ("rangeland", (255, 0, 255)),
    ("forest land", (0, 255, 0)),
    ("water", (0, 0, 255)),
    ("barren land", (255, 255, 255)),
)


def _voc() -> ClassMap:
    builder = ClassMapBuilder()
    for index, name in enumerate(_VOC.split()):
        for value in (index, voc_color(index), f"p{index}"):
            builder.add(name, value)
    for border in (255, (224, 224, 192), "p255"):
        builder.add(IGNORE, border)
    return builder.finish()


def _cityscapes() -> ClassMap:
    builder = ClassMapBuilder()
    for label, name, color in _CITYSCAPES:
        builder.add(name, label)
        if color != _POLE:
            builder.add(name, color)
    for label in sorted(set(range(_CITYSCAPES_LABELS)) - {label for label, _, _ in _CITYSCAPES}):
        builder.add(IGNORE, label)
    for color in _CITYSCAPES_VOID:
        builder.add(IGNORE, color)
    return builder.finish()


def _cityscapes_train() -> ClassMap:
    builder = ClassMapBuilder()
    for train_id, (_, name, color) in enumerate(_CITYSCAPES):
        builder.add(name, train_id)
        builder.add(name, color)
    builder.add(IGNORE, IGNORE_INDEX)
    return builder.finish()


def _by_color(rows: tuple[tuple[str, Color], ...], void: Color) -> ClassMap:
    builder = ClassMapBuilder()
    for name, color in (*rows, (IGNORE, void)):
        builder.add(name, color)
    return builder.finish()


def _by_number(names: Collection[str], first: int, void: int) -> ClassMap:
    builder = ClassMapBuilder()
    for value, name in enumerate(names, first):
        builder.add(name, value)
    builder.add(IGNORE, void)
    return builder.finish()


_BUILDERS: dict[str, Callable[[], ClassMap]] = {
    "voc": _voc,
    "cityscapes": _cityscapes,
    "cityscapes-train": _cityscapes_train,
    "ade20k": lambda: _by_number(_ADE20K.split(","), 1, 0),
    "camvid": lambda: _by_color(_CAMVID, (0, 0, 0)),
    # Apart from camvid, because there black is void, while the level 0, which is black too, is sky here.
    "camvid-index": lambda: _by_number([name for name, _ in _CAMVID], 0, len(_CAMVID)),
    "camvid32": lambda: _by_color(_CAMVID32, (0, 0, 0)),
    "potsdam": lambda: _by_color(_POTSDAM, (0, 0, 0)),
    "loveda": lambda: _by_number(_LOVEDA.split(), 1, 0),
    "deepglobe": lambda: _by_color(_DEEPGLOBE, (0, 0, 0)),
}
PRESETS = tuple(_BUILDERS)

# Share of a preset's classes whose colours must occur before it is believed. Pure colours, and the first ones of VOC's
# colour map, are what everybody draws with: there, all of them must.
_MIN_SHARE = {"voc": 1.0, "potsdam": 1.0, "deepglobe": 1.0}
_USUAL_SHARE = 0.5
_MAX_STRANGE = 0.1  # share of the colours that a preset may leave unexplained


def preset(name: str) -> ClassMap:
    """Returns the class map of a well-known dataset.

    Raises:
      UsageError: there is no preset of that name.
    """
    if name not in _BUILDERS:
        mend = f"Name one of {', '.join(PRESETS)}."
        raise UsageError(f"{PREFIX}{name}", "is no preset", mend, "E_CLASSES")
    return _BUILDERS[name]()


def names_for(colors: Collection[Color]) -> tuple[str, dict[Color, str]] | None:
    """Returns the preset that explains the colours of a dataset's masks, and the name of each colour that it knows.

    A preset explains them if at least half of its classes occur (all of them where its colours are common ones) and
    at most one colour in ten is none of its own. Of several, that which explains most is taken.

    Args:
      colors: every colour in the masks, damage left out.

    Returns:
      (name of the preset, colour -> name of the class, or "ignore"); None where no preset explains them.
    """
    best: tuple[str, dict[Color, str]] | None = None
    wanted = set(colors)
    for name in PRESETS:
        classes = preset(name)
        known = {color: index for color, index in classes.rgb.items() if color in wanted}
        occurring = set(known.values()) - {IGNORE_INDEX}
        drawable = set(classes.rgb.values()) - {IGNORE_INDEX}
        is_there = drawable and len(occurring) >= _MIN_SHARE.get(name, _USUAL_SHARE) * len(drawable)
        is_most = best is None or len(known) > len(best[1])
        if is_there and is_most and len(wanted) - len(known) <= _MAX_STRANGE * len(wanted):
            best = name, {color: classes.name_of(index) for color, index in known.items()}
    return best
