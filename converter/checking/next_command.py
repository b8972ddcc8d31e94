"""Next command: what to run after a check, to be copied into a shell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from converter.checking.facts import DatasetFacts
from converter.checking.problems import Problem
from converter.config import BuildConfig, PairConfig


def next_command(dataset: DatasetFacts, problems: Sequence[Problem]) -> str:
    """Returns what to run next, to be copied into a shell."""
    config, error = dataset.config, dataset.class_error
    options = _source_options(config)
    errors = [problem for problem in problems if problem.severity == "error"]
    codes = {problem.code for problem in errors}
    if codes == {"E_CLASSES"} and error and config.source.classes is None and error.what.startswith("does not exist"):
        return f"segconv classes {options} --write"
    tolerance = config.pair.tolerance
    if codes == {"E_MASK_VALUE"} and all(problem.fix.startswith("Pass --tolerance") for problem in errors):
        tolerance = dataset.tolerance
    elif codes:
        return f"mend the errors above, then run segconv check {options} again"
    if any(problem.code == "W_NO_VAL" for problem in problems):
        has_lists = any(ref.list_name for refs in dataset.layout.refs.values() for ref in refs)
        return f"segconv split {options}" + (" --overwrite" if has_lists else "")
    pair = [f"--tolerance {tolerance}"] if tolerance else []
    return " ".join(["segconv build", options, *_pair_options(config.pair), *pair])


def _source_options(config: BuildConfig) -> str:
    """Returns the options that say where the dataset is."""
    source = config.source
    words = ["--src", str(source.src)]
    for option in ("layout", "image", "mask", "classes"):
        value = getattr(source, option)
        words += [f"--{option}", value] if value is not None else []
    words += ["--follow-links"] if source.follow_links else []
    words += ["--bands", ",".join(map(str, source.bands))] if source.bands else []
    words += ["--range", source.range] if source.range is not None else []
    return shlex.join(words)


def _pair_options(pair: PairConfig) -> list[str]:
    """Returns the options that differ from what a build does anyway."""
    default = PairConfig()
    words = []
    if pair.size is None:
        words.append("--keep-size")
    elif pair.size != default.size:
        words.append(f"--size {pair.size[0]}x{pair.size[1]}")
    for option in ("fit", "mask_resample", "image_format"):
        value = getattr(pair, option)
        words += [f"--{option.replace('_', '-')} {value}"] if value != getattr(default, option) else []
    return words
