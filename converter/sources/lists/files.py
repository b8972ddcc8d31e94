"""List files: which files of a source folder may be its split lists, by their names, the most exact name first."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from converter.errors import DataError, UsageError
from converter.limits import MAX_LIST_FOLDERS, MAX_SIMILAR_LISTS
from converter.sources.names import SPLITS, is_both, split_of, split_within, stem_of
from converter.sources.tree import Tree
from converter.system.files import resolve_inside

JSON = ".json"
LIST_TYPES = (".txt", ".csv", ".tsv", ".lst", JSON)  # of two lists with the same name, the first type is used
USUAL_FOLDERS = ("splits", "split", "lists", "list", "ImageSets/Segmentation")  # whose lists outrank others
# How exactly a name says which split a list is of.
EXACT, OTHER_FORM, WITH_YEAR, BOTH = range(4)  # train; Train, training; train-2016; trainval
WITHIN, BOTH_WITHIN = 4, 5  # train_list; trainval_list


class ListFile(NamedTuple):
    """A file that may be a list: its path, its split ("" if only its rows may say it), how exactly its name says so."""

    path: str
    split: str
    rank: int

    @property
    def kind(self) -> int:
        """Place of its type in LIST_TYPES."""
        return LIST_TYPES.index(kind_of(self.path))

    @property
    def stem(self) -> str:
        """Its name without folder and type."""
        return self.path.rpartition("/")[2].removesuffix(self.path[-len(LIST_TYPES[self.kind]) :])

    def ties_with(self, other: ListFile) -> bool:
        """Returns whether neither of two lists of a split has the better name."""
        return (self.rank, self.kind) == (other.rank, other.kind)


def kind_of(path: str) -> str:
    """Returns the type of a file that may be a list, in lower case; "" for other files."""
    kind = path[path.rfind(".") :].lower()
    return kind if kind in LIST_TYPES else ""


def list_file(path: str) -> ListFile | None:
    """Returns a file that may be a list, by its name alone; None for other files."""
    folder, _, base = path.rpartition("/")
    kind = kind_of(base)
    if not kind:
        return None
    stem = base[: -len(kind)]
    split = split_of(stem)
    if kind == JSON:  # its keys say the splits
        return ListFile(path, "", WITHIN)
    if stem.lower() == "default" and folder:  # CVAT
        return ListFile(path, "train", EXACT)
    if split is not None:
        return ListFile(path, split, EXACT if stem == split else WITH_YEAR if stem[-4:].isdigit() else OTHER_FORM)
    if is_both(stem):
        return ListFile(path, "train", BOTH if stem.lower() == "trainval" else BOTH_WITHIN)
    return ListFile(path, split_within(stem) or "", WITHIN)


class ListFiles:
    """The files of a source folder that may be its lists.

    Texts with the name of an image are left out: they are its annotations.

    Attributes:
      tree: the source folder.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    @cached_property
    def by_folder(self) -> dict[str, list[ListFile]]:
        """The files in each folder, the best names first."""
        files = [file for path in itertools.chain(self.tree.files, self.tree.outside) if (file := list_file(path))]
        texts = {file.stem for file in files}
        names = (name for names in self.tree.image_files.values() for name in names) if texts else ()
        stems = {stem for name in names if (stem := stem_of(name)) in texts}
        found: defaultdict[str, list[ListFile]] = defaultdict(list)
        for file in files:
            if file.stem in stems and split_of(file.stem) is None:
                continue
            found[file.path.rpartition("/")[0]].append(file)
        for own in found.values():
            own.sort(key=lambda file: (file.rank, file.kind, file.path))
        return dict(found)

    def within(self, folder: str, *, similar: bool) -> dict[str, list[ListFile]]:
        """Returns the lists of each split in a folder, train first, the best first; those of "" may be of any split.

        Args:
          folder: in the source folder.
          similar: also returns lists whose names only contain the word of a split, and tables.

        Raises:
          UsageError: the best one is a link out of the source folder.
        """
        found: defaultdict[str, list[ListFile]] = defaultdict(list)
        for file in self.by_folder.get(folder, ()):
            if (similar or file.rank < WITHIN) and len(found[file.split]) < MAX_SIMILAR_LISTS:
                found[file.split].append(file)
        for own in found.values():
            if own and own[0].rank < WITHIN:
                self.check_link(own[0].path)
        return {split: found[split] for split in (*SPLITS, "") if found.get(split)}

    def folders(self, *, similar: bool = False) -> list[str]:
        """Returns the folders with a file named like a train list, the source folder first.

        With `similar`, also those with a list whose name only contains the word, and those with tables.
        """
        found = {""}
        for folder, files in self.by_folder.items():
            exact = any(f.split == "train" and f.rank < BOTH and f.stem.lower() != "default" for f in files)
            if exact or (similar and any(file.split in ("train", "") for file in files)):
                found.add(folder)
        order = sorted(found, key=lambda name: (name.count("/") + bool(name), name not in USUAL_FOLDERS, name))
        return order[:MAX_LIST_FOLDERS]

    def beside(self, folder: str) -> Iterator[ListFile]:
        """Yields lists of val and test in folders whose paths differ from that of train's list in the split alone."""
        parts = folder.split("/")
        for number in (number for number, part in enumerate(parts) if split_within(part) == "train"):
            for other in self.by_folder:
                own = other.split("/")
                if (
                    len(own) == len(parts)
                    and own[:number] == parts[:number]
                    and own[number + 1 :] == parts[number + 1 :]
                ):
                    split = split_within(own[number])
                    files = self.within(other, similar=False).get(split or "", [])
                    if split in ("val", "test") and files:
                        yield files[0]

    def check_link(self, path: str) -> None:
        """Raises UsageError if a list is a link out of the source folder."""
        if path in self.tree.outside:
            try:
                resolve_inside(self.tree.src, path)
            except DataError as error:
                raise UsageError(self.tree.src / path, error.what, error.fix, error.code) from None
