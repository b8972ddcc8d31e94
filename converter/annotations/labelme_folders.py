"""labelme folders: what labelme_json_to_dataset writes: img.png, label.png and label_names.txt in a folder each."""

from __future__ import annotations

import posixpath

from converter.annotations.documents import Documents
from converter.annotations.found import Found, Picture, invalid
from converter.annotations.photographs import split_of_path
from converter.annotations.shapes import Drawable, InFile
from converter.annotations.texts import read_bytes, text_of
from converter.annotations.values import class_name
from converter.errors import DataError
from converter.limits import MAX_CLASSES
from converter.pixels.masks import ValueCounter, open_mask
from converter.sources.layouts.labelme_json import IMAGE, MASK, NAMES
from converter.sources.tree import join
from converter.system.files import read_inside


def find(documents: Documents) -> list[Found]:
    """Returns the pictures of such folders: a value means the name that label_names.txt has in its line, from 0."""
    tree = documents.tree
    results = []
    for folder in tree.folders:
        image, mask, names = (join(folder, name) for name in (IMAGE, MASK, NAMES))
        if {image, mask, names} <= tree.file_set:
            found = Found(names)
            try:
                found.pictures.append(_picture(documents, found, image, mask))
            except DataError as error:
                what = error.what if error.where in ("", names) else f"is beside {error.where}, which {error.what}"
                found.problems.append(DataError(names, what, error.fix, error.code))
            results.append(found)
    return results


def _picture(documents: Documents, found: Found, image: str, mask: str) -> Picture:
    lines = text_of(read_bytes(documents.tree.src, found, follow_links=True), found.where).splitlines()
    names = [class_name(line) for line in lines if line.strip()]
    if len(names) > MAX_CLASSES:
        raise invalid(f"lists {len(names)} names")
    values = ValueCounter().count(open_mask(read_inside(documents.tree.src, mask, follow_links=True), mask))
    numbers = sorted(value.number for value in values)
    if numbers[-1] >= len(names):
        raise invalid(f"names {len(names)} values, and {posixpath.basename(mask)} has {numbers[-1]}")
    drawn = tuple(Drawable(names[number], InFile(mask, number)) for number in numbers if number)
    return Picture(image, found.where, None, drawn, split_of_path(image))
