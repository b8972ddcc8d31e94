"""Options shared by several commands."""

from __future__ import annotations

import json
import os

from command_line import assert_one_line


def test_sides_are_height_by_width(segconv, dataset):
    done = segconv("build", "--src", dataset, "--size", "10x40", "-j", "1", "--json")
    assert json.loads(done.stdout)["size"] == [10, 40]
    assert "10 high x 40 wide" in done.stderr


def test_a_size_that_is_none_exits_2(segconv):
    assert_one_line(segconv("build", "--src", "d", "--size", "12by13"), 2, "--size: '12by13' is not a valid size")


def test_variables_set_options(segconv, dataset):
    done = segconv("build", "--src", dataset, "--json", env=os.environ | {"SEGCONV_BUILD_SIZE": "8x9"})
    assert json.loads(done.stdout)["size"] == [8, 9]
