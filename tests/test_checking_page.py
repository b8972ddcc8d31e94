"""Page: it is self-contained, shows everything in the report, and no dataset can inject markup."""

from __future__ import annotations

import dataclasses
import html
import itertools
import re

import numpy as np
import pytest
from check_pages import BLUE, PROBLEMS, REPORT, ROWS, Page, halves, page_of, write_pair
from PIL import Image

from converter.checking.problems import Problem
from converter.checking.report import SplitFacts, ValueRow
from converter.limits import MAX_PAGE_PLACES, MAX_PAGE_UNLISTED
from converter.sources.refs import ExampleRef


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
    facts += ["JPEG RGB", "PNG RGB", "20 high × 30 wide", "2 rotated upright", "1 left as stored", "12.5 MB", "3.2 MB"]
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
        ((), "Pass"),
        (PROBLEMS[:1], "Pass1 warning"),
        (PROBLEMS, "Fail2 errors1 warning"),
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
    assert "and 50 more values with 5.00% of the pixels" in text
    assert "building" in text


def test_a_class_of_two_values_stands_once_among_the_splits():
    rows = (*ROWS[:2], dataclasses.replace(ROWS[1], value="#AA0000"))
    page = page_of(dataclasses.replace(REPORT, rows=rows))
    assert page.count('bar split0"') == 2


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
    problems = tuple(Problem(f"E_{number}", "error", "Fix it.", places) for number in range(6))
    report = dataclasses.replace(REPORT, problems=problems, rows=rows, splits=splits, samples=tuple(samples))
    text = page_of(report, tmp_path)
    page = Page(text)
    assert len(text) < 2_000_000
    assert len(page.pictures()) >= 4
    assert page.text.count("train.txt:") == 6 * MAX_PAGE_PLACES
    assert f"and {10_000 - MAX_PAGE_PLACES:,} more" in page.text
    assert "train.txt:9999" not in page.text
    assert "class number 254" in page.text
