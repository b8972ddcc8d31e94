"""Stitch: the tiles of a photograph give the class map that its mask holds, exactly."""

from __future__ import annotations

import numpy as np
import pytest
from command_line import assert_one_line
from conftest import COLORS, draw_pair
from cut_photos import PHOTOS, cutting, write_photos
from PIL import Image

from converter.building.build import build
from converter.config import TileConfig
from converter.errors import UsageError
from converter.schema import IGNORE_INDEX
from converter.verifying.stitch import save_stitched, stitch


def shards(out):
    return sorted(path for path in out.glob("*.tfrecord-*") if path.suffix != ".idx" and not path.name.startswith("."))


@pytest.mark.parametrize("edge", ["shift", "pad"])
@pytest.mark.parametrize("overlap", [0, 7, 31])
def test_the_class_map_is_that_of_the_mask(tmp_path, edge, overlap):
    photos = write_photos(tmp_path / "src")
    manifest = build(cutting(tmp_path / "src", tmp_path / "out", TileConfig(overlap, edge), shards=3)).manifest
    for name in PHOTOS:
        stitched = stitch(shards(tmp_path / "out"), f"{name}.png")
        save_stitched(stitched, manifest.classes, tmp_path / "m.png")
        with Image.open(tmp_path / "m.png") as picture:
            assert picture.mode == "P"
            np.testing.assert_array_equal(np.asarray(picture), photos[name][1])
            drawn = np.asarray(picture.convert("RGB"))
        is_known = photos[name][1] != IGNORE_INDEX
        np.testing.assert_array_equal(drawn[is_known], COLORS[photos[name][1][is_known]])
        assert stitched.missing_pixels == 0


def test_what_no_tile_covers_is_ignored_and_counted(tmp_path):
    photos = write_photos(tmp_path / "src")
    mask = draw_pair(0, (71, 95))[1]
    mask[:32, :40] = 3
    Image.fromarray(COLORS[mask]).save(tmp_path / "src/odd_mask.png")
    build(cutting(tmp_path / "src", tmp_path / "out", TileConfig(0)))
    stitched = stitch(shards(tmp_path / "out"), "odd.png")
    assert stitched.missing_pixels == 32 * 40
    expected = photos["odd"][1].copy()
    expected[:32, :40] = IGNORE_INDEX
    np.testing.assert_array_equal(stitched.mask, expected)
    assert "no tile covers 1,280 pixels" in stitched.to_text("odd.png", tmp_path / "m.png")


def test_what_is_no_photograph_of_the_records_is_refused_in_one_line(segconv, dataset, tmp_path):
    write_photos(tmp_path / "src")
    build(cutting(tmp_path / "src", tmp_path / "out"))
    with pytest.raises(UsageError, match=r"od.png: is no photograph of these records. Use a name such as odd.png"):
        stitch(shards(tmp_path / "out"), "od.png")
    assert segconv("build", "--src", dataset, "--out", tmp_path / "whole", "--size", 24).returncode == 0
    done = segconv("inspect", tmp_path / "whole", "--stitch", "jpg/p0.jpg", tmp_path / "m.png")
    assert_one_line(done, 2, "jpg/p0.jpg: is stored as a whole, not in tiles")
    assert not (tmp_path / "m.png").exists()
    (tmp_path / "mine.png").write_bytes(b"mine")
    done = segconv("inspect", tmp_path / "out", "--stitch", "odd.png", tmp_path / "mine.png")
    assert_one_line(done, 2, "exists, and segconv did not write it")
    done = segconv("inspect", tmp_path / "out", "--stitch", "odd.png", tmp_path / "m.png")
    assert done.returncode == 0
    assert "odd.png, 71 high x 95 wide, 9 tiles" in done.stderr
