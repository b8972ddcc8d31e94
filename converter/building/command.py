"""Command: a BuildConfig -> the `segconv build` that a user types for it, for messages."""

from __future__ import annotations

import shlex
from dataclasses import fields

from converter.config import BuildConfig, PairConfig, source_options, tile_words


def build_command(config: BuildConfig, *more: str) -> str:
    """Returns the command of a build, ready to paste into a shell: "segconv build --src a --out records --shards 8".

    Args:
      config: what differs from the defaults becomes an option; the output folder always does.
      more: words that follow.
    """
    words = ["--out", str(config.out)]
    for field in fields(PairConfig):
        if (value := getattr(config.pair, field.name)) == field.default:
            continue
        if field.name == "size":
            words += ["--keep-size"] if value is None else ["--size", "x".join(map(str, value))]
        elif field.name == "tile":
            words += tile_words(config.pair.tile)
        else:
            words += [f"--{field.name.replace('_', '-')}", str(value)]
    for field in fields(BuildConfig):
        value = getattr(config, field.name)
        if field.name not in ("source", "out", "pair") and value != field.default:
            words += [f"--{field.name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return f"segconv build {source_options(config.source)} {shlex.join([*words, *more])}"
