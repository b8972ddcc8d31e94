"""Split folders: folders or files whose names contain the word of a split, such as TrainDataset -> splits of images."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from converter.sources.layouts.pairing import Found
from converter.sources.names import SPLITS, split_of, split_within, words_in
from converter.sources.refs import Unused
from converter.sources.tree import folder_list

_SHORT_SPLITS = {"tr": "train", "va": "val", "te": "test", "ts": "test"}
_SHORT = re.compile(rf"(?<![^\W_])({'|'.join(_SHORT_SPLITS)})(?![^\W_])", re.IGNORECASE)
_FIX_OTHER = "If it is for training, ignore this; else make lists and pass them with --list test=FILE."
_FIX = "If it is no split, ignore this; else make lists and pass them with --list test=FILE."


@dataclass(frozen=True)
class FolderSplits:
    """What a rule found with the splits that folders say, the evidence, and the names that are not followed."""

    found: Found
    evidence: tuple[str, ...] = ()
    unused: tuple[Unused, ...] = ()


def with_folder_splits(found: Found) -> FolderSplits:
    """Returns what a rule found, where images without a split have that of the word in the name of a folder.

    A word that is in the paths of all images says nothing. Without any pair left for train, no word is followed; with
    templates that name such a folder, this is what the user wants.
    """
    folders = {image.image.rpartition("/")[0] for image in found.images if not image.split}
    splits = _by_contrast(folders) | {folder: named for folder in folders if (named := _split_of_folder(folder))}
    pairs = [image for image in found.images if image.mask is not None]
    after = {image.split or splits.get(image.image.rpartition("/")[0], ("", ""))[0] or "train" for image in pairs}
    before = {image.split or "train" for image in pairs}
    if not splits or after == before == {"train"}:
        by_name = _with_name_splits(found)
        return (
            by_name if by_name.evidence or after != {"train"} else replace(by_name, unused=tuple(_beside_train(found)))
        )
    if "train" not in after:
        if found.name == "templates":
            return FolderSplits(found)
        return FolderSplits(found, unused=tuple(_not_followed(splits.values())))
    images = tuple(
        image if image.split else replace(image, split=splits.get(image.image.rpartition("/")[0], ("", ""))[0])
        for image in found.images
    )
    by_split: defaultdict[str, set[str]] = defaultdict(set)
    for split, part in splits.values():
        by_split[split].add(part)
    text = ", ".join(f"{split} from {folder_list(by_split[split])}" for split in SPLITS if split in by_split)
    return FolderSplits(replace(found, images=images), (f"split by the names of folders: {text}",))


def _split_of_folder(folder: str) -> tuple[str, str] | None:
    """Returns the split in the path of a folder, and the path to the part that names it; None if no part does."""
    parts = folder.split("/")
    for place, part in enumerate(parts):
        if split := split_within(part):
            return split, "/".join(parts[: place + 1])
    return None


def _by_contrast(folders: Collection[str]) -> dict[str, tuple[str, str]]:
    """Returns the splits of folders whose paths differ in TR and TE alone, such as DUTS-TR/Image and DUTS-TE/Image.

    Alone such a short word means nothing: TE is also tellurium, and TR a country.
    """
    alike: defaultdict[str, dict[str, str]] = defaultdict(dict)  # path without the word -> split -> folder
    for folder in folders:
        pieces = _SHORT.split(folder)
        words = {piece.lower() for piece in pieces[1::2]}
        if len(words) == 1:
            alike["*".join(pieces[::2])][_SHORT_SPLITS[words.pop()]] = folder
    return {
        folder: (split, "/".join(folder.split("/")[: _SHORT.split(folder)[0].count("/") + 1]))
        for same in alike.values()
        if {"train", "test"} <= same.keys()
        for split, folder in same.items()
    }


def _with_name_splits(found: Found) -> FolderSplits:
    """Returns what a rule found, where the name of every image begins with the word of a split: testA_1, train_1."""
    pairs = [image for image in found.images if image.mask is not None]
    words = {image.image: (*words_in(image.stem), "")[0] for image in found.images}
    splits = {name: split_of(word) for name, word in words.items()}
    used = {splits[image.image] for image in pairs}
    if any(image.split for image in found.images) or not {"train"} < used or None in splits.values():
        return FolderSplits(found)
    images = tuple(replace(image, split=splits[image.image] or "") for image in found.images)
    text = ", ".join(f"{split} from {word}*" for word, split in sorted({(words[n], splits[n] or "") for n in splits}))
    return FolderSplits(replace(found, images=images), (f"split by the first word of the names: {text}",))


def _beside_train(found: Found) -> Iterator[Unused]:
    """Yields that folders without a word of a split are train as well as one that has the word of train."""
    if found.name == "templates":
        return
    folders = {image.image.rpartition("/")[0] for image in found.images if image.mask is not None}
    named = {split[1] for folder in folders if (split := _split_of_folder(folder)) and split[0] == "train"}
    depth = min((part.count("/") + 1 for part in named), default=1)
    others = {"/".join(folder.split("/")[:depth]) for folder in folders if _split_of_folder(folder) is None}
    if named and others:
        what = f"is train as well as {folder_list(named)}, whose name has that word"
        yield Unused("W_SPLIT_NAME", folder_list(others), what, _FIX_OTHER)


def _not_followed(named: Collection[tuple[str, str]]) -> list[Unused]:
    return [
        Unused("W_SPLIT_NAME", f"{folder}/", f"has the word of {split} in its name, but its pairs are train", _FIX)
        for split, folder in sorted(set(named))
    ]
