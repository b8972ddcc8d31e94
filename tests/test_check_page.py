"""Facts about the page of a check: it stands alone, says all that the report says, and no dataset can write into it."""

from __future__ import annotations

import base64
import dataclasses
import html
import io
import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from picture_bytes import png
from PIL import Image

from converter.checking.page import check_page
from converter.checking.page_samples import UNLISTED_STRIPES
from converter.checking.problems import Problem
from converter.checking.report import CheckReport, SplitFacts, ValueRow
from converter.config import SourceConfig
from converter.limits import MAX_PAGE_PLACES, MAX_PAGE_UNLISTED
from converter.schema import IGNORE_INDEX
from converter.sources.refs import ExampleRef

VOID = {"meta", "br", "img"}
BLUE, GREEN, YELLOW = (22, 0, 255), (0, 255, 0), (255, 255, 0)
ROWS = (
    ValueRow(0, "background", "#000000", (0, 0, 0), 700, 0.7, 3),
    ValueRow(1, "building", "#1600FF", BLUE, 4, 0.04, 2),
    ValueRow(IGNORE_INDEX, "ignore", "#FFFF00", YELLOW, 60, 0.06, 1),
    ValueRow(None, "", "#1700FF", (23, 0, 255), 200, 0.2, 1, "within 1 level of #1600FF"),
)
PROBLEMS = (
    Problem("W_LEAK", "warning", "Group the frames.", (("val.txt:4", "c.jpg looks like train.txt:2"),)),
    Problem("E_SIZE", "error", "Draw it at `its` size.", (("train.txt:9", "b.png is 2 high"), ("train.txt:12", "?"))),
)
REPORT = CheckReport(
    src="data/town",
    layout="list",
    evidence=("train.txt", "val.txt"),
    classes="data/town/classes.csv",
    splits={"train": SplitFacts(3, (600, 200)), "val": SplitFacts(1, (100, 0))},
    rows=ROWS,
    problems=(),
    read=4,
    image_sizes=(((20, 30), 4),),
    image_kinds=(("JPEG RGB", 4),),
    mask_kinds=(("PNG RGB", 4),),
    turned=2,
    unturned=1,
    source_mb=12.5,
    records_mb=3.25,
    next_command="segconv build --src data/town --size 512",
    seconds=1.5,
)


class Page(HTMLParser):
    """Parses a page and holds every tag against the one that opened."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes a tag that opens."""
        assert len(dict(attrs)) == len(attrs), attrs
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Holds a tag that closes against the one that opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collects the text."""
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Returns the attributes of all tags of a kind."""
        return [attrs for name, attrs in self.tags if name == tag]

    def pictures(self) -> list[np.ndarray]:
        """Returns the decoded pictures, uint8 [H, W, 3]."""
        jpegs = [str(attrs["src"]).removeprefix("data:image/jpeg;base64,") for attrs in self.all("img")]
        return [np.asarray(Image.open(io.BytesIO(base64.b64decode(jpeg)))) for jpeg in jpegs]


def page_of(report: CheckReport, src: Path = Path("no/such/folder")) -> str:
    return check_page(report, SourceConfig(src))


def write_pair(folder: Path, mask: Image.Image, name: str = "a") -> ExampleRef:
    """Writes a grey photograph and a mask of the same size."""
    Image.new("RGB", mask.size, (100, 100, 100)).save(folder / f"{name}.png")
    mask.save(folder / f"{name}_mask.png")
    return ExampleRef("train", f"{name}.png", f"{name}_mask.png", "train.txt", 7)


def halves(left: tuple[int, int, int], right: tuple[int, int, int], side: int = 64) -> Image.Image:
    """Returns a picture whose halves meet at the edge of a JPEG block."""
    picture = Image.new("RGB", (side, side), left)
    picture.paste(right, (side // 2, 0, side, side))
    return picture


def near(pixel: np.ndarray, expected: tuple[float, float, float]) -> bool:
    return bool(np.abs(pixel.astype(float) - expected).max() <= 3)  # what JPEG may change where a picture is flat


def test_every_tag_is_closed_and_headings_are_in_order():
    page = Page(page_of(dataclasses.replace(REPORT, problems=PROBLEMS)))
    assert page.open == []
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert page.all("html") == [{"lang": "en"}]


def test_every_reference_within_the_page_leads_somewhere():
    page = Page(page_of(dataclasses.replace(REPORT, problems=PROBLEMS)))
    names = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(names) == len(set(names))
    assert {attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs} <= set(names)


def test_the_page_loads_nothing_and_runs_nothing(tmp_path):
    samples = (write_pair(tmp_path, halves((0, 0, 0), BLUE)),)
    text = page_of(dataclasses.replace(REPORT, problems=PROBLEMS, samples=samples), tmp_path)
    page = Page(text)
    assert page.all("script") == page.all("link") == []
    assert not re.search(r"https?://|url\(|@import|\son\w+=", text)
    assert all(str(attrs["src"]).startswith("data:image/jpeg;base64,") for _, attrs in page.tags if "src" in attrs)
    assert not any("href" in attrs for _, attrs in page.tags)


def test_the_page_says_what_the_report_says():
    text = Page(page_of(dataclasses.replace(REPORT, problems=PROBLEMS))).text
    facts = ["data/town", "list", "train.txt", "val.txt", "data/town/classes.csv", "train 3", "val 1", "4 of 4 pairs"]
    facts += ["JPEG RGB", "PNG RGB", "20 high × 30 wide", "2 turned upright", "1 left unturned", "12.5 MB", "3.2 MB"]
    facts += ["W_LEAK", "Group the frames.", "val.txt:4", "c.jpg looks like train.txt:2"]
    facts += ["E_SIZE", "Draw it at its size.", "train.txt:9", "b.png is 2 high", "train.txt:12"]
    facts += [
        "background",
        "building",
        "ignore",
        "#1600FF",
        "#FFFF00",
        "70.0%",
        "4.00%",
        "segconv build --src data/town",
    ]
    facts += ["not listed", "#1700FF", "within 1 level of #1600FF"]
    assert [fact for fact in facts if fact not in text] == []
    assert text.index("E_SIZE") < text.index("W_LEAK")  # errors first, whatever the order of the report


@pytest.mark.parametrize(
    ("problems", "expected"),
    [
        ((), "Passes"),
        (PROBLEMS[:1], "Passes1 warning"),
        (PROBLEMS, "Does not pass2 errors1 warning"),
    ],
)
def test_the_verdict_counts_errors_and_warnings(problems, expected):
    page = page_of(dataclasses.replace(REPORT, problems=problems))
    verdict = re.search(r'<p class="verdict \w+">(.*?)</p>', page)
    assert verdict is not None
    assert re.sub("<[^>]*>", "", verdict[1]) == expected


def test_bars_are_as_long_as_the_square_root_of_the_share():
    page = page_of(REPORT)
    widths = re.findall(r'class="bar " aria-hidden="true"><span style="width:([\d.]+)%', page)
    assert widths == ["83.7", "20.0", "24.5", "44.7"]  # of 0.7, 0.04, 0.06, 0.2
    assert "square-root scale" in page


def test_shares_of_the_splits_stand_side_by_side():
    page = page_of(REPORT)
    assert re.findall(r'bar split0".*?width:([\d.]+)%', page) == ["86.6", "50.0"]  # 600 and 200 of 800
    assert re.findall(r'bar split1".*?width:([\d.]+)%', page) == ["100.0", "0.0"]
    assert '<td class="n">25.0%</td><td class="n">none</td>' in page


def test_values_that_are_not_shown_are_counted():
    strays = tuple(
        ValueRow(None, "", f"#0000{i:02X}", (0, 0, i), 1, 0.001, 1) for i in range(1, MAX_PAGE_UNLISTED + 51)
    )
    text = Page(page_of(dataclasses.replace(REPORT, rows=ROWS[:3] + strays))).text
    assert text.count("not listed") == MAX_PAGE_UNLISTED
    assert "and 50 values more with 5.00% of the pixels" in text
    assert "building" in text


def test_a_class_of_two_values_stands_once_among_the_splits():
    rows = (*ROWS[:2], dataclasses.replace(ROWS[1], value="#AA0000"))
    page = page_of(dataclasses.replace(REPORT, rows=rows))
    assert page.count('bar split0"') == 2


def test_classes_are_laid_over_the_photographs_in_their_colours(tmp_path):
    samples = (write_pair(tmp_path, halves(BLUE, (0, 0, 0))),)
    page = Page(page_of(dataclasses.replace(REPORT, samples=samples), tmp_path))
    (picture,) = page.pictures()
    assert picture.shape == (64, 64, 3)
    assert near(picture[32, 8], (61, 50, 177.5))  # half of 100, 100, 100 and half of the class's colour
    assert near(picture[32, 56], (50, 50, 50))
    (image,) = page.all("img")
    assert (image["width"], image["height"]) == ("64", "64")
    assert "a.png" in str(image["alt"])
    assert "train.txt:7" in page.text


def test_values_that_no_class_lists_are_striped_and_the_mask_is_shown(tmp_path):
    samples = (write_pair(tmp_path, halves((0, 0, 0), (1, 2, 3))),)
    picture, mask = Page(page_of(dataclasses.replace(REPORT, samples=samples), tmp_path)).pictures()
    assert near(picture[32, 8], (50, 50, 50))
    middle = (UNLISTED_STRIPES[0][0] + UNLISTED_STRIPES[1][0]) / 2
    reds = picture[:, 40:, 0]
    assert reds.min() < middle - 60  # both stripes are there, though JPEG blurs their colours
    assert reds.max() > middle + 60
    assert near(mask[32, 56], (1, 2, 3))


def test_without_a_class_map_the_values_stand_beside_the_photograph(tmp_path):
    mask = Image.fromarray(np.repeat(np.array([[0] * 32 + [1] * 32], np.uint8), 64, axis=0))
    rows = (
        ValueRow(None, "", "0", (10, 20, 30), 1, 0.5, 1),
        ValueRow(None, "", "1", (200, 100, 0), 1, 0.5, 1),
    )
    splits = {"train": SplitFacts(1)}
    samples = (write_pair(tmp_path, mask),)
    report = dataclasses.replace(REPORT, classes="", rows=rows, splits=splits, samples=samples)
    page = Page(page_of(report, tmp_path))
    photograph, values = page.pictures()
    assert near(photograph[32, 8], (100, 100, 100))
    assert near(values[32, 8], (10, 20, 30))
    assert near(values[32, 56], (200, 100, 0))
    assert "no class map" in page.text


def test_masks_are_shown_as_they_are_drawn_where_the_values_contradict_each_other(tmp_path):
    rows = (
        ValueRow(0, "a", "7", (9, 9, 9), 1, 0.5, 1),
        ValueRow(1, "b", "#070707", (8, 8, 8), 1, 0.5, 1),
    )
    samples = (write_pair(tmp_path, halves(GREEN, BLUE)),)
    _, mask = Page(page_of(dataclasses.replace(REPORT, rows=rows, samples=samples), tmp_path)).pictures()
    assert near(mask[32, 8], GREEN)


def test_255_classes_are_drawn_in_their_colours(tmp_path):
    rows = tuple(ValueRow(i, f"c{i}", str(i), (i, 255 - i, 0), 1, 1 / 255, 1) for i in range(255))
    mask = Image.fromarray(np.full((64, 64), 254, np.uint8))
    samples = (write_pair(tmp_path, mask),)
    (picture,) = Page(page_of(dataclasses.replace(REPORT, rows=rows, samples=samples), tmp_path)).pictures()
    assert near(picture[32, 32], (177, 50.5, 50))


def test_a_large_photograph_becomes_a_thumbnail_of_its_shape(tmp_path):
    samples = (write_pair(tmp_path, Image.new("RGB", (800, 400))),)
    (picture,) = Page(page_of(dataclasses.replace(REPORT, samples=samples), tmp_path)).pictures()
    assert picture.shape == (160, 320, 3)


def test_a_sample_that_cannot_be_read_is_left_out(tmp_path):
    good = write_pair(tmp_path, halves(BLUE, BLUE), "good")
    gone = ExampleRef("train", "gone.png", "gone_mask.png")
    cut = write_pair(tmp_path, halves(BLUE, BLUE), "cut")
    (tmp_path / "cut_mask.png").write_bytes((tmp_path / "cut_mask.png").read_bytes()[:60])
    page = Page(page_of(dataclasses.replace(REPORT, samples=(gone, cut, good)), tmp_path))
    assert len(page.pictures()) == 1
    assert "good.png" in page.text
    assert len(Page(page_of(dataclasses.replace(REPORT, samples=(gone,)), tmp_path)).pictures()) == 0


@pytest.mark.parametrize("rows", [ROWS, (ROWS[0], dataclasses.replace(ROWS[1], value="no value"))])
@pytest.mark.parametrize("size", [(64, 64), (64, 70)])  # the second announces rows that are not there
def test_a_mask_whose_pixels_are_damaged_is_left_out(tmp_path, rows, size):
    ref = write_pair(tmp_path, Image.new("RGB", (64, size[1])))
    body = b"" if size == (64, 64) else bytes(64 * (1 + 64 * 3))
    (tmp_path / ref.mask).write_bytes(png((size[1], 64), 8, 2, body))
    report = dataclasses.replace(REPORT, rows=rows, samples=(ref,))
    assert Page(page_of(report, tmp_path)).pictures() == []


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_masks_of_every_mode_are_shown_where_no_value_is_listed(tmp_path, mode):
    mask = Image.fromarray(np.full((64, 64), 3, np.uint16)) if mode == "I;16" else Image.new(mode, (64, 64))
    ref = write_pair(tmp_path, mask)
    rows = (ValueRow(0, "a", "#102030", (9, 9, 9), 1, 1.0, 1), ROWS[1])
    report = dataclasses.replace(REPORT, rows=rows, samples=(ref,))
    assert len(Page(page_of(report, tmp_path)).pictures()) == 2


def test_a_report_of_nothing_is_still_a_page():
    empty = dataclasses.replace(
        REPORT, splits={}, rows=(), evidence=(), classes="", image_sizes=(), image_kinds=(), mask_kinds=(), read=0
    )
    page = Page(page_of(dataclasses.replace(empty, next_command="")))
    assert page.open == []
    assert "no class map" in page.text


HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m\x00\u202e\udcff"


def test_hostile_names_cannot_write_into_the_page(tmp_path):
    samples = (write_pair(tmp_path, halves(BLUE, BLUE)),)
    (tmp_path / "<b onload=x>.png").write_bytes((tmp_path / "a.png").read_bytes())
    samples = (dataclasses.replace(samples[0], image="<b onload=x>.png", split=HOSTILE, list_name=HOSTILE),)
    report = dataclasses.replace(
        REPORT,
        src=HOSTILE,
        layout=HOSTILE,
        evidence=(HOSTILE,),
        classes=HOSTILE,
        splits={HOSTILE: SplitFacts(1, (1, 2)), "val": SplitFacts(1, (1, 2))},
        rows=tuple(dataclasses.replace(row, name=HOSTILE, note=HOSTILE) for row in ROWS),
        problems=(Problem(HOSTILE, HOSTILE, HOSTILE, ((HOSTILE, HOSTILE),)),),
        image_kinds=((HOSTILE, 1),),
        mask_kinds=((HOSTILE, 1),),
        next_command=HOSTILE,
        samples=samples,
    )
    text = page_of(report, tmp_path)
    page = Page(text)
    text.encode()  # no lone surrogate is left
    assert page.open == []
    assert page.all("script") == page.all("b") == []
    assert not any(attribute.startswith("on") for _, attrs in page.tags for attribute in attrs)
    assert not set("\x1b\x00\u202e") & set(text)
    assert "<script>alert(1)</script>" in html.unescape(page.text)
    assert len(page.pictures()) == 1


def test_a_hostile_value_in_a_row_does_not_stop_the_page(tmp_path):
    rows = (*ROWS, dataclasses.replace(ROWS[1], value="</td>"))
    samples = (write_pair(tmp_path, halves(BLUE, BLUE)),)
    assert Page(page_of(dataclasses.replace(REPORT, rows=rows, samples=samples), tmp_path)).open == []


def test_the_same_report_gives_the_same_page_whatever_the_folder_is_called(tmp_path):
    pages = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        samples = (write_pair(folder, halves(BLUE, (1, 2, 3))),)
        pages.append(page_of(dataclasses.replace(REPORT, samples=samples, seconds=len(pages)), folder))
    assert pages[0] == pages[1]
    assert str(tmp_path) not in pages[0]


def test_a_page_stays_below_two_megabytes(tmp_path):
    rng = np.random.default_rng(0)
    samples = []
    for number in range(40):
        noise = Image.fromarray(rng.integers(0, 256, (330, 330, 3), dtype=np.uint8))
        noise.save(tmp_path / f"{number}.png")
        noise.save(tmp_path / f"{number}_mask.png")
        samples.append(ExampleRef("train", f"{number}.png", f"{number}_mask.png"))
    places = tuple((f"train.txt:{number}", f"png/{number}.png " + "x" * 300) for number in range(10_000))
    rows = tuple(ValueRow(i, f"class number {i}", str(i), (i, i, 0), 1, 1 / 255, 1) for i in range(255))
    rows += tuple(ValueRow(None, "", f"#{i:06X}", (0, 0, 0), 1, 0.0, 1) for i in range(70_000))
    splits = {"train": SplitFacts(40, (1,) * 255), "val": SplitFacts(40, (1,) * 255)}
    problems = tuple(Problem(f"E_{number}", "error", "Mend it.", places) for number in range(6))
    report = dataclasses.replace(REPORT, problems=problems, rows=rows, splits=splits, samples=tuple(samples))
    text = page_of(report, tmp_path)
    page = Page(text)
    assert len(text) < 2_000_000
    assert len(page.pictures()) >= 4
    assert page.text.count("train.txt:") == 6 * MAX_PAGE_PLACES
    assert f"and {10_000 - MAX_PAGE_PLACES:,} more" in page.text
    assert "train.txt:9999" not in page.text
    assert "class number 254" in page.text
