"""Split files: a split plan -> train.txt, val.txt and test.txt in the source folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from converter.checking.split_plan import SplitPlan
from converter.errors import UsageError
from converter.system.files import write_whole

_SEPARATOR = ";"


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


def write_lists(src: Path, plan: SplitPlan, overwrite: bool = False) -> list[Path]:
    """Saves train.txt, val.txt and, with a test split, test.txt in the source folder and returns their paths.

    Raises:
      UsageError: a list exists and `overwrite` is not set, or a path cannot be written in a list; nothing is written.
      MachineError: a list cannot be written.
    """
    paths = check_lists(src, plan.refs, overwrite)
    texts = {path: _list_text(plan, split).encode() for split, path in paths.items()}
    for path, text in texts.items():
        write_whole(path, text)
    return list(texts)


def _list_text(plan: SplitPlan, split: str) -> str:
    """Returns the text of a list: a comment with the command that made it, then one pair per line."""
    lines = [f"# {plan.config.command()}"]
    for ref in plan.refs[split]:
        for name in (ref.image, ref.mask):
            _check_name(name)
        lines.append(f"{ref.image}{_SEPARATOR}{ref.mask}")
    return "\n".join(lines) + "\n"


def _check_name(name: str) -> None:
    """Raises UsageError for a path that a list cannot hold."""
    what = None
    if _SEPARATOR in name or "\n" in name or "\r" in name or "\0" in name:
        what = f"contains {_SEPARATOR!r} or a line break, which a list cannot hold"
    elif '"' in name or name.startswith(("#", "'")) or name != name.strip():
        what = "contains a quote, begins with #, or begins or ends with a space, which a list cannot hold"
    else:
        try:
            name.encode()
        except UnicodeEncodeError:
            what = "is not UTF-8, the encoding of a list"
    if what:
        raise UsageError(name, what, "Rename the file.", "E_LIST")
