"""Split source: whether a dataset may be split, before and after its pairs are read, and what to run afterwards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from converter.checking.split_plan import SplitConfig
from converter.checking.survey import PairFacts
from converter.classes.drafts import draft_command
from converter.config import SourceConfig, source_options
from converter.errors import UsageError
from converter.sources.layouts.folds import FOLDS
from converter.sources.layouts.layout import Layout
from converter.sources.names import SPLIT_WORDS
from converter.sources.refs import Unused
from converter.system.files import open_regular

_MADE = b"# segconv split"  # the beginning of every list of ours
_NOT_IN_PAIRS = ("W_UNREAD_FILES", "W_UNUSED_FOLDER")  # no image of theirs is in a pair, so none can be mixed in
_TEST_WORDS = frozenset(word for word, split in SPLIT_WORDS.items() if split == "test")


def unused_beyond(layout: Layout, config: SplitConfig) -> list[Unused]:
    """Returns what is not used, without the folds that --group keeps whole."""
    return [unused for unused in layout.unused if unused.code != FOLDS or config.group is None]


def check_layout(source: SourceConfig, layout: Layout, config: SplitConfig, overwrite: bool) -> None:
    """Refuses a dataset that is split already, or whose test set would be mixed with the other splits.

    Raises:
      UsageError: it is.
    """
    if not overwrite and ("val" in layout.refs or (config.test and "test" in layout.refs)):
        what = f"is already split: {', '.join(layout.refs)} ({'; '.join(layout.evidence)})"
        raise UsageError(source.src, what, "Pass --overwrite to split its pairs again.", "E_OUT")
    if config.test and "test" in layout.refs and not is_made_by_split(source.src, "test"):
        what = f"would mix the {len(layout.refs['test'])} pairs of the dataset's own test split with the others"
        raise UsageError("--test", what, "Leave out --test: the test split is kept as it is.", "E_OUT")
    for unused in layout.unused:
        if unused.code not in _NOT_IN_PAIRS and _has_test_word(unused.where):
            what = f"may be a test set that is not used ({unused.what}), which must not be mixed with the other splits"
            raise UsageError(source.src / unused.where, what, unused.fix, "E_LIST")


def is_made_by_split(src: Path, split: str) -> bool:
    """Returns whether a list in the source folder was written by `segconv split`."""
    try:
        with open_regular(src / f"{split}.txt") as file:
            return file.read(len(_MADE)) == _MADE
    except OSError:
        return False


def check_read(facts: Sequence[PairFacts]) -> list[PairFacts]:
    """Returns the pairs that a build would refuse.

    Raises:
      UsageError: no mask could be read, so nothing is known of the classes.
    """
    bad = [fact for fact in facts if fact.error is not None]
    if bad and bad[0].error and not any(fact.values for fact in facts):
        error = bad[0].error
        what = f"{error.what}; no mask of the {len(facts)} pairs could be read, so they cannot be split by class"
        raise UsageError(error.where, what, error.fix, error.code)
    return bad


def next_step(source: SourceConfig, tolerance: int, *, has_classes: bool, folds: int = 0) -> str:
    """Returns the command to run once the lists are there; they name every pair, so no layout is needed any more."""
    listed = replace(source.as_listed(), fold=0 if folds else None)
    if has_classes:
        out = " --out records-fold0" if folds else ""  # each fold makes a dataset of its own
        return f"segconv build {source_options(listed, tolerance)}{out}"
    return draft_command(listed)


def _has_test_word(name: str) -> bool:
    """Returns whether a word in the last two parts of a path is one for a test split, as in TestDataset/list.txt."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", "/".join(PurePosixPath(name).parts[-2:]))
    return not _TEST_WORDS.isdisjoint(word.lower() for word in words)
