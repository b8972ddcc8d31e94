"""Split lists, resolved in a folder of a few files."""

from __future__ import annotations

from pathlib import Path

from converter.sources.lists.resolve import PathRule, Resolved, resolve
from converter.sources.lists.text import read_split_list
from converter.sources.names import Names

FILES = [
    *("jpg/a.jpg", "jpg/b.jpg", "jpg/c.jpg", "jpg/A17.jpg", "jpg/sub/d.jpg", "jpg/my photo (1).jpg", "jpg/Straße.jpg"),
    *("png/a.png", "png/b.png", "png/c.png", "png/A17.PNG", "png/sub/d.png", "png/my photo (1).png", "png/Straße.png"),
    *("jpg/two.jpg", "jpg/two.png", "jpg/caf\u00e9.jpg", "png/cafe\u0301.png"),
]

TUTORIAL = ("paths below jpg/ and png/", ("jpg", "png"))


def look_up(
    folder: Path, content: bytes | str, *rules: tuple[str, tuple[str, ...]], files: list[str] = FILES
) -> Resolved:
    """Returns train.txt with this content, resolved among `files`."""
    path = folder / "train.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    names = Names((name, name) for name in files)
    ways = [PathRule(text, names, bases) for text, bases in rules or [TUTORIAL]]
    return resolve(read_split_list("train", path, "train.txt"), ways)


def found(done: Resolved) -> list[tuple[str, str]]:
    return [(ref.image, ref.mask) for ref in done.refs()]
