"""Registry: every known preset, in the order in which messages list them.

To add a preset, add one row here and one module with a function that returns its class map. The names can be listed
without importing a class map.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from converter.classes.class_map import ClassMap
from converter.errors import UsageError

PREFIX = "preset:"  # before the name of a preset, which distinguishes it from a path


@dataclass(frozen=True)
class Preset:
    """The class map of a well-known dataset.

    Attributes:
      text: the dataset and the values of its masks, in one line.
      builder: "module:function" that returns the class map; imported on first use.
      min_share: minimum share of the classes whose colours must occur in the masks for the preset to fit.
    """

    text: str
    builder: str
    min_share: float = 0.5

    def class_map(self) -> ClassMap:
        """Returns the class map."""
        builder: Callable[[], ClassMap] = pkgutil.resolve_name(self.builder)
        return builder()


# Many tools use pure colours and the first ones of VOC's colour map, so all of these must occur.
_COMMON_COLORS = 1.0

_HERE = "converter.classes.presets"
PRESETS: dict[str, Preset] = {
    "voc": Preset("PASCAL VOC 2012, by index or colour", f"{_HERE}.voc:voc", _COMMON_COLORS),
    "cityscapes": Preset("Cityscapes, 19 classes by label id or colour", f"{_HERE}.cityscapes:cityscapes"),
    "cityscapes-train": Preset("Cityscapes, 19 classes by train id or colour", f"{_HERE}.cityscapes:cityscapes_train"),
    "ade20k": Preset("ADE20K, 150 classes by index", f"{_HERE}.ade20k:ade20k"),
    "camvid": Preset("CamVid, 11 classes by colour", f"{_HERE}.camvid:camvid"),
    "camvid-index": Preset("CamVid, 11 classes by index", f"{_HERE}.camvid:camvid_index"),
    "camvid32": Preset("CamVid, all classes by colour", f"{_HERE}.camvid:camvid32"),
    "potsdam": Preset("ISPRS Potsdam and Vaihingen, by colour", f"{_HERE}.aerial:potsdam", _COMMON_COLORS),
    "loveda": Preset("LoveDA, by index", f"{_HERE}.aerial:loveda"),
    "deepglobe": Preset("DeepGlobe Land Cover Classification, by colour", f"{_HERE}.aerial:deepglobe", _COMMON_COLORS),
}


def preset(name: str) -> ClassMap:
    """Returns the class map of a well-known dataset.

    Raises:
      UsageError: there is no preset of that name.
    """
    if name not in PRESETS:
        fix = f"Name one of {', '.join(PRESETS)}."
        raise UsageError(f"{PREFIX}{name}", "is not a preset", fix, "E_CLASSES")
    return PRESETS[name].class_map()
