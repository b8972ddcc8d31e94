"""PNM: masks have the numbers of the file, images the colours that Pillow gives them; damage is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
from mask_files import mapped, mapper
from mask_files import refusal as mask_refusal
from photo_files import noise, refusal, rendered
from picture_bytes import saved
from PIL import Image

from converter.errors import DataError
from converter.pixels.bands import Samples
from converter.pixels.images import open_image, render
from converter.pixels.masks import ValueCounter, open_mask
from converter.pixels.pnm import read_pnm


def pnm(magic: str, samples: np.ndarray, maximum: int | None = None, head: str = "") -> bytes:
    """Returns a PNM written by hand: samples [H, W] or [H, W, 3]."""
    height, width = samples.shape[:2]
    top = f"{magic}\n{head}{width} {height}\n" + (f"{maximum}\n" if maximum else "")
    if magic in ("P1", "P2", "P3"):
        return (top + "\n".join(" ".join(map(str, row.ravel().tolist())) for row in samples) + "\n").encode()
    if magic == "P4":
        return top.encode() + np.packbits(samples.astype(np.uint8), axis=1).tobytes()
    return top.encode() + samples.astype(">u2" if maximum > 255 else np.uint8).tobytes()


GREYS = [(magic, maximum) for magic in ("P2", "P5") for maximum in (1, 2, 15, 254, 255)]


@pytest.mark.parametrize(("magic", "maximum"), GREYS)
def test_the_numbers_of_a_pgm_are_the_values_of_a_mask_whatever_its_maximum(magic, maximum):
    levels = noise(5, 7).astype(int) % (maximum + 1)
    counts = ValueCounter().count(open_mask(pnm(magic, levels, maximum), "a.pgm"))
    found, expected = np.unique(levels, return_counts=True)
    assert {int(str(value)): count for value, count in counts.items()} == dict(
        zip(found.tolist(), expected.tolist(), strict=True)
    )


@pytest.mark.parametrize("magic", ["P2", "P5"])
@pytest.mark.parametrize("maximum", [256, 1000, 65535])
def test_a_pgm_of_16_bits_has_the_numbers_of_the_file(magic, maximum):
    levels = np.array([[0, maximum, 256], [7, 256, maximum]])
    classes = mapper("a,0", "b,7", "c,256", *([f"d,{maximum}"] if maximum > 256 else []))
    expected = [[0, 3 if maximum > 256 else 2, 2], [1, 2, 3 if maximum > 256 else 2]]
    assert mapped(pnm(magic, levels, maximum), classes).tolist() == expected


@pytest.mark.parametrize("magic", ["P1", "P4"])
def test_white_of_a_pbm_is_1_in_a_mask_as_in_every_program_that_saves_one(magic):
    bits = noise(5, 11) % 2
    assert np.array_equal(mapped(pnm(magic, bits), mapper("a,0", "b,1")), 1 - bits)
    assert np.array_equal(mapped(saved(bits == 1, "PPM"), mapper("a,0", "b,1")), bits)
    assert np.array_equal(rendered(pnm(magic, bits), (5, 11))[..., 0], 255 - 255 * bits)


def test_the_bits_of_a_plain_pbm_need_no_space_between_them():
    assert mapped(b"P1\n3 2\n010\n1 0\n1", mapper("a,0", "b,1")).tolist() == [[1, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize("magic", ["P3", "P6"])
@pytest.mark.parametrize("maximum", [1, 100, 255])
def test_the_colours_of_a_ppm_are_those_of_the_file_in_a_mask(magic, maximum):
    drawn = np.array([[0, 1], [1, 0]])
    colors = np.array([(maximum, 0, 0), (0, 0, maximum)])
    classes = mapper(f"a,{maximum} 0 0", f"b,0 0 {maximum}")
    assert mapped(pnm(magic, colors[drawn], maximum), classes).tolist() == drawn.tolist()


@pytest.mark.parametrize(("magic", "maximum"), [*GREYS, *((m, n) for m in ("P3", "P6") for n in (1, 100, 255))])
def test_an_image_has_the_levels_that_pillow_gives_it(magic, maximum):
    shape = (5, 7, 3) if magic in ("P3", "P6") else (5, 7)
    data = pnm(magic, noise(*shape).astype(int) % (maximum + 1), maximum)
    assert np.array_equal(rendered(data, (5, 7)), np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


@pytest.mark.parametrize("kind", ["L", "RGB", "1"])
def test_what_pillow_saves_is_read_back(kind):
    picture = Image.fromarray(noise(5, 7, 3)).convert(kind)
    assert np.array_equal(rendered(saved(picture, "PPM"), (5, 7)), np.asarray(picture.convert("RGB")))


def test_comments_and_any_white_space_are_passed_over():
    samples = np.array([[1, 2], [3, 4]])
    assert read_pnm(pnm("P5", samples, 9, "# by hand\n#\n"), "a", 99).samples.tolist() == samples.tolist()
    assert read_pnm(b"P2#a\r2\t2 # b\n\v 9\f1 2#c\n 3\n4", "a", 99).samples.tolist() == samples.tolist()
    assert read_pnm(b"P5 2 2 9#c\n\1\2\3\4\n", "a", 99).samples.tolist() == samples.tolist()


@pytest.mark.parametrize("magic", ["P2", "P5", "P3", "P6"])
def test_an_image_of_16_bits_is_refused_without_a_range_and_scaled_with_one(magic):
    shape = (2, 2, 3) if magic in ("P3", "P6") else (2, 2)
    samples = (np.arange(np.prod(shape)) * 100).reshape(shape)
    data = pnm(magic, samples, 65535)
    assert refusal(data) == "E_IMAGE_MODE"
    image = open_image(data, "a.ppm", samples=Samples(levels=((0, 500),)))
    expected = np.floor(np.clip(samples, 0, 500) * 255 / 500 + 0.5)
    found = np.asarray(render(image, (2, 2), "stretch"))
    assert np.array_equal(found if len(shape) == 3 else found[..., 0], expected)


def test_a_colour_mask_of_16_bits_is_refused():
    assert mask_refusal(pnm("P6", np.zeros((2, 2, 3), int), 65535), mapper("a,*")).code == "E_MASK_MODE"


@pytest.mark.parametrize("magic", ["P1", "P2", "P3", "P4", "P5", "P6"])
def test_a_pnm_cut_at_any_byte_of_its_pixels_is_refused(magic):
    samples = noise(5, 9, 3) % 2 if magic in ("P3", "P6") else noise(5, 9) % 2
    data = pnm(magic, samples, None if magic in ("P1", "P4") else 255).rstrip(b"\n")
    read_pnm(data, "a", 99)
    for cut in range(2, len(data)):
        with pytest.raises(DataError):
            read_pnm(data[:cut], "a", 99)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"P5 2 1 255\n\1\2\3", "E_DAMAGED"),
        (b"P5 2 1 255\n\1\2P5 2 1 255\n\1\2", "E_FORMAT"),
        (b"P5 2 1 9\n\1\12", "E_DAMAGED"),
        (b"P2 2 1 9\n1 10", "E_DAMAGED"),
        (b"P2 2 1 9\n1 -1", "E_DAMAGED"),
        (b"P2 2 1 9\n1 " + b"9" * 400, "E_DAMAGED"),
        (b"P2 2 1 9\n1 2 3", "E_DAMAGED"),
        (b"P2 2 1 9\n", "E_DAMAGED"),
        (b"P1 2 1\n12", "E_DAMAGED"),
        (b"P5 0 1 255\n", "E_DAMAGED"),
        (b"P5 2 1 0\n\0\0", "E_DAMAGED"),
        (b"P5 2 1 65536\n" + bytes(4), "E_DAMAGED"),
        (b"P5 " + b"9" * 30 + b" 1 255\n", "E_DAMAGED"),
        (b"P5 99999999 99999999 255\n", "E_TOO_LARGE"),
        (b"P5#" + b"x" * 99999 + b"\n2 1 255\n\0\0", "E_DAMAGED"),
    ],
)
def test_what_contradicts_its_header_is_refused(data, code):
    with pytest.raises(DataError) as caught:
        read_pnm(data, "a.pgm", 50_000_000)
    assert (caught.value.code, caught.value.where) == (code, "a.pgm")
