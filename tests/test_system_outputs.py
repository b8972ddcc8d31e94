"""Outputs: nothing that segconv did not write is replaced, however the path leads to it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from converter.errors import MachineError, UsageError
from converter.system import outputs
from converter.system.outputs import MARK, MARKED_BYTES, check_output_file

HTML = (".html", ".htm")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with a file of the user, one of segconv, and links to both."""
    folder = tmp_path / "source"
    (folder / "inner").mkdir(parents=True)
    (folder / "mine.html").write_text("<h1>mine</h1>")
    (folder / "ours.html").write_text(f"<meta content='{MARK}'>")
    (folder / "link.html").symlink_to("mine.html")
    (folder / "dangling.html").symlink_to("nothing")
    (folder / "loop.html").symlink_to("loop.html")
    (folder / "hard.html").hardlink_to(folder / "mine.html")
    os.mkfifo(folder / "pipe.html")
    (folder / "folder.html").mkdir()
    (folder / "null.html").symlink_to("/dev/null")
    (folder.parent / "alias").symlink_to(folder)
    return folder


@pytest.mark.parametrize(
    "name",
    [
        "mine.html",
        "link.html",
        "hard.html",
        "dangling.html",
        "loop.html",
        "pipe.html",
        "folder.html",
        "null.html",
        "inner/../mine.html",
        "../alias/mine.html",
        "../source/inner/../../alias/link.html",
    ],
)
def test_what_segconv_did_not_write_is_refused_however_it_is_reached(source, name):
    with pytest.raises(UsageError, match=r"exists, and segconv did not write it\. Choose another name") as caught:
        check_output_file(source / name, HTML)
    assert caught.value.code == "E_OUTPUT"


@pytest.mark.parametrize("name", ["new.html", "new.HTM", "ours.html", "inner/../ours.html", "../alias/ours.html"])
def test_a_new_file_and_one_of_segconv_are_taken(source, name):
    check_output_file(source / name, HTML)


@pytest.mark.parametrize("name", ["train.txt", "page", "page.html.txt", ".html", "html", ".."])
def test_another_extension_is_refused_with_the_ones_that_are_right(source, name):
    with pytest.raises(UsageError, match=r"does not end in \.html or \.htm\. Give another name, such as report\.html"):
        check_output_file(source / name, HTML)


@pytest.mark.parametrize("folder", ["absent", "mine.html", "dangling.html"])
def test_a_folder_that_is_none_is_named_before_anything_is_read(source, folder):
    with pytest.raises(UsageError, match=rf"cannot be written: \S+/{folder} is not a folder\. Create that folder"):
        check_output_file(source / folder / "page.html", HTML)


def test_the_mark_counts_at_both_ends_of_a_file_and_nowhere_else(source):
    gap = b"x" * MARKED_BYTES
    path = source / "new.html"
    for data in (MARK.encode() + gap + gap, gap + gap + MARK.encode()):
        path.write_bytes(data)
        check_output_file(path, HTML)
    path.write_bytes(gap + MARK.encode() + gap)
    with pytest.raises(UsageError, match="did not write it"):
        check_output_file(path, HTML)
    path.write_bytes(b"")
    with pytest.raises(UsageError, match="did not write it"):
        check_output_file(path, HTML)


def test_a_folder_that_cannot_be_written_to_is_named_before_anything_is_read(source, monkeypatch):
    check_output_file(source / "new.html", HTML)
    assert "new.html" not in os.listdir(source)  # noqa: PTH208 - hidden ones too
    assert not list(source.glob(".segconv-*"))

    def full(path: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(outputs, "create", full)
    with pytest.raises(MachineError, match=r"new\.html: cannot be written \(Read-only file system\)"):
        check_output_file(source / "new.html", HTML)
