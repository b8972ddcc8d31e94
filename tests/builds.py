"""A build of the tests: its config, and what lies in its folder."""

from __future__ import annotations

from pathlib import Path

from converter.config import BuildConfig, PairConfig, SourceConfig


def config(dataset: Path, out: Path, **options) -> BuildConfig:
    pair = PairConfig(size=options.pop("size", (24, 24)), fit=options.pop("fit", "pad"))
    return BuildConfig(SourceConfig(dataset), out, pair=pair, **({"workers": 1} | options))


def hidden(folder: Path) -> set[str]:
    return {path.name for path in folder.glob(".segconv-*")}
