"""Facts about the options of a build: sizes are height first, and invalid values are refused at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from converter.config import (
    BuildConfig,
    PairConfig,
    SourceConfig,
    TileConfig,
    levels_text,
    parse_bands,
    parse_levels,
    parse_size,
    samples_text,
    source_options,
)
from converter.errors import UsageError
from converter.pixels.bands import Samples


@pytest.mark.parametrize(
    ("text", "size"),
    [("512", (512, 512)), ("360x480", (360, 480)), ("360X480", (360, 480)), (" 7x1 ", (7, 1)), ("16384", (16384,) * 2)],
)
def test_a_size_is_one_number_or_height_by_width(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "x", "512x", "x512", "-1", "+5", "1.5", "512x512x3", "512*512", "5 x 5", "1e3", "123456", "５x"]
)
def test_what_is_no_size_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match="360x480") as caught:
        parse_size(text)
    assert caught.value.where == "--size"


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (16385, 1), (1, 16385), (-1, 5)])
def test_a_size_out_of_range_is_refused(size):
    with pytest.raises(UsageError, match=r"not within 1\.\.16384"):
        PairConfig(size=size)


@pytest.mark.parametrize("size", [(1, 1), (1, 16384), (16384, 3000)])
def test_the_ends_of_the_range_are_taken(size):
    assert PairConfig(size=size).size == size


def test_a_size_that_no_reader_would_open_is_refused():
    with pytest.raises(UsageError, match="has more than 50000000 pixels"):
        PairConfig(size=(16384, 16384))


def test_a_name_too_long_for_a_file_is_refused():
    with pytest.raises(UsageError, match="has 300 characters, but the maximum is 150"):
        BuildConfig(SourceConfig(Path("dataset")), name="n" * 300)


@pytest.mark.parametrize("fit", ["zoom", "", "PAD"])
def test_an_unknown_fit_is_refused_with_the_known_ones(fit):
    with pytest.raises(UsageError, match="pad, stretch"):
        PairConfig(fit=fit)


@pytest.mark.parametrize("text", ["jpeg:0", "jpeg:101", "jpeg:-5", "jpeg", "jpeg:", "PNG", "webp", "jpeg:95.5", ""])
def test_an_image_format_that_is_none_is_refused_with_the_known_ones(text):
    with pytest.raises(UsageError, match=r"jpeg:95 .* png or keep"):
        PairConfig(image_format=text)


def test_a_jpeg_that_must_be_written_has_the_quality_of_the_format_or_else_the_default():
    assert [PairConfig(image_format=text).jpeg_quality for text in ("jpeg:1", "jpeg:80", "keep")] == [1, 80, 95]


@pytest.mark.parametrize("tolerance", [-1, 128])
def test_a_tolerance_out_of_range_is_refused(tolerance):
    with pytest.raises(UsageError, match=r"not within 0\.\.127"):
        PairConfig(tolerance=tolerance)


@pytest.mark.parametrize("templates", [{"image": "a/{stem}.jpg"}, {"mask": "b/{stem}.png"}])
def test_one_template_without_the_other_is_refused(templates):
    with pytest.raises(UsageError, match="is given without"):
        SourceConfig(Path("dataset"), **templates)


@pytest.mark.parametrize(
    ("src", "name", "expected"),
    [
        ("town", None, "town"),
        ("data/my town-2.1/", None, "my_town_2_1"),
        ("town", "Other", "Other"),
        ("town", "../up", "up"),
        ("town", "Straße", "Stra_e"),
        ("日本", None, "dataset"),
        ("/", None, "dataset"),
    ],
)
def test_a_dataset_name_is_letters_digits_and_underscores(src, name, expected):
    assert BuildConfig(SourceConfig(Path(src)), name=name).dataset_name == expected


def test_a_dataset_takes_its_name_from_the_folder_a_dot_stands_for(tmp_path, monkeypatch):
    (tmp_path / "town").mkdir()
    monkeypatch.chdir(tmp_path / "town")
    assert BuildConfig(SourceConfig(Path())).dataset_name == "town"


def test_zero_workers_is_one_for_each_processor_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5})
    assert BuildConfig(SourceConfig(Path())).num_workers == 3
    assert BuildConfig(SourceConfig(Path()), workers=2).num_workers == 2


def test_the_options_that_name_a_dataset_are_ready_to_paste():
    assert source_options(SourceConfig(Path("data"))) == "--src data"
    source = SourceConfig(
        Path("my data"), image="it's/{stem}.jpg", mask="m/{stem}.png", follow_links=True, max_pixels=9
    )
    assert source_options(source, 3) == (
        "--src 'my data' --image 'it'\"'\"'s/{stem}.jpg' --mask 'm/{stem}.png' --follow-links --tolerance 3"
    )
    assert source_options(source.as_listed()) == "--src 'my data' --follow-links"
    source = SourceConfig(Path("data"), layout="voc", classes="preset:voc")
    assert source_options(source) == "--src data --layout voc --classes preset:voc"
    assert source_options(source.without_classes()) == "--src data --layout voc"


@pytest.mark.parametrize("text", ["", "0", "3,2,", "a,b,c", "-1", "3, 2, 1", "1,2", "1,2,3,4", "99999"])
def test_bands_are_one_or_three_numbers_from_1(text):
    with pytest.raises(UsageError, match="--bands"):
        SourceConfig(Path("d"), bands=parse_bands(text))


@pytest.mark.parametrize(
    "text",
    [
        "", "5", "5:5", "9:3", "a:b", "nan:1", "0:inf", "0:1:2", "0:1,0:2", "0:1,0:1,0:1,0:1", "0:" + "9" * 999,
        "percentile", "percentile:", "percentile:2", "percentile:98:2", "percentile:-1:50", "percentile:0:101",
        "percentile:0:1,0:1,0:1", "-1e308:1e308",
    ],
)  # fmt: skip
def test_a_range_that_is_none_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match="--range") as caught:
        assert SourceConfig(Path("d"), range=text).percentiles is None
    assert "0:10000" in caught.value.fix


def test_a_range_is_levels_or_percentiles():
    assert SourceConfig(Path("d"), range="-5:1e4").samples == Samples((), ((-5, 10000),))
    assert SourceConfig(Path("d"), range="0:1,0:2,0.5:3", bands=(3, 2, 1)).samples == Samples(
        (3, 2, 1), ((0, 1), (0, 2), (0.5, 3))
    )
    assert SourceConfig(Path("d"), range="percentile:2:98.5").percentiles == (2, 98.5)
    assert SourceConfig(Path("d"), range="0:9").percentiles is None
    assert SourceConfig(Path("d")).samples == Samples()


def test_levels_are_written_so_that_they_are_read_back_exactly():
    levels = ((0.1, 1 / 3), (-5.0, 65535.0), (1e-30, 3e30))
    assert levels_text(levels[1:2]) == "-5:65535"
    assert parse_levels(levels_text(levels)) == levels


def test_the_text_of_samples_is_what_was_asked_for():
    assert samples_text(SourceConfig(Path("d"))) == ""
    source = SourceConfig(Path("d"), bands=(3, 2, 1), range="percentile:2:98")
    assert samples_text(source) == "bands 3,2,1, range percentile:2:98"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fit": "tile", "size": None}, "--keep-size: and --fit tile contradict each other"),
        ({"fit": "tile", "size": (64, 64)}, "--overlap: 64 is not below the side of a tile, 64"),
        ({"tile": TileConfig()}, "--fit: cuts no tiles"),
    ],
)
def test_options_of_tiles_that_contradict_others_are_refused(options, said):
    with pytest.raises(UsageError, match=said):
        PairConfig(**options)


@pytest.mark.parametrize("option", [{"overlap": -1}, {"edge": "cut"}, {"scale": 0}, {"scale": 9}, {"max_ignored": 1.1}])
def test_values_of_tiles_that_cannot_be_are_refused(option):
    with pytest.raises(UsageError, match=f"--{next(iter(option)).replace('_', '-')}: "):
        TileConfig(**option)
