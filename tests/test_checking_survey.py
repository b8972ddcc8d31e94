"""Survey: what the files of a dataset contain, each read once."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from converter.checking.survey import TASK_PAIRS, PairFacts, SurveyTask, run_survey_task, survey, thumbnail
from converter.config import SourceConfig
from converter.errors import DataError
from converter.limits import MAX_VALUES
from converter.pixels.decode import load
from converter.pixels.images import OpenImage, open_image
from converter.pixels.masks import MaskValue
from converter.sources.layouts.find import find_layout
from converter.sources.refs import ExampleRef
from tests.conftest import write_dataset
from tests.picture_bytes import saved

PHOTO = np.random.default_rng(3).integers(0, 256, (12, 20, 3), dtype=np.uint8)
GREY = np.zeros((12, 20), np.uint8)
GREY[:3] = 7


def facts_of(folder: Path, photo: bytes | None, mask: bytes | None, *, tolerance: int = 0) -> PairFacts:
    """Returns the facts of a pair of these files; None leaves one out."""
    for name, data in (("p", photo), ("m", mask)):
        if data is not None:
            (folder / name).write_bytes(data)
    task = SurveyTask((ExampleRef("train", "p", "m", "train.txt", 1),), SourceConfig(folder), tolerance)
    (facts,) = run_survey_task(task, lambda: None)
    return facts


def with_orientation(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(PHOTO, "JPEG", exif=exif)


def test_a_pair_tells_sizes_kinds_values_and_digest(tmp_path):
    photo, mask = saved(PHOTO, "JPEG"), saved(GREY)
    facts = facts_of(tmp_path, photo, mask)
    assert facts.error is None
    assert facts.image_size == facts.mask_size == (12, 20)
    assert (facts.image_kind, facts.mask_kind) == ("JPEG RGB", "PNG grey")
    assert facts.values == ((MaskValue("L", 8, 0, (0, 0, 0)), 180), (MaskValue("L", 8, 7, (7, 7, 7)), 60))
    assert (facts.image_bytes, facts.mask_bytes) == (len(photo), len(mask))
    assert facts.digest == hashlib.sha256(photo).digest()
    assert len(facts.thumbnail) == 256


def test_both_files_of_a_pair_are_looked_at_even_where_the_first_is_bad(tmp_path):
    facts = facts_of(tmp_path, b"no photograph", saved(GREY)[:-20])
    assert facts.error is not None
    assert (facts.error.where, facts.error.code) == ("p", "E_FORMAT")
    assert [(error.where, error.code) for error in facts.further] == [("m", "E_DAMAGED")]
    facts = facts_of(tmp_path, None, saved(GREY))
    assert facts.mask_size == (12, 20)
    assert len(facts.values) == 2


def test_a_missing_file_is_an_error_of_its_pair_alone(tmp_path):
    facts = facts_of(tmp_path, saved(PHOTO, "JPEG"), None)
    assert facts.error is not None
    assert (facts.error.where, facts.error.code) == ("m", "E_MISSING")
    assert facts.image_size == (12, 20)


def test_a_photograph_whose_pixels_are_cut_off_is_named_though_its_header_is_whole(tmp_path):
    facts = facts_of(tmp_path, saved(PHOTO, "JPEG")[:-30], saved(GREY))
    assert facts.error is not None
    assert (facts.error.where, facts.error.code) == ("p", "E_DAMAGED")
    assert facts.thumbnail == b""
    assert facts.values


def test_sizes_that_differ_are_told_with_both_sizes_and_swapped_sides_are_hinted(tmp_path):
    facts = facts_of(tmp_path, saved(PHOTO, "JPEG"), saved(np.ascontiguousarray(GREY.T)))
    assert facts.error is not None
    assert facts.error.code == "E_SIZE"
    assert "is 20 high and 12 wide" in facts.error.what
    assert "is 12 high and 20 wide" in facts.error.what
    assert "swapped" in facts.error.what
    assert (facts.image_size, facts.mask_size) == ((12, 20), (20, 12))


@pytest.mark.parametrize(
    ("mask", "turned", "size"), [(np.ascontiguousarray(GREY.T), True, (20, 12)), (GREY, False, (12, 20))]
)
def test_a_photograph_is_turned_by_exif_only_where_its_mask_was_drawn_so(tmp_path, mask, turned, size):
    facts = facts_of(tmp_path, with_orientation(6), saved(mask))
    assert facts.error is None
    assert (facts.orientation, facts.turned, facts.image_size) == (6, turned, size)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_thumbnail_is_upright_in_every_orientation(orientation):
    gradient = np.add.outer(np.arange(64) * 3, np.arange(64)).astype(np.uint8)
    upright = np.stack([gradient] * 3, axis=2)
    # A camera stores what EXIF rotates upright: the inverse of the EXIF transform.
    inverse = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = Image.fromarray(upright)
    if orientation > 1:
        stored = stored.transpose(Image.Transpose(inverse[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = open_image(saved(stored, "PNG", exif=exif), "p")
    load(photo.picture, "p")
    levels = np.frombuffer(thumbnail(photo), np.uint8).reshape(16, 16).astype(int)
    expected = np.add.outer(np.arange(16) * 12 + 4.5, np.arange(16) * 4 + 1.5)
    assert np.abs(levels - expected)[1:-1, 1:-1].max() <= 1


def drawn_photo() -> np.ndarray:
    """Returns an image large enough to be decoded at an eighth, smooth with a rough part: uint8 [400, 448, 3]."""
    y, x = np.mgrid[:400, :448]
    pixels = np.stack([x // 2, y // 2, (x + y) // 4], axis=2).astype(np.uint8)
    pixels[80:240, 120:360] = np.random.default_rng(4).integers(0, 256, (160, 240, 3))
    return pixels


CODINGS = {
    "baseline": ("RGB", {}),
    "progressive": ("RGB", {"progressive": True}),
    "grey": ("L", {}),
    "progressive grey": ("L", {"progressive": True}),
    "restart markers": ("RGB", {"restart_marker_blocks": 4}),
    "whole colours": ("RGB", {"subsampling": 0}),
}


def outcome(data: bytes, decode: Callable[[OpenImage], object]) -> str:
    """Returns the error code of an image, or "good"."""
    try:
        decode(open_image(data, "p"))
    except DataError as error:
        return error.code
    return "good"


@pytest.mark.parametrize("coding", CODINGS)
def test_a_damaged_jpeg_is_refused_for_its_thumbnail_just_where_all_its_pixels_are(coding):
    mode, options = CODINGS[coding]
    whole = saved(Image.fromarray(drawn_photo()).convert(mode), "JPEG", quality=80, **options)
    rng = np.random.default_rng(5)
    seen = set()
    for number in range(80):
        damaged = bytearray(whole)
        if number % 2:
            del damaged[int(rng.integers(4, len(whole))) :]
        else:
            for place in rng.integers(3, len(whole) if number % 4 else 600, 1 + number % 3):
                damaged[place] ^= 1 << int(rng.integers(8))
        told = outcome(bytes(damaged), thumbnail)
        assert told == outcome(bytes(damaged), lambda photo: load(photo.picture, "p"))
        seen.add(told)
    assert seen == {"good", "E_FORMAT", "E_DAMAGED"}


@pytest.mark.parametrize("coding", CODINGS)
def test_a_thumbnail_from_an_eighth_of_a_jpeg_is_that_from_all_its_pixels(coding):
    mode, options = CODINGS[coding]  # 8 divides neither side: the last reduced pixels are covered in part
    data = saved(Image.fromarray(drawn_photo()[:393, :441]).convert(mode), "JPEG", quality=95, **options)
    reduced, whole = open_image(data, "p"), open_image(data, "p")
    load(whole.picture, "p")
    levels = [np.frombuffer(thumbnail(photo), np.uint8).astype(int) for photo in (reduced, whole)]
    assert reduced.picture.size == (56, 50)
    assert whole.picture.size == (441, 393)
    assert np.abs(levels[0] - levels[1]).max() <= 3


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA", "1", "CMYK"])
def test_photographs_of_every_mode_have_a_thumbnail(tmp_path, mode):
    picture = Image.fromarray(PHOTO).convert(mode)
    facts = facts_of(tmp_path, saved(picture, "JPEG" if mode == "CMYK" else "PNG"), saved(GREY))
    assert facts.error is None
    assert len(set(facts.thumbnail)) > 1


def test_of_a_photograph_given_as_a_mask_only_the_most_frequent_values_are_kept(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    noise[:10] = 9
    facts = facts_of(tmp_path, saved(noise, "JPEG"), saved(noise))
    assert len(facts.values) == MAX_VALUES
    assert facts.values[0][1] >= 640
    assert facts.other_values == len(np.unique(noise.reshape(-1, 3), axis=0)) - MAX_VALUES
    assert sum(count for _, count in facts.values) + facts.other_pixels == 64 * 64
    assert len(pickle.dumps(facts)) < 100_000


def test_the_survey_has_the_order_of_the_pairs_whatever_the_number_of_workers(tmp_path):
    folder = write_dataset(tmp_path / "dataset", train=TASK_PAIRS + 3, val=2)
    shutil.copy(folder / "jpg/p0.jpg", folder / "jpg/p1.jpg")
    refs = [ref for split_refs in find_layout(SourceConfig(folder)).refs.values() for ref in split_refs]
    progress: list[int] = []
    one = survey(refs, SourceConfig(folder), 1, progress.append)
    assert [facts.ref for facts in one] == refs
    assert progress[-1] == len(refs)
    assert progress == sorted(progress)
    assert survey(refs, SourceConfig(folder), 2, progress.append) == one
    assert one[0].digest == one[1].digest != one[2].digest


def test_no_pairs_need_no_worker(tmp_path):
    assert survey([], SourceConfig(tmp_path), 4, lambda done: pytest.fail("nothing was to be done")) == []


DIES_AT_P3 = """
import os, signal
from converter.checking import survey

look_at = survey.look_at

def die_at_p3(ref, source, counter):
    if ref.image == "jpg/p3.jpg":
        os.kill(os.getpid(), signal.SIGKILL)
    return look_at(ref, source, counter)

survey.look_at = die_at_p3
"""

READ_ALL = """
import sys
from pathlib import Path
from converter.config import SourceConfig
from converter.sources.layouts.find import find_layout
from converter.checking.survey import survey

source = SourceConfig(Path(sys.argv[1]))
for facts in survey(find_layout(source).refs["train"], source, 1, lambda done: None):
    print(facts.image_size, facts.error)
"""


def test_a_pair_that_kills_its_worker_is_named_and_all_others_are_read(dataset, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(DIES_AT_P3)  # every Python process imports it at start, workers included
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parent.parent}"}
    command = [sys.executable, "-c", READ_ALL, str(dataset)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    lines = done.stdout.splitlines()
    assert [line for number, line in enumerate(lines) if number != 3] == ["(20, 30) None"] * 5
    assert "None jpg/p3.jpg: crashed the worker process twice (signal 9)" in lines[3]
