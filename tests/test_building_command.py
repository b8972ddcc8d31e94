"""Command: the text of a build is read back by the command line as the same build."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

import converter.building.dry_run as dry_run
from converter.building.command import build_command
from converter.cli import segconv
from converter.config import BuildConfig, PairConfig, SourceConfig, TileConfig

OTHER = PairConfig((30, 40), "crop", "vote", "png", 3)


@pytest.mark.parametrize(
    "config",
    [
        BuildConfig(SourceConfig(Path("my data"))),
        BuildConfig(SourceConfig(Path("d"), lists=(("val", "v.txt"),)), Path("o o"), "name", OTHER, 64, 3, 7, 9, 2),
        BuildConfig(SourceConfig(Path("d")), pair=PairConfig(None), on_error="skip", allow_leak=True, max_bad=2.5),
        BuildConfig(SourceConfig(Path("d"), bands=(3, 2, 1), range="0:10"), overwrite=True, rehash=True),
        BuildConfig(SourceConfig(Path("d")), pair=PairConfig((512, 512), "tile")),
        BuildConfig(SourceConfig(Path("d")), pair=PairConfig((256, 128), "tile", tile=TileConfig(9, "pad", 0.5, 0.25))),
        BuildConfig(SourceConfig(Path("d")), pair=PairConfig((256, 256), "tile", tile=TileConfig(gsd=0.3))),
    ],
)
def test_the_command_of_a_build_is_read_as_that_build(config, monkeypatch, capsys):
    read = []
    monkeypatch.setattr(dry_run, "plan_text", lambda config: read.append(config) or "")
    segconv.main(shlex.split(build_command(config, "--dry-run"))[1:], standalone_mode=False)
    assert read == [config]
