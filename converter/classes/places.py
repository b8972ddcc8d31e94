"""Places: masks that hold numbers under a class file that lists colours -> the class of each number, by its place.

Many datasets are published twice, as colours and as numbers, with one list of colours for both. A number is taken as
the place of a line only if all numbers are places and at least half of the places occur. Otherwise the account says
what does not fit, and nothing is taken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from converter.classes.class_map import ClassMap, greys_of
from converter.config import SourceConfig
from converter.errors import DataError
from converter.limits import MAX_PROBED_MASKS
from converter.pixels.masks import MaskValue, ValueCounter, open_mask
from converter.pixels.pillow import without_warnings
from converter.sources.refs import ExampleRef
from converter.system.files import read_inside

_MIN_SHARE = 0.5  # of the places that must occur: 12 numbers under a list of 32 colours may be another numbering
_COUNTED_VALUES = 256  # of one mask; with more, it holds no class numbers
_NO_CLASS = frozenset({0, 255})  # numbers that are as often no class as the first or the last one


def lists_colors_only(classes: ClassMap) -> bool:
    """Returns whether a class map says nothing about numbers."""
    return bool(classes.rgb) and not classes.grey and not classes.palette and classes.default is None


def probe_masks(source: SourceConfig, refs: Sequence[ExampleRef]) -> set[MaskValue]:
    """Returns the values of some masks, spread over a dataset; an empty set if one of them is drawn in colours.

    Masks that cannot be read are left out; the build names them.

    Raises:
      MachineError: the disk failed.
    """
    values: set[MaskValue] = set()
    number = min(len(refs), MAX_PROBED_MASKS)
    counter = ValueCounter()
    with without_warnings():
        for ref in (refs[place * len(refs) // number] for place in range(number)):
            try:
                data = read_inside(source.src, ref.mask, follow_links=source.follow_links)
                mask = open_mask(data, ref.mask, source.max_pixels)
                found, others, _ = counter.count_most_frequent(mask, _COUNTED_VALUES)
            except DataError:
                continue
            values |= found.keys()
            if others or any(value.mode == "RGB" and len(set(value.color)) > 1 for value in found):
                return set()
    return values


def by_place(
    classes: ClassMap, places: Mapping[int, int], values: Collection[MaskValue]
) -> tuple[ClassMap | None, str]:
    """Returns the class map that takes numbers by their places, and what does not fit.

    Args:
      classes: the map of a file that lists colours only.
      places: number -> class index or IGNORE_INDEX, one for each line of the file.
      values: of the masks, from `probe_masks`.

    Returns:
      (None, "") if the colours fit the masks, or if these hold no such numbers; (the map, "") if the numbers are
      places; (the map, what does not fit) if that is not certain.
    """
    numbers = {value.color[0] if value.mode == "RGB" else value.number for value in values}
    unlisted = {value for value in values if value.color not in classes.rgb or value.depth != 8}
    is_in_colors = any(value.mode == "P" and value.color in classes.rgb and any(value.color) for value in values)
    if not unlisted or is_in_colors or numbers <= greys_of(classes).keys() | _NO_CLASS:
        return None, ""
    taken = _taken(classes, places)
    missing = [number for number in places if number not in numbers]
    strange = sorted(numbers - places.keys())
    if not strange and len(missing) <= (1 - _MIN_SHARE) * len(places):
        return taken, ""
    if not strange:
        return taken, f"{len(missing)} of the {len(places)} places in it do not occur, such as {missing[0]}"
    last = max(places)
    if strange == [last + 1] and numbers - _NO_CLASS == set(range(1, last + 2)) - _NO_CLASS:
        return taken, f"they may be counted from 1, or from 0 with {last + 1} as none of the classes"
    if strange == [255] or len(strange) * 4 <= len(numbers):
        shown = ", ".join(map(str, strange[:4])) + (", ..." if len(strange) > 4 else "")
        return taken, f"{shown} {'is' if len(strange) == 1 else 'are'} no place in it"
    return None, ""


def _taken(classes: ClassMap, places: Mapping[int, int]) -> ClassMap:
    """Returns a class map of numbers that keeps the colours which cannot be taken for one."""
    colors = {
        color: index for color, index in classes.rgb.items() if len(set(color)) > 1 or places.get(color[0]) == index
    }
    return replace(classes, grey=dict(places), rgb=colors)


def described(classes: ClassMap, places: Mapping[int, int]) -> str:
    """Returns the first places with the names of their classes: "0 'background', 1 'cat', ..."."""
    names = [f"{number} {classes.name_of(index)!r}" for number, index in sorted(places.items())]
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")


def span(values: Collection[MaskValue]) -> str:
    """Returns the numbers of masks: "0..11", or "0, 1, 255" if they are few."""
    numbers = sorted({value.color[0] if value.mode == "RGB" else value.number for value in values})
    if len(numbers) > 3 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]}..{numbers[-1]}"
    return ", ".join(map(str, numbers[:6])) + (f", ... {numbers[-1]}" if len(numbers) > 6 else "")
