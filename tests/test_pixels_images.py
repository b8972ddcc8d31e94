"""Images: every format decodes to upright RGB, and which bytes are stored."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from photo_files import ORIENTATION, as_stored, noise, refusal, rendered, smooth
from picture_bytes import png, saved
from PIL import Image

from converter.errors import DataError
from converter.pixels.images import decode_image, encode_image, encode_jpeg, open_image, render, unmodified_bytes
from converter.pixels.png import check_png
from converter.pixels.signatures import PNG_SIGNATURE


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_the_orientation_that_a_camera_notes_is_undone(kind):
    upright = np.kron(np.arange(6, dtype=np.uint8).reshape(2, 3) * 50, np.ones((8, 8), np.uint8))
    upright = np.repeat(upright[..., None], 3, axis=2)
    stored = as_stored(upright)
    for orientation, pixels in stored.items():
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        data = saved(np.ascontiguousarray(pixels), kind, exif=exif, **({"quality": 100} if kind == "JPEG" else {}))
        photo = open_image(data, "a.jpg")
        assert photo.size == (16, 24)
        assert photo.raw_size == pixels.shape[:2]
        turned = np.asarray(render(photo, (16, 24), "pad")).astype(int)
        assert np.abs(turned - upright).max() <= (0 if kind == "PNG" else 2), orientation


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_none(value):
    exif = Image.Exif()
    exif[ORIENTATION] = value
    assert open_image(saved(noise(3, 5, 3), exif=exif), "a.jpg").orientation == 1


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0nonsense", b"Exif\0\0MM"])
def test_damaged_exif_is_no_reason_to_lose_the_pixels(exif):
    assert open_image(saved(noise(3, 5, 3), "JPEG", exif=exif), "a.jpg").orientation == 1


def test_grey_becomes_three_equal_channels():
    grey = noise(3, 5)
    assert np.array_equal(rendered(saved(grey), (3, 5)), np.repeat(grey[..., None], 3, axis=2))


def test_black_and_white_becomes_0_and_255():
    bits = Image.fromarray(noise(3, 5) > 127)
    assert bits.mode == "1"
    assert np.array_equal(rendered(saved(bits), (3, 5))[..., 0], np.asarray(bits) * 255)


def test_a_palette_becomes_its_colours():
    picture = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), "P")
    picture.putpalette([1, 2, 3, 40, 50, 60, 255, 0, 9])
    expected = [[[1, 2, 3], [40, 50, 60]], [[255, 0, 9], [40, 50, 60]]]
    assert rendered(saved(picture), (2, 2)).tolist() == expected


def test_a_transparent_palette_becomes_its_colours_without_a_warning():
    picture = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    picture.putpalette([1, 2, 3, 40, 50, 60])
    assert rendered(saved(picture, transparency=bytes([0, 128])), (1, 2)).tolist() == [[[1, 2, 3], [40, 50, 60]]]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_an_alpha_channel_is_dropped_and_never_composited(mode):
    pixels = noise(3, 5, 4 if mode == "RGBA" else 2)
    picture = Image.frombytes(mode, (5, 3), pixels.tobytes())
    color = pixels[..., :-1]
    assert np.array_equal(rendered(saved(picture), (3, 5)), np.broadcast_to(color, (3, 5, 3)))


def test_a_cmyk_jpeg_becomes_rgb():
    data = saved(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG")  # no cyan: red
    assert np.abs(rendered(data, (16, 16)).astype(int) - (255, 0, 0)).max() <= 3


@pytest.mark.parametrize(("color_type", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_16_bits_a_channel_are_refused(color_type, channels):
    assert refusal(png((2, 2), 16, color_type, bytes(2 * (1 + 4 * channels)))) == "E_IMAGE_MODE"


def test_a_progressive_jpeg_has_the_pixels_of_the_same_coefficients_in_one_scan():
    plain = rendered(saved(smooth(33, 47), "JPEG", quality=90), (33, 47))
    assert np.array_equal(rendered(saved(smooth(33, 47), "JPEG", quality=90, progressive=True), (33, 47)), plain)


def test_inks_are_taken_from_white_where_adobe_says_that_they_are_inverted_and_refused_where_nobody_says():
    inks = noise(8, 8, 4) // 4 * 4
    inks = np.kron(inks, np.ones((8, 8, 1), np.uint8))
    data = saved(Image.frombytes("CMYK", (64, 64), inks.tobytes()), "JPEG", quality=100, subsampling=0)
    assert b"Adobe" in data  # and so Pillow writes 255 - ink
    rest = 255 - inks.astype(int)
    expected = rest[..., :3] * rest[..., 3:] / 255
    assert np.abs(rendered(data, (64, 64)) - expected).max() <= 4
    start = data.index(b"\xff\xee")
    with pytest.raises(DataError, match="without an Adobe marker") as caught:
        open_image(data[:start] + data[start + 16 :], "a.jpg")
    assert caught.value.code == "E_IMAGE_MODE"


def test_ycck_is_turned_into_inks_first():
    samples = np.kron(noise(8, 8, 4), np.ones((8, 8, 1), np.uint8))
    data = saved(Image.frombytes("CMYK", (64, 64), samples.tobytes()), "JPEG", quality=100, subsampling=0)
    marker = data.index(b"Adobe")
    assert data[marker + 11] == 0
    data = data[: marker + 11] + b"\2" + data[marker + 12 :]  # transform 2: the first three samples are Y, Cb, Cr
    y, cb, cr, black = np.moveaxis(255.0 - samples, 2, 0)  # as Pillow wrote them
    cb, cr = cb - 128, cr - 128
    rgb = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], axis=-1).clip(0, 255)
    # YCCK codes the inverse of the inks; Adobe inverts all of it once more (Adobe TN 5116; IJG's libjpeg.txt).
    expected = (255 - rgb) * black[..., None] / 255
    assert np.abs(rendered(data, (64, 64)) - expected).max() <= 6


def test_padding_is_0_and_the_picture_keeps_its_pixels():
    pixels = noise(4, 6, 3)
    expected = np.zeros((6, 6, 3), np.uint8)
    expected[1:5] = pixels
    assert np.array_equal(rendered(saved(pixels), (6, 6), "pad"), expected)


def test_padding_goes_by_the_upright_shape():
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    pixels = noise(4, 6, 3)  # upright 6 high, 4 wide
    expected = np.zeros((6, 6, 3), np.uint8)
    expected[:, 1:5] = np.rot90(pixels, -1)
    assert np.array_equal(rendered(saved(pixels, exif=exif), (6, 6), "pad"), expected)


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_photo_keeps_its_size_when_it_is_decoded_at_a_reduced_one_and_is_rendered_alike_again(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    photo = open_image(saved(smooth(123, 201), "JPEG", exif=exif, quality=95), "a.jpg")
    size = photo.size
    first = np.asarray(render(photo, (30, 30), "pad"))
    assert photo.picture.size == (51, 31)  # a quarter
    assert (photo.size, photo.raw_size) == (size, (123, 201))
    np.testing.assert_array_equal(render(photo, (30, 30), "pad"), first)
    larger = np.asarray(render(photo, size, "stretch")).astype(int)
    assert larger.shape[:2] == size
    assert np.abs(larger - np.asarray(render(open_image(photo.data, "a.jpg"), size, "stretch"))).mean() < 4


@pytest.mark.parametrize("size", [(125, 187), (250, 375), (360, 512), (512, 512), (700, 900)])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_decoding_a_large_jpeg_at_reduced_scale_neither_shifts_nor_changes_it(size, subsampling):
    data = saved(smooth(1001, 1503), "JPEG", quality=95, subsampling=subsampling)
    whole = Image.open(io.BytesIO(data)).convert("RGB").resize((size[1], size[0]), Image.Resampling.BILINEAR)
    reference = np.asarray(whole).astype(int)
    ours = rendered(data, size).astype(int)
    assert np.abs(ours - reference).mean() < 1.0
    # The mean slope against the mean difference is a shift in pixels, to first order.
    for axis in (0, 1):
        slope = np.gradient(reference.astype(float), axis=axis)
        shift = ((ours - reference) * slope).sum() / (slope**2).sum()
        assert abs(shift) < 0.05


def markers(data: bytes) -> list[tuple[int, bytes]]:
    """Returns (marker, content) of a JPEG file up to its scan (ITU T.81, annex B)."""
    assert data[:2] == b"\xff\xd8"
    assert data[-2:] == b"\xff\xd9"
    found, position = [], 2
    while not found or found[-1][0] != 0xDA:
        assert data[position] == 0xFF
        (length,) = struct.unpack_from(">H", data, position + 2)
        found.append((data[position + 1], data[position + 4 : position + 2 + length]))
        position += 2 + length
    return found


def test_a_stored_photograph_is_baseline_420_without_metadata():
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010F] = "A camera"
    options = {"exif": exif, "icc_profile": b"profile", "comment": b"secret", "dpi": (300, 300)}
    source = saved(noise(32, 48, 3), "JPEG", **options)
    data = encode_jpeg(render(open_image(source, "a.jpg"), (48, 32), "pad"), 95)
    found = markers(data)
    # APP0, quantization tables, baseline frame, Huffman tables, scan
    assert {marker for marker, _ in found} == {0xE0, 0xDB, 0xC0, 0xC4, 0xDA}
    frame = dict(found)[0xC0]
    assert frame[0] == 8
    assert struct.unpack(">HH", frame[1:5]) == (48, 32)
    assert frame[5] == 3
    assert [frame[7], frame[10], frame[13]] == [0x22, 0x11, 0x11]  # sampling factors: 4:2:0
    for secret in (b"secret", b"camera", b"profile", b"Exif"):
        assert secret in source
        assert secret not in data


def test_metadata_of_a_png_is_not_stored_either():
    source = saved(noise(16, 16, 3), icc_profile=b"profile", dpi=(300, 300))
    data = encode_jpeg(render(open_image(source, "a.png"), (16, 16), "pad"), 95)
    assert {marker for marker, _ in markers(data)} == {0xE0, 0xDB, 0xC0, 0xC4, 0xDA}
    assert dict(markers(data))[0xE0] == dict(markers(saved(noise(16, 16, 3), "JPEG")))[0xE0]


def test_the_quality_is_what_was_asked_for():
    picture = Image.fromarray(noise(16, 16, 3))
    expected = saved(picture, "JPEG", quality=70, subsampling="4:2:0")
    assert encode_jpeg(picture, 70) == expected


def test_a_stored_photograph_decodes_to_the_same_pixels_as_with_pillow():
    data = encode_jpeg(Image.fromarray(smooth(33, 47)), 95)
    pixels = decode_image(data, "a.jpg")
    assert (pixels.dtype, pixels.shape) == (np.uint8, (33, 47, 3))
    assert np.array_equal(pixels, np.asarray(Image.open(io.BytesIO(data))))


def test_a_stored_photograph_that_is_cut_is_refused():
    data = encode_jpeg(Image.fromarray(smooth(33, 47)), 95)
    with pytest.raises(DataError) as caught:
        decode_image(data[:-20], "a.jpg")
    assert caught.value.code == "E_DAMAGED"


def kept(data: bytes) -> bytes | None:
    return unmodified_bytes(open_image(data, "a.jpg"))


@pytest.mark.parametrize("options", [
    {}, {"progressive": True}, {"subsampling": 0}, {"subsampling": 1}, {"restart_marker_rows": 1}, {"optimize": True},
])  # fmt: skip
def test_a_jpeg_is_kept_with_its_very_pixels_and_without_its_metadata(options):
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    plain = saved(smooth(33, 47), "JPEG", quality=88, **options)
    data = saved(smooth(33, 47), "JPEG", quality=88, exif=exif, icc_profile=b"profile", comment=b"secret", **options)
    assert kept(data) == kept(plain) == plain
    assert np.array_equal(decode_image(plain, "a.jpg"), np.asarray(Image.open(io.BytesIO(data))))
    assert kept(data + b"\xff\xd8 a second picture \xff\xd9") == plain


def test_a_jpeg_without_jfif_header_is_kept_where_every_reader_takes_it_for_ycbcr():
    data = saved(smooth(33, 47), "JPEG")
    assert data[2:4] == b"\xff\xe0"
    bare = data[:2] + data[20:]
    assert kept(bare) == bare
    adobe = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0"
    assert kept(bare[:2] + adobe + b"\1" + bare[2:]) == bare[:2] + adobe + b"\1" + bare[2:]
    assert kept(bare[:2] + adobe + b"\0" + bare[2:]) is None  # these samples are RGB


def test_the_thumbnail_of_a_jfif_header_is_not_kept():
    data = saved(smooth(33, 47), "JPEG")
    header = b"\xff\xe0" + struct.pack(">H", 16 + 12) + data[6:18] + b"\2\2" + b"secret thumb"
    assert kept(data[:2] + header + data[20:]) == data


@pytest.mark.parametrize(
    "data",
    [
        saved(noise(9, 9), "JPEG"),
        saved(Image.new("CMYK", (9, 9)), "JPEG"),
        saved(noise(9, 9)),
        saved(noise(9, 9, 3), "BMP"),
        saved(noise(9, 9, 3), "TIFF"),
        saved(noise(9, 9, 3), transparency=(1, 2, 3)),
        saved(Image.new("RGBA", (9, 9))),
    ],
    ids=["grey", "cmyk", "grey-png", "bmp", "tiff", "transparent", "rgba"],
)
def test_what_not_every_reader_takes_for_the_same_rgb_is_not_kept(data):
    assert kept(data) is None


def test_a_photograph_that_is_to_be_turned_is_not_kept():
    exif = Image.Exif()
    exif[ORIENTATION] = 3
    assert kept(saved(noise(9, 9, 3), "JPEG", exif=exif)) is None


def test_a_png_is_kept_with_its_pixels_and_without_its_metadata():
    plain = saved(noise(9, 11, 3))
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    assert kept(saved(noise(9, 11, 3), exif=exif, icc_profile=b"profile", dpi=(300, 300))) == plain
    assert kept(plain + b"left over") == plain
    assert np.array_equal(decode_image(plain, "a.png"), noise(9, 11, 3))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_damaged_photograph_is_not_kept_but_refused(kind):
    data = saved(noise(33, 47, 3), kind)
    with pytest.raises(DataError):
        kept(data[:-30])


def test_a_photograph_can_be_stored_as_png_with_its_very_pixels_and_nothing_else():
    source = saved(noise(9, 11, 3), icc_profile=b"profile", dpi=(300, 300))
    data = encode_image(render(open_image(source, "a.png"), (9, 11), "pad"), "png", 95)
    assert check_png(data, "a.png") == (8, 2)
    assert np.array_equal(decode_image(data, "a.png"), noise(9, 11, 3))
    assert {data[at + 4 : at + 8] for at in chunk_places(data)} == {b"IHDR", b"IDAT", b"IEND"}
    picture = Image.fromarray(noise(9, 11, 3))
    assert encode_image(picture, "jpeg:70", 70) == encode_jpeg(picture, 70)


def chunk_places(data: bytes) -> list[int]:
    places = [len(PNG_SIGNATURE)]
    while data[places[-1] + 4 : places[-1] + 8] != b"IEND":
        places.append(places[-1] + 12 + struct.unpack_from(">I", data, places[-1])[0])
    return places
