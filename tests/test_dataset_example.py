"""Facts about records: protobuf's own bytes, and no input that raises anything but a DataError."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from converter.dataset.example import Record, decode_example, decode_record, encode_example, encode_record
from converter.errors import DataError
from converter.schema import BYTES_KEYS, INT64_KEYS

RECORD = Record(b"\xff\xd8jpeg", b"\x89PNG", "jpg/Straße 1.jpg", "png/1.png", (576, 720))


# {"a": 3, "bc": b"\x00"}, by hand from protobuf's encoding guide.
BY_HAND = bytes.fromhex("0a1a 0a0a 0a0161 1205 1a03 0a0103 0a0c 0a026263 1206 0a04 0a02 0041".replace(" ", ""))


def random_examples(count: int) -> list[dict[str, bytes | int]]:
    rng = np.random.default_rng(0)
    lengths = [0, 1, 127, 128, 16383, 16384]
    numbers = [0, 1, -1, 127, 128, 2**31, -(2**31), 2**63 - 1, -(2**63)]
    examples = []
    for _ in range(count):
        texts = {key: rng.bytes(int(rng.choice(lengths))) for key in BYTES_KEYS}
        edge = {key: int(rng.choice(np.array(numbers, np.int64))) for key in INT64_KEYS}
        any_number = {key: int(rng.integers(-(2**63), 2**63 - 1)) for key in INT64_KEYS}
        examples.append(texts | (edge if rng.random() < 0.5 else any_number))
    return examples


def nested(kind: int, values: bytes, key: bytes = b"\x0a\1a") -> bytes:
    """Returns an Example of one key, with these values in its list of bytes (1) or integers (3)."""

    def field(number: int, content: bytes) -> bytes:
        length, size = b"", len(content)
        while size > 127:
            length, size = length + bytes([size & 127 | 128]), size >> 7
        return bytes([number << 3 | 2]) + length + bytes([size]) + content

    return field(1, field(1, key + field(2, field(kind, values))))


def test_an_example_is_the_bytes_that_the_encoding_guide_demands():
    features = {"bc": b"\x00A", "a": 3}
    assert encode_example(features) == BY_HAND
    assert decode_example(BY_HAND, "r") == features


@pytest.mark.tf
def test_an_example_is_the_bytes_that_protobuf_itself_writes():
    import tensorflow as tf

    for features in random_examples(300):
        feature = {
            key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
            if isinstance(value, bytes)
            else tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
            for key, value in features.items()
        }
        example = tf.train.Example(features=tf.train.Features(feature=feature))
        assert encode_example(features) == example.SerializeToString(deterministic=True)


@pytest.mark.tf
def test_a_record_is_parsed_by_tensorflow():
    import tensorflow as tf

    spec = {key: tf.io.FixedLenFeature([], tf.string) for key in BYTES_KEYS}
    spec |= {key: tf.io.FixedLenFeature([], tf.int64) for key in INT64_KEYS}
    parsed = tf.io.parse_single_example(encode_record(RECORD), spec)
    assert {key: value.numpy() for key, value in parsed.items()} == {
        "image": b"\xff\xd8jpeg",
        "segmentation_mask": b"\x89PNG",
        "file_name": "jpg/Straße 1.jpg".encode(),
        "mask_name": b"png/1.png",
        "original_height": 576,
        "original_width": 720,
    }


def test_what_is_encoded_is_decoded():
    for features in random_examples(300):
        assert decode_example(encode_example(features), "r") == features
    assert decode_record(encode_record(RECORD), "r") == RECORD


def test_the_order_in_which_keys_are_given_does_not_show():
    features = {"b": 1, "a": b"x", "c": -2}
    assert encode_example(features) == encode_example(dict(reversed(features.items())))


def test_a_record_cut_at_any_byte_is_refused():
    data = encode_record(RECORD)
    for cut in range(len(data)):
        with pytest.raises(DataError):
            decode_record(data[:cut], "r")


def test_no_changed_byte_raises_anything_but_a_data_error():
    data = encode_record(RECORD)
    refused = 0
    for position in range(len(data)):
        for byte in (*range(0, 256, 5), *(data[position] ^ 1 << bit for bit in range(8))):
            changed = bytearray(data)
            changed[position] = byte
            try:
                decode_record(bytes(changed), "r")
            except DataError as error:
                assert error.code == "E_RECORD"
                refused += 1
    assert refused > 1000


def test_random_bytes_raise_nothing_but_a_data_error():
    rng = np.random.default_rng(0)
    for _ in range(5000):
        with pytest.raises(DataError):
            decode_record(rng.bytes(int(rng.integers(0, 60))), "r")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x0a\x05abc", "declares 5 bytes, but 3 are left"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "declares 9223372036854775807 bytes, but 0 are left"),
        (b"\x0a" + b"\xff" * 10, "a varint of more than ten bytes"),
        (b"\x0a\x80", "index out of bounds"),
        (b"\x0d\x00\x00\x00\x00", "wire type 5"),
        (b"\x0b", "wire type 3"),
        (b"\x0a\x05\x0a\x03\x0a\x01\xff", "decode"),  # a key that is not UTF-8
    ],
)
def test_forged_lengths_and_tags_are_refused(data, reason):
    with pytest.raises(DataError, match=reason) as caught:
        decode_example(data, "shard: record 3")
    assert str(caught.value).startswith("shard: record 3: is not a tf.train.Example")


@pytest.mark.parametrize("key", [*BYTES_KEYS, *INT64_KEYS])
def test_a_missing_key_or_one_of_the_wrong_type_is_refused_by_name(key):
    features = decode_example(encode_record(RECORD), "r")
    without = {name: value for name, value in features.items() if name != key}
    wrong = features | {key: 1 if isinstance(features[key], bytes) else b"1"}
    for forged in (without, wrong):
        with pytest.raises(DataError, match=f"under '{key}'"):
            decode_record(encode_example(forged), "r")


def test_an_empty_example_holds_nothing():
    assert decode_example(b"", "r") == {}


def test_numbers_are_read_packed_or_one_by_one_and_lists_are_left_out():
    one_by_one = bytes.fromhex("0a0b 0a09 0a0161 1204 1a02 0803".replace(" ", ""))
    two_values = bytes.fromhex("0a0d 0a0b 0a0161 1206 1a04 0a020304".replace(" ", ""))
    assert decode_example(one_by_one, "r") == {"a": 3}
    assert decode_example(two_values, "r") == {}


def test_of_several_keys_of_an_entry_the_last_one_counts_as_in_protobuf():
    assert decode_example(nested(3, b"\x08\x03", key=b"\x0a\1b\x0a\1a"), "r") == {"a": 3}


@pytest.mark.parametrize("values", ["080108020880", "0a01010a0202030a0180", "080108020b"])
def test_values_that_are_left_out_are_checked_all_the_same(values):
    with pytest.raises(DataError, match=r"is not a tf\.train\.Example"):
        decode_example(nested(3, bytes.fromhex(values)), "r")


@pytest.mark.parametrize(("kind", "value"), [(1, b"\x0a\0"), (3, b"\x08\1"), (2, b"")])
def test_what_is_left_out_is_not_kept_in_memory(kind, value):
    data = nested(kind, value * 50_000) if value else b"\x0a\0" * 50_000
    tracemalloc.start()
    assert decode_example(data, "r") == {}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000  # lists of them would take 4 MB


def test_names_that_are_not_utf8_are_read_with_a_mark_in_their_place():
    features = decode_example(encode_record(RECORD), "r") | {"file_name": b"caf\xe9.jpg"}
    assert decode_record(encode_example(features), "r").file_name == "caf\ufffd.jpg"


def test_damaged_pictures_in_a_whole_record_are_refused_when_they_are_decoded():
    record = decode_record(encode_record(RECORD), "r")
    with pytest.raises(DataError) as caught:
        _ = record.image
    assert caught.value.where == "jpg/Straße 1.jpg"
    with pytest.raises(DataError) as caught:
        _ = record.mask
    assert caught.value.where == "png/1.png"
