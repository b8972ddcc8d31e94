"""Source folders of six pairs, and the texts of lists of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from layout_files import draw, find, write

from converter.errors import UsageError
from converter.sources.layouts.layout import Layout
from converter.sources.refs import Unused

SIX = tuple(f"images/f{i}.jpg" for i in range(6)) + tuple(f"masks/f{i}.png" for i in range(6))


def names(numbers: Iterable[int]) -> str:
    return "".join(f"f{i}\n" for i in numbers)


def lines(numbers: Iterable[int], separator: str = " ", start: str = "", end: str = "") -> str:
    return "".join(f"{start}images/f{i}.jpg{separator}{start}masks/f{i}.png{end}\n" for i in numbers)


def six(folder: Path, texts: Mapping[str, str], *more: str, **options: object) -> Layout:
    """Returns the layout of six pairs with these lists."""
    draw(folder, *SIX, *more)
    for name, text in texts.items():
        write(folder, name, text)
    return find(folder, **options)


def in_folders(folder: Path, *splits: str) -> Layout:
    """Returns the layout of folders of two pairs each, in images/ and masks/."""
    for split in splits:
        word = split.replace("/", "_")
        draw(folder, *(f"{split}/{kind}/{word}{i}.{end}" for i in range(2) for kind, end in KINDS))
    return find(folder)


KINDS = (("images", "jpg"), ("masks", "png"))


def numbers(layout: Layout) -> dict[str, int]:
    return {split: len(refs) for split, refs in layout.refs.items()}


def stems(layout: Layout) -> dict[str, str]:
    """Returns the numbers of the images of each split, as one text."""
    return {split: "".join(Path(ref.image).stem[1:] for ref in refs) for split, refs in layout.refs.items()}


def of_code(layout: Layout, code: str) -> list[Unused]:
    return [unused for unused in layout.unused if unused.code == code]


def refused_list(folder: Path, texts: Mapping[str, str], **options: object) -> UsageError:
    """Returns the error with which lists of six pairs are refused."""
    try:
        six(folder, texts, **options)
    except UsageError as error:
        assert error.code == "E_LIST"
        return error
    raise AssertionError("the lists are taken")
