"""Staging: complete or not there; an export is replaced, and nothing else is."""

from __future__ import annotations

import pytest

from converter.errors import MachineError, UsageError
from converter.system.outputs import MARK
from trainer.exporting.staging import staged


def write_folder(path, content: str = MARK) -> None:
    (path / "assets.extra").mkdir(parents=True)
    (path / "assets.extra/segconv.json").write_text(content)


def test_a_folder_is_there_when_the_block_ends_and_is_replaced_by_the_next(tmp_path):
    final = tmp_path / "savedmodel"
    for number in range(2):
        with staged(final, "") as temporary:
            write_folder(temporary)
            (temporary / f"{number}").write_text("x")
            assert final.exists() == (number == 1)
    assert sorted(path.name for path in final.iterdir()) == ["1", "assets.extra"]
    assert [path.name for path in tmp_path.iterdir()] == ["savedmodel"]


@pytest.mark.parametrize("suffix", ["", ".onnx"])
def test_a_block_that_fails_leaves_what_was_there(tmp_path, suffix):
    final = tmp_path / f"model{suffix}"
    with staged(final, suffix) as temporary:
        temporary.write_bytes(f"first, {MARK}".encode()) if suffix else write_folder(temporary)
    with pytest.raises(ZeroDivisionError), staged(final, suffix) as temporary:
        temporary.write_bytes(b"second") if suffix else write_folder(temporary)
        _ = 1 / 0
    assert [path.name for path in tmp_path.iterdir()] == [final.name]
    if suffix:
        assert final.read_bytes() == f"first, {MARK}".encode()


def test_what_a_killed_export_left_is_replaced(tmp_path):
    write_folder(tmp_path / ".segconv-savedmodel/deep")
    write_folder(tmp_path / ".segconv-before-savedmodel")
    with staged(tmp_path / "savedmodel", "") as temporary:
        write_folder(temporary)
    assert [path.name for path in tmp_path.iterdir()] == ["savedmodel"]
    assert [path.name for path in (tmp_path / "savedmodel").iterdir()] == ["assets.extra"]


def test_something_else_is_never_replaced(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.jpg").write_bytes(b"x")
    write_folder(tmp_path / "other", "{}")
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    (tmp_path / "file").write_bytes(b"x")
    for name in ("photos", "other", "link", "file"):
        with pytest.raises(UsageError, match="exists, and segconv did not write it"), staged(tmp_path / name, ""):
            pass
    (tmp_path / "model.onnx").write_bytes(b"of somebody else")
    with pytest.raises(UsageError, match="did not write it"), staged(tmp_path / "model.onnx", ".onnx"):
        pass
    assert (tmp_path / "photos/a.jpg").read_bytes() == b"x"


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"is not a folder\. Create that folder"), staged(tmp_path / "no/model", ""):
        pass


def test_a_failed_write_is_an_error_of_the_machine(tmp_path):
    with pytest.raises(MachineError, match="cannot be written"), staged(tmp_path / "model", ""):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []
