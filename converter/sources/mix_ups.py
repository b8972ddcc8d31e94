"""Mix-ups: lines of lists that pair an image with what looks like the mask of another image."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

from converter.errors import shown
from converter.sources.names import stem_of
from converter.sources.refs import ExampleRef, Unused

MIN_SHARE = 0.5  # of the pairs of a list that must be named by one pattern, or their names say nothing
_FIX_SHARED = "Check the list: each image has a mask of its own, unless several were taken of one scene."
_FIX_OTHER = "Check the list: name the mask of the same image, or rename the files."
Affixes = tuple[bool, str, str]


def mix_ups(refs: Sequence[ExampleRef], files: Collection[str]) -> list[Unused]:
    """Returns a warning for each list that names one mask twice, or a mask whose name is that of another image.

    Args:
      refs: all pairs that lists name, of all splits.
      files: all files of the source folder.
    """
    by_list: defaultdict[str, list[ExampleRef]] = defaultdict(list)
    for ref in refs:
        by_list[ref.list_name].append(ref)
    found = []
    first: dict[str, ExampleRef] = {}
    for name, own in by_list.items():
        shared = [(ref, other) for ref in own if (other := first.setdefault(ref.mask, ref)).image != ref.image]
        if shared:
            ref, other = shared[0]
            what = f"gives {shown(ref.image)} the mask {shown(ref.mask)}, which {shown(other.image)} has too"
            found.append(Unused("W_SHARED_MASK", f"{name}:{ref.line}", what + _more(shared), _FIX_SHARED))
        others = list(_other_masks(own, files))
        if others:
            ref, mask = others[0]
            what = f"gives {shown(ref.image)} the mask {shown(ref.mask)}, although there is {shown(mask)}"
            found.append(Unused("W_OTHER_MASK", f"{name}:{ref.line}", what + _more(others), _FIX_OTHER))
    return found


def _more(places: Sequence[tuple[ExampleRef, object]]) -> str:
    numbers = [ref.line for ref, _ in places[1:4]]
    rest = len(places) - 1 - len(numbers)
    more = f" and {rest} more" if rest else ""
    return f"; also line{'s' * (len(places) > 2)} {', '.join(map(str, numbers))}{more}" if numbers else ""


def _other_masks(refs: Sequence[ExampleRef], files: Collection[str]) -> Iterable[tuple[ExampleRef, str]]:
    """Yields the pairs that are not named like most of their list, and the mask that would be."""
    affixes = [_affixes(ref) for ref in refs]
    (usual, number), *_ = Counter(each for both in affixes for each in set(both)).most_common(1)
    if number <= MIN_SHARE * len(refs):
        return
    is_prefix, of_image, of_mask = usual
    for ref, both in zip(refs, affixes, strict=True):
        image, (folder, _, base) = _stem(ref.image), ref.mask.rpartition("/")
        if usual in both or not (image.startswith(of_image) if is_prefix else image.endswith(of_image)):
            continue
        stem = of_mask + image.removeprefix(of_image) if is_prefix else image.removesuffix(of_image) + of_mask
        expected = f"{folder}/{stem}{base[len(stem_of(base)) :]}".removeprefix("/")
        if expected in files and expected != ref.mask:
            yield ref, expected


def _affixes(ref: ExampleRef) -> tuple[Affixes, Affixes]:
    """Returns what differs between the stems of a pair after their common start, and before their common end."""
    image, mask = _stem(ref.image), _stem(ref.mask)
    if image == mask:  # nearly all; comparing their characters would double the time of a list
        return (False, "", ""), (True, "", "")
    start, end = _num_common(image, mask), _num_common(image[::-1], mask[::-1])
    return (False, image[start:], mask[start:]), (True, image[: len(image) - end], mask[: len(mask) - end])


def _num_common(one: str, other: str) -> int:
    """Returns the number of characters with which both texts begin."""
    differ = (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differ, min(len(one), len(other)))


def _stem(path: str) -> str:
    return stem_of(path.rpartition("/")[2])
