"""Sheet: records as images with their classes overlaid."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import COLORS, draw_pair
from PIL import Image

from converter.building.build import build
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.reader import RecordSource
from converter.errors import UsageError
from converter.pixels.overlays import overlay
from converter.verifying.inspect import (
    find_shard,
    inspect_dataset,
    inspect_shard,
    record_at,
)
from converter.verifying.sheet import save_sheet, some_records


@pytest.fixture
def records(dataset, tmp_path):
    """Records at the size of their sources, so that every drawn pixel is stored once."""
    return build(
        BuildConfig(SourceConfig(dataset), tmp_path / "out", pair=PairConfig(size=(20, 30)), shards=2, workers=1)
    ).out


def test_the_sheet_shows_the_overlays_of_the_records(records, tmp_path):
    classes = inspect_shard(find_shard(records)).classes
    shards = sorted(records.glob("*train*-of-00002"))
    found = some_records(shards)
    save_sheet(found, classes, "dataset", tmp_path / "sheet.png")
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert len(found) == len(RecordSource(records, "train")) == 6
    colors = [info.color for info in classes]
    for record in found:
        cell = overlay(record.image, record.mask, colors)
        places = np.argwhere((sheet[:, :, 0] == cell[0, 0, 0]) & (sheet[:, :, 1] == cell[0, 0, 1]))
        assert any(np.array_equal(sheet[y : y + 20, x : x + 30], cell) for y, x in places)


def test_a_sheet_needs_the_ending_of_a_picture(records, tmp_path):
    with pytest.raises(UsageError, match=r"does not end in \.png"):
        save_sheet([record_at(find_shard(records), 0)], inspect_shard(find_shard(records)).classes, "", tmp_path / "s")


@pytest.fixture
def mixed(dataset, tmp_path):
    """Records of three sizes, stored as PNG: 0 of train is very high, 1 very wide."""
    for number, size in enumerate([(400, 15), (1, 2000)]):
        image, mask = draw_pair(number, size)
        Image.fromarray(image).save(dataset / f"jpg/p{number}.jpg")
        Image.fromarray(COLORS[mask]).save(dataset / f"png/m{number}.png")
    pair = PairConfig(size=None, image_format="png")
    return build(BuildConfig(SourceConfig(dataset), tmp_path / "mixed", pair=pair, workers=1)).out


def test_a_sheet_of_different_sizes_has_cells_of_one_size_with_the_whole_of_each_picture(mixed, tmp_path):
    manifest = inspect_dataset(mixed)[0]
    found = some_records([mixed / shard.name for _, shard in manifest.shards()])
    save_sheet(found, manifest.classes, "", tmp_path / "sheet.png")
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    # The first is reduced to 320 x 12 and the second to 1 x 320, so that cells are 320 x 320: the others grow tenfold.
    assert sheet.shape[:2] >= (2 * (320 + 8), 4 * (320 + 8))
    row_height = 320 + 8 + 13 + 8  # image, gap, caption, gap
    for place, record in enumerate(found):
        top, left = 8 + place // 4 * row_height, 8 + place % 4 * (320 + 8)
        is_paper = (sheet[top : top + 320, left : left + 320] == 255).all(-1)
        box = {(400, 15): (0, 154, 320, 12), (1, 2000): (159, 0, 1, 320), (20, 30): (53, 0, 213, 320)}[
            record.mask.shape
        ]
        inside = np.zeros((320, 320), bool)
        inside[box[0] : box[0] + box[2], box[1] : box[1] + box[3]] = True
        assert is_paper[~inside].all()
        assert not is_paper[inside].any()
