"""Folds: fold0.txt, fold1.txt ... of `segconv split --folds` -> the lists of train and val, one fold at a time."""

from __future__ import annotations

import re

from converter.config import SourceConfig, source_options
from converter.errors import UsageError
from converter.sources.refs import Unused
from converter.sources.tree import Tree

FOLDS = "W_FOLDS"
_FOLD = re.compile(r"fold(0|[1-9][0-9]{0,2})\.txt", re.ASCII)


def fold_lists(tree: Tree, source: SourceConfig) -> tuple[tuple[str, str], ...]:
    """Returns (split, path) of each fold list and of test.txt; none if there are no fold lists, or a train list wins.

    Fold I of `--fold I` is val, the others are train. Without the option all folds are train.

    Raises:
      UsageError: there is no such fold, or one is missing.
    """
    numbers = sorted(int(match[1]) for name in tree.files if (match := _FOLD.fullmatch(name)))
    if source.fold is None and (len(numbers) < 2 or "train.txt" in tree.file_set):
        return ()
    where = tree.src / f"fold{source.fold or 0}.txt"
    if numbers != list(range(max(len(numbers), 2))) or (source.fold or 0) >= len(numbers):
        known = f"; there are folds 0 to {len(numbers) - 1}" if len(numbers) > 1 else ""
        missing = next((n for n in range(len(numbers)) if n not in numbers), None)
        where = where if missing is None else tree.src / f"fold{missing}.txt"
        plain = source_options(source.as_listed())
        fix = f"Pass another --fold, or make folds: segconv split {plain} --folds 5 --overwrite"
        raise UsageError(where, f"does not exist{known}", fix, "E_LIST")
    found = [("val" if n == source.fold else "train", f"fold{n}.txt") for n in numbers]
    found += [("test", "test.txt")] if "test.txt" in tree.file_set else []
    return tuple((split, str(tree.src / name)) for split, name in found)


def fold_choice(source: SourceConfig, lists: tuple[tuple[str, str], ...]) -> str | Unused:
    """Returns a clause of evidence that says which fold is val, or a warning if none was chosen."""
    number = sum(split != "test" for split, _ in lists)
    if source.fold is not None:
        return f"fold {source.fold} of {number} is val"
    what = f"and the other {number - 1} folds are all train, since no fold was chosen as val"
    return Unused(FOLDS, "fold0.txt", what, "Pass --fold 0 (or another), once for each fold.")
