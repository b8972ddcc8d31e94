"""Begin: what is measured and said before a build."""

from __future__ import annotations

import dataclasses

import numpy as np
from PIL import Image

from converter.building.begin import begin
from converter.engines.local import local
from tests.builds import config


def test_the_way_in_which_a_source_was_read_is_logged_with_its_repeats(dataset, tmp_path, caplog):
    for number in range(1, 6):
        (dataset / f"jpg/p{number}.jpg").write_bytes((dataset / "jpg/p0.jpg").read_bytes())
    caplog.set_level("INFO", "segconv")
    wanted, plan = begin(config(dataset, tmp_path / "out"), local, None)
    assert (wanted, plan.num_pairs) == (config(dataset, tmp_path / "out"), 8)
    said = caplog.text
    assert "24 high x 24 wide" in said
    assert "layout list" in said
    assert said.count("W_DUPLICATE") == 3
    assert "and 2 more" in said
    assert not (tmp_path / "out").exists()


def test_the_percentiles_of_a_range_are_measured_before_the_plan(dataset, tmp_path):
    for path in (dataset / "jpg").iterdir():
        levels = np.full((20, 30), 1000, np.uint16)
        levels[0, 0] = 3000
        Image.fromarray(levels).save(path.with_suffix(".png"))
        path.unlink()
    lines = (dataset / "train.txt").read_text().replace(".jpg", ".png")
    (dataset / "train.txt").write_text(lines)
    wanted = config(dataset, tmp_path / "out")
    source = dataclasses.replace(wanted.source, range="percentile:0:100")
    measured, _ = begin(dataclasses.replace(wanted, source=source), local, None)
    assert measured.source.levels == ((1000.0, 3000.0),)
