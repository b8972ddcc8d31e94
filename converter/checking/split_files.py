"""Split files: a split plan -> train.txt, val.txt and test.txt in the source folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from converter.checking.blocks import BlockPlan
from converter.checking.split_plan import SplitPlan
from converter.errors import UsageError
from converter.sources.lists.exchange import exchange
from converter.sources.lists.text import block_text, why_unlistable

_SEPARATOR = ";"
_FOLD = r"fold[0-9]+\.txt"  # of an earlier number of folds


def check_lists(src: Path, splits: Iterable[str], overwrite: bool = False) -> dict[str, Path]:
    """Returns the path of each split's list.

    Raises:
      UsageError: a list exists and `overwrite` is not set, or there is a test list but no new one to replace it.
    """
    paths = {split: src / f"{split}.txt" for split in splits}
    for path in sorted({*paths.values(), src / "test.txt"}):
        if path.exists() or path.is_symlink():
            if path not in paths.values():
                raise UsageError(path, "exists, but no test split is requested", "Delete it, or pass --test.", "E_OUT")
            if not overwrite:
                raise UsageError(path, "exists", "Pass --overwrite to replace the lists.", "E_OUT")
    return paths


def write_lists(src: Path, plan: SplitPlan | BlockPlan, overwrite: bool = False) -> list[Path]:
    """Saves train.txt, val.txt and, with a test split, test.txt in the source folder and returns their paths.

    The lists are saved together: a process that is killed leaves the old ones, or an exchange to be finished. A list in
    use that has another name, such as train.csv, would contradict them and becomes train.csv.old.

    Raises:
      UsageError: a list exists and `overwrite` is not set, or a path cannot be written in a list; nothing is written.
      MachineError: a list cannot be written.
    """
    paths = check_lists(src, plan.refs, overwrite)
    check_names(plan)
    stale = {path.name for path in src.glob("fold*.txt") if plan.config.folds and re.fullmatch(_FOLD, path.name)}
    aside = sorted((lists_in_use(plan) | stale) - {path.name for path in paths.values()})
    if aside and not overwrite:
        raise UsageError(src / aside[0], "exists", "Pass --overwrite to replace the lists.", "E_OUT")
    texts = {path.name: _list_text(plan, split).encode() for split, path in paths.items()}
    exchange(src, texts, plan.config.command(), aside)
    return list(paths.values())


def lists_in_use(plan: SplitPlan | BlockPlan) -> set[str]:
    """Returns the names of the lists in the source folder itself that the pairs come from."""
    names = {ref.list_name for refs in plan.refs.values() for ref in refs}
    return {name for name in names if name and "/" not in name}


def check_names(plan: SplitPlan | BlockPlan) -> None:
    """Refuses a pair that a list cannot hold.

    Raises:
      UsageError: a path has a character that a list cannot hold.
    """
    for ref in (ref for refs in plan.refs.values() for ref in refs):
        for name in (ref.image, ref.mask):
            if why := why_unlistable(name):
                raise UsageError(name, why, "Rename the file.", "E_LIST")


def _list_text(plan: SplitPlan | BlockPlan, split: str) -> str:
    """Returns the text of a list: a comment with the command that made it, then one pair per line."""
    lines = [f"# {plan.config.command()}"]
    for ref in plan.refs[split]:
        image = ref.image if ref.window is None else block_text(ref.image, ref.window)
        lines.append(f"{image}{_SEPARATOR}{ref.mask}")
    return "\n".join(lines) + "\n"
