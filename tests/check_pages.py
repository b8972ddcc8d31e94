"""A report, its parsed page, and pairs to show on it."""

from __future__ import annotations

import base64
import io
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from PIL import Image

from converter.checking.page import check_page
from converter.checking.problems import Problem
from converter.checking.report import CheckReport, SplitFacts, ValueRow
from converter.config import SourceConfig
from converter.schema import IGNORE_INDEX
from converter.sources.refs import ExampleRef

BLUE, GREEN, YELLOW = (22, 0, 255), (0, 255, 0), (255, 255, 0)

VOID = {"meta", "br", "img"}

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
    """Parses a page and checks that every tag is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Records an opening tag."""
        assert len(dict(attrs)) == len(attrs), attrs
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Checks a closing tag against the last one opened."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collects the text."""
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Returns the attributes of all tags of a kind."""
        return [attrs for name, attrs in self.tags if name == tag]

    def pictures(self) -> list[np.ndarray]:
        """Returns the decoded images, uint8 [H, W, 3]."""
        jpegs = [str(attrs["src"]).removeprefix("data:image/jpeg;base64,") for attrs in self.all("img")]
        return [np.asarray(Image.open(io.BytesIO(base64.b64decode(jpeg)))) for jpeg in jpegs]


def page_of(report: CheckReport, src: Path = Path("no/such/folder")) -> str:
    return check_page(report, SourceConfig(src))


def write_pair(folder: Path, mask: Image.Image, name: str = "a") -> ExampleRef:
    """Writes a grey image and a mask of the same size."""
    Image.new("RGB", mask.size, (100, 100, 100)).save(folder / f"{name}.png")
    mask.save(folder / f"{name}_mask.png")
    return ExampleRef("train", f"{name}.png", f"{name}_mask.png", "train.txt", 7)


def halves(left: tuple[int, int, int], right: tuple[int, int, int], side: int = 64) -> Image.Image:
    """Returns an image whose halves meet at the edge of a JPEG block."""
    picture = Image.new("RGB", (side, side), left)
    picture.paste(right, (side // 2, 0, side, side))
    return picture


def near(pixel: np.ndarray, expected: tuple[float, float, float]) -> bool:
    return bool(np.abs(pixel.astype(float) - expected).max() <= 3)  # what JPEG may change in a flat area
