"""Affixes: the constant text by which the names of masks differ from those of their images, inferred from all names.

There is no list of usual affixes here: a difference counts only if it is the same for all masks of a pair of folders
and leads to exactly one image for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from converter.limits import MAX_AFFIXES, MAX_INFIX_CHARS
from converter.sources.layouts.pairing import FolderPair, Found, Named, match
from converter.sources.names import stem_of
from converter.sources.tree import Tree, join

_SAMPLED = 8  # masks from which differences are proposed; all masks decide which one is right


class Group(NamedTuple):
    """The names of one pair of folders, without extensions; `files` are those of the images with their extensions."""

    images: frozenset[str]
    masks: frozenset[str]
    files: frozenset[str] = frozenset()


class Affixes(NamedTuple):
    """How the names of masks differ from those of their images.

    Attributes:
      text: in words, for the evidence; "" if they are the same.
      image_of: for each group, the name of a mask -> the name of its image.
      image: what precedes and what follows the common part in the name of an image; None if that is not the difference.
      mask: the same of a mask.
    """

    text: str
    image_of: tuple[dict[str, str], ...]
    image: tuple[str, str] | None = None
    mask: tuple[str, str] | None = None


def infer(groups: Sequence[Group]) -> Affixes | None:
    """Returns the one difference that leads from each mask of all groups to an image of its own; else None."""
    masks = [mask for group in groups for mask in group.masks]
    if not masks or any(len(group.masks) > len(group.images) for group in groups):
        return None
    if all(group.masks <= group.images for group in groups):
        return Affixes("", tuple({mask: mask for mask in group.masks} for group in groups), ("", ""), ("", ""))
    if all(group.masks <= group.files for group in groups):
        found = _verified(groups, lambda group, mask: [stem_of(mask)])
        return Affixes("masks are named after their images with the extension", found) if found else None
    return _by_ends(groups, masks) or _by_middle(groups)


def pair_by_affixes(tree: Tree, folders: Sequence[FolderPair]) -> Found | None:
    """Returns the images of folders with their masks by `infer`, in all folders alike or in each by itself; else None.

    Folders without masks, such as those of a test set, only contribute their images.
    """
    groups = {pair: group_of(tree, pair) for pair in folders}
    full = [pair for pair, group in groups.items() if group.masks]
    together = infer([groups[pair] for pair in full])
    if together:
        texts, image_of = [together.text], dict(zip(full, together.image_of, strict=True))
    else:
        alone = {pair: infer([groups[pair]]) for pair in full}
        if not full or not all(alone.values()):
            return None
        texts = [f"{affixes.text} in {pair.masks}/" for pair, affixes in alone.items() if affixes and affixes.text]
        image_of = {pair: affixes.image_of[0] for pair, affixes in alone.items() if affixes}
    images, masks = Named(), Named()
    for pair in folders:
        for name in tree.image_files.get(pair.images, ()):
            images.add((pair.images, stem_of(name)), join(pair.images, name))
        for name in tree.image_files.get(pair.masks, ()):
            masks.add((pair.images, image_of[pair][stem_of(name)]), join(pair.masks, name))
    found = match(images, masks, {pair.images: pair.split for pair in folders})
    return found.as_layout("", *filter(None, texts))


def group_of(tree: Tree, pair: FolderPair) -> Group:
    """Returns the names in a pair of folders."""
    images, masks = (tree.image_files.get(folder, ()) for folder in (pair.images, pair.masks))
    return Group(frozenset(map(stem_of, images)), frozenset(map(stem_of, masks)), frozenset(images))


def within_folder(names: Iterable[str]) -> tuple[frozenset[str], Affixes] | None:
    """Returns the masks among the names of one folder, and how they differ from their images; None if none do.

    The masks are the names that contain another name and one constant text before or after it; they are at least
    nine tenths of the names together with their images.

    Args:
      names: without extensions.
    """
    stems = frozenset(names)
    numbers: dict[tuple[str, str], int] = {}
    for stem in stems:
        for cut in range(max(1, len(stem) - MAX_INFIX_CHARS), len(stem)):
            if stem[:cut] in stems and not _cuts_number(stem[:cut], stem[cut:]):
                numbers["", stem[cut:]] = numbers.get(("", stem[cut:]), 0) + 1
        for cut in range(1, min(MAX_INFIX_CHARS, len(stem) - 1) + 1):
            if stem[cut:] in stems and not _cuts_number(stem[:cut], stem[cut:]):
                numbers[stem[:cut], ""] = numbers.get((stem[:cut], ""), 0) + 1
    if not numbers:
        return None
    start, end = min(numbers, key=lambda ends: (-numbers[ends], ends))
    if list(numbers.values()).count(numbers[start, end]) > 1 or 20 * numbers[start, end] < 9 * len(stems):
        return None
    image_of = {start + stem + end: stem for stem in stems if start + stem + end in stems}
    if len(image_of) < 2 or image_of.keys() & set(image_of.values()):
        return None
    return frozenset(image_of), Affixes(_ends_text(("", ""), (start, end)), (image_of,), ("", ""), (start, end))


def kinds_of_masks(group: Group) -> dict[tuple[str, str], int] | None:
    """Returns what masks have before and after the names of their images -> number of masks, if an image has several.

    None unless every mask contains the name of an image, at its beginning or its end.
    """
    kinds: dict[tuple[str, str], int] = {}
    images: set[str] = set()
    for mask in group.masks:
        cuts = [cut for cut in range(len(mask), 0, -1) if mask[:cut] in group.images]
        tails = [cut for cut in range(len(mask)) if mask[cut:] in group.images]
        if cuts:
            image, kind = mask[: cuts[0]], ("", mask[cuts[0] :])
        elif tails:
            image, kind = mask[tails[0] :], (mask[: tails[0]], "")
        else:
            return None
        images.add(image)
        kinds[kind] = kinds.get(kind, 0) + 1
    if len(group.masks) <= len(images) or len(kinds) < 2:
        return None
    return dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0])))


def _verified(
    groups: Sequence[Group], images_of: Callable[[Group, str], Iterable[str]]
) -> tuple[dict[str, str], ...] | None:
    """Returns the image of each mask in each group, if every mask has exactly one, and every image at most one."""
    result = []
    for group in groups:
        image_of: dict[str, str] = {}
        taken: set[str] = set()
        for mask in group.masks:
            found = {image for image in images_of(group, mask) if image in group.images}
            if len(found) != 1 or taken & found:
                return None
            taken |= found
            image_of[mask] = found.pop()
        result.append(image_of)
    return tuple(result)


# ---- before and after the common part


def _by_ends(groups: Sequence[Group], masks: Sequence[str]) -> Affixes | None:
    """Returns the constant start and end of images, and those of masks, that leave the same part of both.

    What is common to all masks is taken off them; then the images that contain the rest show what they have instead.
    Of several, the most similar to what the masks have is used, if it is only one: masks m_cat_1 and m_cat_2 belong to
    cat_1 and cat_2, not to dog_1 and dog_2.
    """
    start, end = _common_ends(masks)
    whose = max(groups, key=lambda group: len(group.masks))

    def core_of(mask: str) -> str:
        return mask[len(start) : len(mask) - len(end)]

    sampled = sorted(map(core_of, whose.masks), key=lambda core: (-len(core), core))[:_SAMPLED]
    candidates = {ends for image in whose.images for ends in _ends_around(image, sampled[0])}
    candidates = {(a, b) for a, b in candidates if all(a + core + b in whose.images for core in sampled)}
    if len(candidates) > MAX_AFFIXES:
        return None

    def similarity(ends: tuple[str, str]) -> int:
        both = ((ends[0], start), (ends[1], end))
        return sum(len(_common_start(pair)) + len(_common_end(pair)) for pair in both)

    order = sorted(candidates, key=lambda ends: (-similarity(ends), ends))
    good = []
    for ends in order:
        if found := _verified(groups, lambda _, mask, ends=ends: [ends[0] + core_of(mask) + ends[1]]):  # type: ignore[misc]
            good.append((ends, found))
            if len(good) == 2:
                break
    if not good or (len(good) == 2 and similarity(good[0][0]) == similarity(good[1][0])):
        return None
    image, mask = _without_common(good[0][0], (start, end))
    return Affixes(_ends_text(image, mask), good[0][1], image, mask)


def _common_ends(names: Sequence[str]) -> tuple[str, str]:
    """Returns what all names begin and end with, without a part of a number; something is left of every name."""
    if len(names) == 1:
        return "", ""
    start, end = _common_start(names), _common_end(names)
    shortest = min(map(len, names))
    end = end[max(0, len(end) - shortest + 1) :]
    start = start[: max(0, shortest - len(end) - 1)]
    cores = [name[len(start) : len(name) - len(end)] for name in names]
    if any(_cuts_number(start, core) for core in cores):
        start = start.rstrip("0123456789")
    if any(_cuts_number(core, end) for core in cores):
        end = end.lstrip("0123456789")
    return start, end


def _common_start(names: Sequence[str]) -> str:
    first, last = min(names), max(names)
    length = 0
    while length < min(len(first), len(last)) and first[length] == last[length]:
        length += 1
    return first[:length]


def _common_end(names: Sequence[str]) -> str:
    return _common_start([name[::-1] for name in names])[::-1]


def _ends_around(image: str, core: str) -> Iterator[tuple[str, str]]:
    """Yields what precedes and follows each occurrence of a text in a name, unless that cuts a number."""
    place = image.find(core)
    while place >= 0:
        before, after = image[:place], image[place + len(core) :]
        if not _cuts_number(before, core) and not _cuts_number(core, after):
            yield before, after
        place = image.find(core, place + 1)


def _cuts_number(before: str, after: str) -> bool:
    return before[-1:].isdigit() and after[:1].isdigit()


def _without_common(image: tuple[str, str], mask: tuple[str, str]) -> tuple[tuple[str, str], tuple[str, str]]:
    """Moves what images and masks both have next to the common part into it, unless that is only a separator."""
    start = _common_end([image[0], mask[0]])
    end = _common_start([image[1], mask[1]])
    first = len(start) if image[0] == mask[0] or start.strip("_-. ") else 0
    last = len(end) if image[1] == mask[1] or end.strip("_-. ") else 0
    return (
        (image[0][: len(image[0]) - first], image[1][last:]),
        (mask[0][: len(mask[0]) - first], mask[1][last:]),
    )


def _ends_text(image: tuple[str, str], mask: tuple[str, str]) -> str:
    """Returns "names begin with img and label": how images and masks differ, in words."""
    words = [
        f"{verb} {own or 'nothing'} and {other or 'nothing'}"
        for verb, own, other in zip(("begin with", "end in"), image, mask, strict=True)
        if own or other
    ]
    return f"names {' and '.join(words)}" if words else ""


# ---- within the common part


def _by_middle(groups: Sequence[Group]) -> Affixes | None:
    """Returns the one replacement of a text within the names of images that gives the names of the masks."""
    candidates: set[tuple[str, str]] | None = None
    for group in groups:
        ordered = sorted(group.masks)
        for mask in ordered[:: max(1, len(ordered) // _SAMPLED)][:_SAMPLED]:
            if candidates is None:
                candidates = {edit for image in group.images for edit in _edits(image, mask)}
            candidates = {edit for edit in candidates if not group.images.isdisjoint(_undone(group, mask, *edit))}
            if not candidates:
                return None
    good = {}
    has_one = sum(len(group.masks) for group in groups) == 1
    for old, new in sorted(candidates or ()):
        if has_one and old and new:
            continue  # a single pair of different names shows nothing
        found = _verified(groups, lambda group, mask, old=old, new=new: _undone(group, mask, old, new))  # type: ignore[misc]
        if found:
            good[tuple(tuple(sorted(image_of.items())) for image_of in found)] = (old, new, found)
    if len(good) != 1:
        return None
    old, new, found = next(iter(good.values()))
    mask, image = min((mask, image) for image_of in found for mask, image in image_of.items())
    return Affixes(
        f"masks have {new or 'nothing'} where images have {old or 'nothing'}, as in {mask} of {image}", found
    )


def _edits(image: str, mask: str) -> Iterator[tuple[str, str]]:
    """Yields the (old, new) texts whose exchange at one place makes the name of an image that of a mask."""
    start = len(_common_start([image, mask]))
    end = len(_common_end([image[start:], mask[start:]]))
    old, new = image[start : len(image) - end], mask[start : len(mask) - end]
    if not start + end or max(len(old), len(new)) > MAX_INFIX_CHARS:
        return
    if old and new:
        if not _is_in_number(image, start, len(old)) and not _is_in_number(mask, start, len(new)):
            yield old, new
        return
    longer, length = (mask, len(new)) if new else (image, len(old))
    for place in range(start, max(0, start - length) - 1, -1):  # road_|um and um|_road are the same insertion
        text = longer[place : place + length]
        if longer[:place] + longer[place + length :] != (image if new else mask):
            break
        if not _is_in_number(longer, place, length):
            yield ("", text) if new else (text, "")


def _is_in_number(name: str, place: int, length: int) -> bool:
    """Returns whether a part of a name begins or ends within a number."""
    end = place + length
    return _cuts_number(name[:place], name[place:end]) or _cuts_number(name[place:end], name[end:])


def _undone(group: Group, mask: str, old: str, new: str) -> Iterator[str]:
    """Yields the names of images that the exchange of `old` for `new` may have made the name of a mask."""
    place = mask.find(new)
    while 0 <= place <= len(mask):
        yield mask[:place] + old + mask[place + len(new) :]
        place = mask.find(new, place + 1) if place < len(mask) else -1
