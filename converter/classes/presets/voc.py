"""PASCAL VOC 2012: 21 classes, by index, palette entry or colour."""

from __future__ import annotations

from converter.classes.class_map import IGNORE_NAME, ClassMap, ClassMapBuilder
from converter.pixels.colors import voc_color

# PASCAL VOC 2012 development kit: classes by index, drawn in the colours of voc_color.
_NAMES = (
    "background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
    "pottedplant sheep sofa train tvmonitor"
)


def voc() -> ClassMap:
    """Returns the class map of PASCAL VOC, whose object borders are ignored."""
    builder = ClassMapBuilder()
    for index, name in enumerate(_NAMES.split()):
        for value in (index, voc_color(index), f"p{index}"):
            builder.add(name, value)
    for border in (255, (224, 224, 192), "p255"):
        builder.add(IGNORE_NAME, border)
    return builder.finish()
