"""Folds: fold0.txt, fold1.txt ... of `segconv split --folds` -> train and val, one fold at a time."""

from __future__ import annotations

import re

from converter.config import SourceConfig, source_options
from converter.errors import UsageError
from converter.sources.layouts.split_lists import Listed
from converter.sources.layouts.tree import Tree
from converter.sources.lists import read_split_list
from converter.sources.refs import ExampleRef, Unused
from converter.sources.resolve import PathRule, resolve

FOLDS = "W_FOLDS"
_FOLD = re.compile(r"fold(0|[1-9][0-9]{0,2})\.txt", re.ASCII)


def pair_folds(tree: Tree, source: SourceConfig) -> tuple[Listed, tuple[Unused, ...]] | None:
    """Returns the pairs of fold lists, with a warning where no fold was chosen; None where there are no such lists.

    Fold I of `--fold I` is val, the others are train, and test.txt is test. Without the option all folds are train.

    Raises:
      UsageError: there is no such fold, one is missing, or a list is not of pairs.
    """
    numbers = sorted(int(match[1]) for name in tree.files if (match := _FOLD.fullmatch(name)))
    if source.fold is None and (len(numbers) < 2 or "train.txt" in tree.file_set):
        return None
    where = tree.src / f"fold{source.fold or 0}.txt"
    if numbers != list(range(max(len(numbers), 2))) or (source.fold or 0) >= len(numbers):
        known = f"; there are folds 0 to {len(numbers) - 1}" if len(numbers) > 1 else ""
        missing = next((n for n in range(len(numbers)) if n not in numbers), None)
        where = where if missing is None else tree.src / f"fold{missing}.txt"
        plain = source_options(source.as_listed())
        fix = f"Pass another --fold, or make folds: segconv split {plain} --folds 5 --overwrite"
        raise UsageError(where, f"does not exist{known}", fix, "E_LIST")
    names = [(f"fold{n}.txt", "val" if n == source.fold else "train") for n in numbers]
    names += [("test.txt", "test")] if "test.txt" in tree.file_set else []
    listed = Listed()
    found: dict[str, list[ExampleRef]] = {"train": [], "val": [], "test": []}
    for name, split in names:
        lines = read_split_list(split, tree.src / name, name)
        if not lines.separator:
            raise UsageError(tree.src / name, "is not a list of pairs", "Write image.jpg;mask.png lines.", "E_LIST")
        done = resolve(lines, [PathRule("paths from the source folder", tree.names, ("", ""))], tree.outside)
        found[split] += done.refs()
        listed.rejects += done.rejects
        listed.evidence.append(done.evidence())
    listed.refs = {split: tuple(refs) for split, refs in found.items() if refs}
    if source.fold is not None:
        listed.evidence.append(f"fold {source.fold} of {len(numbers)} is val")
        return listed, ()
    what = f"and the other {len(numbers) - 1} folds are all train, since no fold was chosen as val"
    return listed, (Unused(FOLDS, "fold0.txt", what, "Pass --fold 0 (or another), once for each fold."),)
