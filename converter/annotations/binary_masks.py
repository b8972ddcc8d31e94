"""Binary masks: one mask file a class or an object, in a folder a photograph, a folder a class, or by the end of names.

    images/p0.jpg  masks/p0/tumor.png  masks/p0/vessel.png     a folder a photograph
    p0/images/p0.png  p0/masks/a1.png  p0/masks/a2.png         the same with the photograph in it
    images/p0.jpg  masks/tumor/p0.png  masks/vessel/p0.png     a folder a class
    images/p0.jpg  masks/p0_tumor.png  masks/p0_vessel.png     the class at the end of the name

A number at the end of a name is that of an object; a name that is nothing but numbers or a hash is an object of the
class called `object`.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from converter.annotations.documents import Documents
from converter.annotations.found import Found, Picture
from converter.annotations.photographs import split_of_path
from converter.annotations.shapes import Drawable, InFile
from converter.sources.layouts.words import IMAGE_WORDS, MASK_WORDS
from converter.sources.names import split_of, stem_of

OBJECT = "object"
_ANONYMOUS = re.compile(r"(?:[0-9]+|[0-9a-f]{16,}|mask|masks|obj|object|instance)?", re.IGNORECASE)


def find(documents: Documents) -> list[Found]:
    """Returns the pictures of a folder in which photographs have several masks, one for each class or object."""
    tree = documents.tree
    photographs, masks = _divided(tree.image_files)
    by_stem: defaultdict[str, list[str]] = defaultdict(list)
    for path in photographs:
        by_stem[stem_of(posixpath.basename(path))].append(path)
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for path in masks:
        if named := _photograph_and_class(path, by_stem):
            found[named[0]].append((path, named[1]))
    if len({label for files in found.values() for _, label in files}) < 2 and all(len(x) < 2 for x in found.values()):
        return []  # one mask each: a dataset that `build` reads
    results = []
    for photograph, files in sorted(found.items()):
        drawn = tuple(Drawable(label, InFile(path)) for path, label in sorted(files))
        picture = Picture(photograph, photograph, None, drawn, split_of_path(photograph))
        results.append(Found(photograph, [picture]))
    return results


def _divided(image_files: Mapping[str, Sequence[str]]) -> tuple[list[str], list[str]]:
    """Returns (photographs, masks): masks are in a folder named so, or else in any but those named after images."""
    paths = [posixpath.join(folder, name) for folder, names in image_files.items() for name in names]
    masks = [path for path in paths if _has_folder(path, MASK_WORDS)]
    if not masks and any(_has_folder(path, IMAGE_WORDS) for path in paths):
        masks = [path for path in paths if not _has_folder(path, IMAGE_WORDS)]
    return sorted({*paths} - {*masks}), masks


def _has_folder(path: str, words: tuple[str, ...]) -> bool:
    return any(part.lower() in words for part in path.split("/")[:-1])


def _photograph_and_class(path: str, by_stem: dict[str, list[str]]) -> tuple[str, str] | None:
    """Returns (photograph, class) of a mask; None where no photograph has its name."""
    parts = path.split("/")
    start = max((place for place, part in enumerate(parts[:-1]) if part.lower() in MASK_WORDS), default=-1)
    before, folders, stem = parts[: max(start, 0)], parts[start + 1 : -1], stem_of(parts[-1])
    folders = [folder for folder in folders if split_of(folder) is None]
    split = split_of_path(path)

    def only(name: str) -> str | None:
        same = by_stem.get(name, [])
        same = [photograph for photograph in same if split_of_path(photograph) == split] or same
        return same[0] if len(same) == 1 else None

    if folders and (photograph := only(folders[-1])):
        return photograph, _class_of(stem)
    if folders and (photograph := only(stem)):
        return photograph, folders[-1]
    if before and (photograph := only(before[-1])) and photograph.startswith("/".join(before) + "/"):
        return photograph, _class_of(stem)
    for cut in (place for place in range(len(stem) - 1, 0, -1) if stem[place] in "_-. "):
        if photograph := only(stem[:cut]):
            return photograph, _class_of(stem[cut + 1 :])
    photograph = only(stem)
    return (photograph, OBJECT) if photograph else None


def _class_of(name: str) -> str:
    """Returns the class in the name of a mask, without the number of an object."""
    label = re.sub(r"[_\-. ]*[0-9]+$", "", name).strip("_-. ")
    return OBJECT if _ANONYMOUS.fullmatch(name) or _ANONYMOUS.fullmatch(label) else label
