"""Parse: a manifest comes back as it was written, and every field of a forged one is refused."""

from __future__ import annotations

import dataclasses
import json
import os

import pytest
from manifests import MANIFEST, SHARD, forged, sealed

from converter.dataset.manifest import SplitInfo, text_of
from converter.dataset.parse import manifest_text, parse_manifest, read_manifest
from converter.errors import DataError, UsageError
from converter.limits import MAX_OPTION_DEPTH

# Optional fields, and their defaults for a manifest that was written before they existed.
OPTIONAL = {"layout": "", "class_map": "", "class_map_kind": "", "ignore_values": ()}

OPTIONAL_OF_SPLIT = {
    "padded_pixels": 0, "channels": None, "sizes": (), "other_sizes": 0,
    "turned": 0, "unturned": 0, "corrected_pixels": 0, "kept": 0,
}  # fmt: skip


def test_a_manifest_comes_back_as_it_was_written():
    assert parse_manifest(MANIFEST.to_json(), "m") == MANIFEST
    assert parse_manifest(MANIFEST.to_json(), "m").to_json() == MANIFEST.to_json()


def test_a_manifest_of_records_of_different_sizes_comes_back_and_has_no_common_size():
    mixed = dataclasses.replace(MANIFEST, size=None)
    assert json.loads(mixed.to_json())["size"] is None
    assert parse_manifest(mixed.to_json(), "m") == mixed
    assert MANIFEST.common_size("records") == (2, 3)
    with pytest.raises(
        UsageError,
        match=r"^records: records have no common size\. Build .* --size HEIGHTxWIDTH, or train .* --crop 256x256\.$",
    ):
        mixed.common_size("records")


def test_a_manifest_without_the_fields_that_no_reader_needs_is_read():
    raw = json.loads(MANIFEST.to_json())
    for field in OPTIONAL:
        del raw[field]
    for field in OPTIONAL_OF_SPLIT:
        del raw["splits"]["train"][field]
    split = dataclasses.replace(MANIFEST.splits["train"], **OPTIONAL_OF_SPLIT)
    assert parse_manifest(sealed(raw), "m") == dataclasses.replace(MANIFEST, splits={"train": split}, **OPTIONAL)


def test_a_manifest_is_read_from_its_folder(tmp_path):
    (tmp_path / "manifest.json").write_text(MANIFEST.to_json(), "utf-8")
    assert read_manifest(tmp_path) == MANIFEST


@pytest.mark.parametrize("text", ["", "{", "nonsense", "[]", "null", "3", '"text"', "{}", "[" * 100_000, "1" * 5000])
def test_what_is_no_manifest_is_refused(text):
    with pytest.raises(DataError, match="is not a manifest of segconv") as caught:
        parse_manifest(text, "records/manifest.json")
    assert caught.value.code == "E_MANIFEST"
    assert str(caught.value).startswith("records/manifest.json: ")
    assert "segconv build" in caught.value.fix


def test_deep_nesting_under_a_known_field_is_refused():
    text = MANIFEST.to_json().replace('"seed": 0', '"seed": ' + "[" * 100_000)
    with pytest.raises(DataError, match="is not a manifest"):
        parse_manifest(text, "m")


@pytest.mark.parametrize("field", sorted(json.loads(MANIFEST.to_json()).keys() - OPTIONAL.keys()))
def test_every_missing_field_is_refused(field):
    raw = json.loads(MANIFEST.to_json())
    del raw[field]
    with pytest.raises(DataError, match="seal" if field == "seal" else "is not a manifest"):
        parse_manifest(json.dumps(raw), "m")


@pytest.mark.parametrize(
    "field", sorted(json.loads(MANIFEST.to_json())["splits"]["train"].keys() - OPTIONAL_OF_SPLIT.keys())
)
def test_every_missing_field_of_a_split_is_refused(field):
    raw = json.loads(MANIFEST.to_json())
    del raw["splits"]["train"][field]
    with pytest.raises(DataError, match="is not a manifest"):
        parse_manifest(json.dumps(raw), "m")


@pytest.mark.parametrize(
    "name",
    ["../x", "a/b", "/etc/passwd", "..", ".", ".hidden", "", "a/", "nul\0", "lone\ud800", "two\nlines", "thesis.tex"],
)
def test_a_shard_name_that_is_not_one_of_ours_is_refused(name):
    with pytest.raises(DataError, match="is not that of a shard"):
        parse_manifest(forged("splits/train/shards/0/name", name), "m")


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("classes/0/id", 1, "class ids"),
        ("classes/1/id", 2, "class ids"),
        ("classes", [], "0 classes"),
        ("classes/0/color", [0, 0], "unpack"),
        ("classes/0/color", [0, 0, 256], "colour"),
        ("classes/0/color", [-1, 0, 0], "colour"),
        ("size", [0, 3], "size"),
        ("size", [3], "unpack"),
        ("size", [float("inf"), 3], "not an integer"),
        ("size", [float("nan"), 3], "not an integer"),
        ("splits", [], "AttributeError"),
        ("splits/train", None, "AttributeError"),
        ("splits/train/pixels", [1], "different number of classes"),
        ("splits/train/images", [1, 2, 3], "different number of classes"),
        ("splits/train/channels", {"mean": [0, 0, 0]}, "KeyError"),
        ("splits/train/channels", [1], "TypeError"),
        ("splits/train/channels/mean", [0, 0], "unpack"),
        ("splits/train/channels/mean", [0, 0, 255.5], "channel levels"),
        ("splits/train/channels/std", [0, -1, 0], "channel levels"),
        ("splits/train/channels/std", [0, float("nan"), 0], "channel levels"),
        ("splits/train/sizes", [[576, 720]], "unpack"),
        ("splits/train/sizes", [[0, 720, 1]], "below 1"),
        ("splits/train/sizes", [[576, 720, "many"]], "not an integer"),
        ("splits/train/sizes", 3, "TypeError"),
        ("splits/train/turned", None, "TypeError"),
        ("splits/train/kept", float("inf"), "not an integer"),
        ("ignore_values", 3, "TypeError"),
        ("splits/train/shards/0/records", -1, "negative"),
        ("splits/train/shards/0/bytes", -1, "negative"),
        ("splits/train/shards/0/bytes", "many", "not an integer"),
        ("splits/train/shards/0/records", 2.5, "'2.5' is not an integer"),
        ("splits/train/shards/0/records", True, "'True' is not an integer"),
        ("splits/train/channels/mean", [10**400, 0, 0], "OverflowError"),
        ("schema_version", "1", "not an integer"),
        ("schema_version", True, "not an integer"),
        ("schema_version", 0, "schema_version 0"),
        ("size", [2.5, 3], "'2.5' is not an integer"),
        ("errors_sha256", ["ab"], "errors_sha256 is not a string"),
        ("name", "two\nlines", "cannot be printed"),
        ("classes/0/name", "\x1b[2J", "cannot be printed"),
        ("layout", "lone\ud800", "UnicodeEncodeError"),
        ("options", {"lone\ud800": 0}, "UnicodeEncodeError"),
        ("options", 3, "AttributeError"),
        ("options", [[1, 2]], "AttributeError"),
        ("written_by", [["a", "b"]], "AttributeError"),
    ],
)
def test_fields_that_cannot_be_are_refused(path, value, reason):
    with pytest.raises(DataError, match=reason):
        parse_manifest(forged(path, value), "m")


def nested(depth: int) -> list:
    return [nested(depth - 1)] if depth else []


def test_options_that_are_nested_so_deep_that_they_could_not_be_written_are_refused():
    text = forged("options", {"deep": nested(MAX_OPTION_DEPTH - 1)})
    assert parse_manifest(text, "m").to_json()
    for depth in (MAX_OPTION_DEPTH, 300):
        with pytest.raises(DataError, match="nested more than 8 levels deep"):
            parse_manifest(forged("options", {"deep": nested(depth)}), "m")


@pytest.mark.parametrize("split", ["", "..", "a/../../b", "two\nlines", "x" * 65, "x" * 4_000_000])
def test_a_split_whose_name_is_no_part_of_a_file_name_is_refused(split):
    raw = json.loads(MANIFEST.to_json())
    train = raw["splits"]["train"]
    train["shards"][0]["name"] = f"town-{split}.tfrecord-00000-of-00002"
    with pytest.raises(DataError, match="ValueError: split '"):
        parse_manifest(sealed(raw | {"splits": {split: train}}), "m")


def test_a_shard_that_bears_the_name_of_another_split_is_refused():
    raw = json.loads(MANIFEST.to_json())
    with pytest.raises(DataError, match="is not that of a shard"):
        parse_manifest(sealed(raw | {"splits": {"rain": raw["splits"]["train"]}}), "m")


def test_more_classes_than_a_mask_can_hold_are_refused():
    raw = json.loads(MANIFEST.to_json())
    raw["classes"] = [{"id": i, "name": str(i), "color": [0, 0, 0], "values": []} for i in range(256)]
    with pytest.raises(DataError, match="256 classes"):
        parse_manifest(json.dumps(raw), "m")


def test_every_flipped_bit_of_a_manifest_is_found():
    split = SplitInfo((SHARD,), 40, (15,), (3,), 3)
    small = dataclasses.replace(MANIFEST, classes=MANIFEST.classes[:1], splits={"train": split}, ignore_values=())
    data = small.to_json().encode()
    for position in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[position // 8] ^= 1 << position % 8
        try:
            text = damaged.decode()
            parse_manifest(text, "m")
        except (UnicodeDecodeError, DataError, UsageError):
            continue
        assert text != text_of(json.loads(text))  # the same content in other bytes, which `verify` names


@pytest.mark.parametrize("edit", [
    lambda text: text.replace('"records": 3', '"records": 2'),
    lambda text: text.replace("Straße", "Strasse"),
    lambda text: text.replace('"seed": 0', '"seed": 0, "limit": 3'),
    lambda text: text.replace('"turned": 1', '"turned": 0'),
])  # fmt: skip
def test_an_edited_manifest_is_refused(edit):
    assert edit(MANIFEST.to_json()) != MANIFEST.to_json()
    what = r"^records/m: was changed after it was written: .*\. Restore it from a backup\."
    with pytest.raises(DataError, match=what):
        parse_manifest(edit(MANIFEST.to_json()), "records/m")


def test_a_key_that_stands_twice_is_refused():
    text = MANIFEST.to_json().replace('"seed": 0', '"seed": 0, "seed": 0')
    with pytest.raises(DataError, match="a key occurs twice"):
        parse_manifest(text, "m")


def test_a_shard_that_is_listed_twice_is_refused():
    with pytest.raises(DataError, match="a shard is listed twice"):
        parse_manifest(forged("splits/train/shards/1/name", SHARD.name), "m")


def test_a_manifest_that_is_endless_or_a_pipe_is_refused_at_once(tmp_path):
    path = tmp_path / "manifest.json"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(DataError, match="has more than 67108864 bytes"):
        manifest_text(tmp_path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(DataError, match="cannot be read"):
        manifest_text(tmp_path)


def test_a_newer_schema_is_the_readers_fault_not_the_datas():
    what = r"schema_version is 2, but this segconv reads up to 1\. Update segconv"
    with pytest.raises(UsageError, match=what) as caught:
        parse_manifest(forged("schema_version", 2), "m")
    assert caught.value.code == "E_SCHEMA_VERSION"


@pytest.mark.parametrize("name", [".", "missing", "file.txt"])
def test_a_folder_without_a_manifest_is_no_dataset(tmp_path, name):
    (tmp_path / "file.txt").write_text("")
    with pytest.raises(UsageError, match=r"holds no manifest\.json") as caught:
        read_manifest(tmp_path / name)
    assert caught.value.code == "E_NO_DATASET"


def test_a_manifest_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "manifest.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read"):
        read_manifest(tmp_path)


def test_a_manifest_that_is_a_folder_is_refused(tmp_path):
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(DataError, match="cannot be read"):
        read_manifest(tmp_path)
