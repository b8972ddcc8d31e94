"""labelme_json_to_dataset: one folder for each image, with img.png, label.png and the names of its values."""

from __future__ import annotations

from collections.abc import Iterable

from converter.errors import DataError, UsageError, shown
from converter.limits import MAX_CLASS_FILE_BYTES
from converter.sources.layouts.pairing import Found, Named, match, split_in
from converter.sources.others import masks_fix
from converter.sources.tree import Tree, count_of, join
from converter.system.files import read_inside

IMAGE, MASK, NAMES = "img.png", "label.png", "label_names.txt"
_FIX_NAMES = "Give each name one value: segconv masks --src {src} --out {out}."


def labelme_json(tree: Tree) -> Found | str:
    """What labelme_json_to_dataset writes: A_json/img.png, A_json/label.png and A_json/label_names.txt.

    Raises:
      UsageError: a value means one name in one folder and another name in another.
    """
    folders = [folder for folder, names in tree.image_files.items() if {IMAGE, MASK} <= set(names)]
    named = [folder for folder in folders if join(folder, NAMES) in tree.file_set]
    if not named or len(named) < len(folders):
        return f"{named[0]}/ has {NAMES}, but not every folder of {IMAGE} and {MASK} has it" if named else ""
    class_file, difference = compare_names(tree, (join(folder, NAMES) for folder in named))
    if difference:
        raise UsageError(tree.src, f"has {NAMES} files that differ: {difference}", names_fix(tree), "E_LAYOUT")
    images, masks = Named(), Named()
    for folder in named:
        stem = folder.rpartition("/")[2].removesuffix("_json")
        images.add((folder, stem), join(folder, IMAGE))
        masks.add((folder, stem), join(folder, MASK))
    found = match(images, masks, {folder: split_in(folder) for folder in named})
    text = f"{IMAGE}, {MASK} and {NAMES} in each of {count_of(len(named), 'folder')}"
    return found.as_layout("labelme-json", text, class_file=class_file)


def names_fix(tree: Tree) -> str:
    """Returns what to do about lists of names that differ."""
    return masks_fix(tree.src, _FIX_NAMES)


def compare_names(tree: Tree, paths: Iterable[str]) -> tuple[str, str]:
    """Returns (path of the longest list of names, "") if no value has two names; else ("", the first difference)."""
    first: dict[int, tuple[str, str]] = {}  # value -> its name, and the list that says so
    longest, length = "", 0
    for path in paths:
        try:
            data = read_inside(tree.src, path, follow_links=True)
            lines = data[: MAX_CLASS_FILE_BYTES + 1].decode("utf-8-sig").splitlines()
        except (DataError, UnicodeDecodeError):
            return "", f"{path} cannot be read as UTF-8 text"
        if len(data) > MAX_CLASS_FILE_BYTES:
            return "", f"{path} exceeds {MAX_CLASS_FILE_BYTES} bytes"
        names = [line.strip() for line in lines]
        while names and not names[-1]:
            names.pop()
        for value, name in enumerate(names):
            other, where = first.setdefault(value, (name, path))
            if other != name:
                return "", f"value {value} is {shown(other)!r} in {where}, but {shown(name)!r} in {path}"
        if len(names) > length:
            longest, length = path, len(names)
    return longest, ""
