"""Resplit: the `segconv split` of a dataset, where it would not refuse."""

from __future__ import annotations

from converter.checking.facts import DatasetFacts
from converter.config import source_options


def split_command(dataset: DatasetFacts) -> str:
    """Returns the `segconv split` that makes train and val lists of a dataset; "" where it would refuse."""
    return "" if dataset.split_refusal else command_of(dataset)


def command_of(dataset: DatasetFacts) -> str:
    """Returns the `segconv split` of a dataset with its options, and --overwrite where lists have to be replaced."""
    options = source_options(dataset.config.source, dataset.config.pair.tolerance)
    names = {ref.list_name for refs in dataset.layout.refs.values() for ref in refs}
    has_lists = any(name and "/" not in name for name in names)
    overwrite = " --overwrite" if has_lists or "val" in dataset.layout.refs else ""
    return f"segconv split {options}{overwrite}"
