"""Next command: the command to run after a check, ready to paste into a shell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from converter.checking.draft import checked_next
from converter.checking.facts import DatasetFacts
from converter.checking.problems import Problem
from converter.checking.resplit import split_command
from converter.classes.drafts import draft_command
from converter.config import PairConfig, source_options, tile_words
from converter.sources.layouts.folds import FOLDS


def next_command(dataset: DatasetFacts, problems: Sequence[Problem]) -> str:
    """Returns the command to run next, ready to paste into a shell."""
    config, error = dataset.config, dataset.class_error
    errors = [problem for problem in problems if problem.severity == "error"]
    codes = {problem.code for problem in errors}
    jpeg = {problem.code for problem in errors if problem.code == "E_FORMAT" and "--tolerance" in problem.fix}
    is_absent = error is not None and config.source.classes is None and error.what.startswith("does not exist")
    is_undrafted = is_absent and codes - jpeg == {"E_CLASSES"} and not dataset.instances  # a draft reads JPEG as well
    is_draft = not codes and any(problem.code == "W_DRAFT" for problem in problems)
    if is_undrafted or is_draft:
        checked = checked_next(dataset.draft, dataset.layout, config.source) if dataset.draft else config.source
        if checked.classes not in (None, config.source.classes):
            options = source_options(checked, config.pair.tolerance)
            return " ".join(["segconv check", options, *_pair_options(config.pair)])
    is_doubtful = codes == {"E_CLASSES"} and error is not None and error.fix.startswith("Draft a classes.csv")
    if is_undrafted or is_doubtful:
        return draft_command(config.source)
    tolerance = config.pair.tolerance
    if codes == {"E_MASK_VALUE"} and all(problem.fix.startswith("Pass --tolerance") for problem in errors):
        tolerance = dataset.tolerance
    elif codes:
        again = " ".join([source_options(config.source, tolerance), *_pair_options(config.pair)])
        return f"fix the errors above, then run segconv check {again} again"
    if any(problem.code == FOLDS and problem.fix.startswith("Pass --fold") for problem in problems):
        options = source_options(replace(config.source, fold=0), tolerance)
        return " ".join(["segconv check", options, *_pair_options(config.pair)])
    pair = _pair_options(config.pair)
    splits = split_command(dataset) if any(problem.code == "W_NO_VAL" for problem in problems) else ""
    if splits:  # which itself names the build that follows; it knows no options of the stored size
        build = " ".join(["segconv build", source_options(config.source.as_listed(), tolerance), *pair])
        return f"{splits} && {build}" if pair else splits
    return " ".join(["segconv build", source_options(config.source, tolerance), *pair])


def _pair_options(pair: PairConfig) -> list[str]:
    """Returns the build options that differ from their defaults."""
    default = PairConfig()
    words = []
    if pair.size is None:
        words.append("--keep-size")
    elif pair.size != default.size:
        words.append(f"--size {pair.size[0]}x{pair.size[1]}")
    for option in ("fit", "mask_resample", "image_format"):
        value = getattr(pair, option)
        words += [f"--{option.replace('_', '-')} {value}"] if value != getattr(default, option) else []
    return [*words, *tile_words(pair.tile)]
