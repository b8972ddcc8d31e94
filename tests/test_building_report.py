"""Report: what a build did, and its notes on the pairs."""

from __future__ import annotations

from builds import config
from conftest import COLORS, draw_pair
from PIL import Image

from converter.building.build import build
from converter.config import BuildConfig, PairConfig, SourceConfig


def test_the_report_remarks_on_what_was_turned_corrected_and_kept(dataset, tmp_path):
    assert build(config(dataset, tmp_path / "plain")).to_text().endswith("0")  # the table's last cell
    exif = Image.Exif()
    exif[0x0112] = 3
    for number in range(2):
        image, mask = draw_pair(number)
        Image.fromarray(image).save(dataset / f"jpg/p{number}.jpg", exif=exif)
        drawing = COLORS[mask]
        drawing[0, 0] ^= 1
        Image.fromarray(drawing).save(dataset / f"png/m{number}.png")
    pair = PairConfig((20, 30), image_format="keep", tolerance=1)
    report = build(BuildConfig(SourceConfig(dataset), tmp_path / "out", pair=pair, workers=1))
    assert report.to_text().splitlines()[-3:] == [
        "images rotated upright by EXIF orientation: 2",
        "mask pixels mapped to the nearest listed colour: 2",
        "images stored unmodified: 6",
    ]
    facts = report.to_json()
    assert [facts[key] for key in ("turned", "unturned", "corrected_pixels", "kept")] == [2, 0, 2, 6]
