"""Unused: the lists, folders and files that no pair comes from, although their names say train, val, test or fold."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from converter.config import SourceConfig, source_options
from converter.errors import UsageError, shown
from converter.limits import MAX_SIMILAR_LISTS
from converter.sources.lists.files import BOTH, BOTH_WITHIN, JSON, ListFile, ListFiles, kind_of
from converter.sources.lists.fits import FIX_FOLDS, Fit, Rules, fit_list, list_argument
from converter.sources.names import fold_in, names_split
from converter.sources.refs import ExampleRef, Unused
from converter.sources.tree import Tree

SHOWN = 3  # names in one warning
_ARCHIVES = re.compile(
    r"\.(?:zip|tar|tgz|gz|bz2|xz|7z|rar|mat|parquet|pkl|lmdb|tfrecords?)$",
    re.IGNORECASE,  # others reports arrays
)
_TEXTS = (".yaml", ".yml")  # of a split: CWFID's train_test_split.yaml
_FIX_TEXT = "Write its splits as train.txt, val.txt and test.txt, or move it away."
_FIX_ENCODING = "Rename them, for example with `convmv -f latin1 -t utf8 -r --notest`; records store names as UTF-8."


def unused_lists(
    lists: ListFiles, source: SourceConfig, refs: Sequence[ExampleRef], read: Collection[str], rules: Sequence[Rules]
) -> Iterator[Unused | str]:
    """Yields the lists that are passed over; for one that says the same as what is used, only a clause of evidence.

    Args:
      lists: of the source folder.
      source: where it is.
      refs: all pairs that are used.
      read: paths of the lists that are used, or were reported.
      rules: for the paths in lists of pairs, and, if a layout found images, for those of lists of names.
    """
    used = _used_lists(refs)
    for folder, files in lists.by_folder.items():
        own = [file for file in files if file.path not in read and names_split(file.stem)]
        own = [file for file in own if not (source.lists and file.split in {ref.split for ref in refs})]
        fits = [fit for file in own[:MAX_SIMILAR_LISTS] if (fit := _fit(lists.tree, file, rules))]
        fitting = {fit.file.path for fit in fits}
        folds = [fit for fit in fits if fold_in(fit.file.stem)]
        if len(folds) > 1:
            yield _folds(lists.tree, folder, folds)
            own = [file for file in own if not fold_in(file.stem)]
        if len(own) > SHOWN:
            names = ", ".join(shown(file.path.rpartition("/")[2]) for file in own[:SHOWN])
            what = f"has {len(own)} lists that are not used: {names} and {len(own) - SHOWN} more{used}"
            yield Unused("W_UNUSED_LIST", folder or ".", what, "Pass --list SPLIT=FILE to use some of them.")
            continue
        for file in own:
            fit = next((fit for fit in fits if fit.file == file), None)
            if fit and file.rank in (BOTH, BOTH_WITHIN) and _names(fit, refs):
                yield f"{shown(file.path)} is train and val together"
            elif fit and _says_the_same(fit, refs):
                yield f"{shown(file.path)} names the same images"
            else:
                yield _unused_list(lists.tree, file, fit if file.path in fitting else None, used)


def _used_lists(refs: Sequence[ExampleRef]) -> str:
    names = {ref.split: ref.list_name for ref in refs if ref.list_name}
    return f"; used are {', '.join(shown(name) for name in dict.fromkeys(names.values()))}" if names else ""


def _fit(tree: Tree, file: ListFile, rules: Sequence[Rules]) -> Fit | None:
    """Returns how a list can be read; None if it names no files of the source folder."""
    named = file if file.split or kind_of(file.path) == JSON else file._replace(split="train")
    for number, own in enumerate(rules):
        try:
            fit = fit_list(tree, named, own, is_pairs=not number)
        except UsageError:
            return None
        if fit.num_found and 2 * fit.num_found >= fit.num_lines:
            return dataclasses.replace(fit, file=file)
    return None


def _says_the_same(fit: Fit, refs: Sequence[ExampleRef]) -> bool:
    """Returns whether a list names exactly the images of the splits that it is of, and has no folds."""
    images: defaultdict[str, set[str]] = defaultdict(set)
    for ref in refs:
        images[ref.split].add(ref.image)
    return all(part.images() == images[split] and part.listed.folds < 2 for split, part in fit.parts.items())


def _names(fit: Fit, refs: Sequence[ExampleRef]) -> bool:
    """Returns whether a list names exactly the pairs of train and val."""
    named = {image for part in fit.parts.values() for image in part.images()}
    images = {ref.image for ref in refs if ref.split in ("train", "val")}
    return {ref.split for ref in refs} >= {"train", "val"} and named == images


def _unused_list(tree: Tree, file: ListFile, fit: Fit | None, used: str) -> Unused:
    if fit is None:
        what = f"is not used: fewer than half of its lines name files of this dataset{used}"
        return Unused("W_UNUSED_LIST", file.path, what, "Fix its paths, or rename it if it is no list of images.")
    number = fit.num_found
    what = f"is not used: it names {number} {'image' if number == 1 else 'images'}{used}"
    if any(part.listed.folds > 1 for part in fit.parts.values()):
        return Unused("W_FOLDS", file.path, what, FIX_FOLDS)
    split = "" if len(fit.parts) > 1 else next(iter(fit.parts))
    fix = f"Pass --list {list_argument(tree.src, split, file.path)} to use it, or move it out of the folder."
    return Unused("W_UNUSED_LIST", file.path, what, fix)


def _folds(tree: Tree, folder: str, folds: Sequence[Fit]) -> Unused:
    numbers = " and ".join(shown(fit.file.path.rpartition("/")[2]) for fit in folds)
    ways = [
        f"--list {list_argument(tree.src, 'train' if place else 'val', fit.file.path)}"
        for place, fit in enumerate(folds)
    ]
    return Unused(
        "W_FOLDS", folder or ".", f"has lists of folds, which are not used: {numbers}", f"Pass {' '.join(ways)}."
    )


def unused_files(tree: Tree) -> Iterator[Unused]:
    """Yields archives, arrays and YAML files whose names contain the word of a split, and names that are not UTF-8."""
    archives = [path for path in tree.files if _ARCHIVES.search(path) and names_split(path.rpartition("/")[2])]
    texts = [path for path in tree.files if path.lower().endswith(_TEXTS) and names_split(path.rpartition("/")[2])]
    for path in texts[:SHOWN]:
        yield Unused("W_UNUSED_FILE", path, "is not used: YAML is not read as a list", _FIX_TEXT)
    for path in archives[:SHOWN]:
        yield Unused("W_UNUSED_FILE", path, "is not used: it is no image and no list", "Unpack it, or move it away.")
    if len(archives) > SHOWN:
        what = f"and {len(archives) - SHOWN} more such files are not used"
        yield Unused("W_UNUSED_FILE", archives[SHOWN], what, "Unpack them, or move them away.")
    if tree.unnamed:
        number = len(tree.unnamed)
        names = ", ".join(shown(name.rpartition("/")[2]) for name in tree.unnamed[1:SHOWN])
        more = f", as are {names}{f' and {number - SHOWN} more' if number > SHOWN else ''}" if number > 1 else ""
        what = f"is left out, since its name is not UTF-8{more} (together {number})"
        yield Unused("W_NAME_ENCODING", tree.unnamed[0], what, _FIX_ENCODING)


def folds_as_folders(source: SourceConfig, folders: Collection[str]) -> Iterator[Unused]:
    """Yields a warning if all pairs are train although their folders are folds of a cross-validation."""
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for folder in folders:
        parts = folder.split("/")
        for place, part in enumerate(parts):
            if fold := fold_in(part):
                found["/".join(parts[:place]), fold[0]].add(fold[1])
    for (parent, before), numbers in found.items():
        if len(numbers) > 1:
            pattern = shlex.quote(f"({re.escape(f'{parent}/{before}' if parent else before)}[0-9]+)")
            names = ", ".join(f"{before}{number}" for number in sorted(numbers, key=int)[:SHOWN])
            what = (
                f"has {len(numbers)} folds ({names}{' ...' if len(numbers) > SHOWN else ''}), and all of them are train"
            )
            command = f"segconv split {source_options(source)} --group {pattern}"
            yield Unused("W_FOLDS", parent or ".", what, f"Keep folds whole in train and val with `{command}`.")
