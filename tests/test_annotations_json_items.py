"""JSON items: one by one what json.loads reads at once, wherever the parts of the file end, in a bounded memory."""

from __future__ import annotations

import io
import itertools
import json
import tracemalloc

import pytest

from converter.annotations import json_items
from converter.annotations.json_items import JsonItem

TEXTS = [
    "{}", " { } ", '{"a": 1}', '{"a": [], "b": [1, {"c": [2]}, "]"], "d": {"e": [1]}, "a": [3]}',
    '{\n"a"\t:\r[ 1 , 2 ] , "b" : null }', '{"\\"a": ["\\u00e4"]}', '{"a": [12345, -1.5e7, true, NaN], "b": 12}',
    '\ufeff{"stra\u00dfe": ["\u00e4", "\U0001f6e3", 7], "b": "\u4e2d"}',
]  # fmt: skip


def items(text: str, part: int = json_items.PART_BYTES) -> list[JsonItem]:
    return list(json_items.json_items(io.BytesIO(text.encode()).read, part))


@pytest.mark.parametrize("part", [1, 2, 3, 7, 1 << 20])
@pytest.mark.parametrize("text", TEXTS)
def test_items_are_what_json_loads_reads_and_each_is_found_again_where_it_says(text, part):
    pairs = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=Pairs)
    each = [(key, item) for key, value in pairs for item in (value if type(value) is list else [value])]
    found = items(text, part)
    assert [(item.key, json.dumps(item.value)) for item in found] == [(key, json.dumps(plain(v))) for key, v in each]
    for item in found:
        again = json.loads(text.encode()[item.start : item.start + item.length])
        assert json.dumps(again) == json.dumps(item.value)


class Pairs(list):
    """The members of an object, of which several may have one name."""


def plain(value):
    if isinstance(value, Pairs):
        return {key: plain(each) for key, each in value}
    return [plain(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("part", [1, 1 << 20])
@pytest.mark.parametrize("text", [
    "", "{", '{"a"', '{"a":', '{"a": [', '{"a": [1', '{"a": [1,', '{"a": [1 2]}', '{"a": 1 "b": 2}', "{1: 2}",
    '{"a": [1,]}', '{"a": 1,}', '{} x', '{"a": 1}}', '{"a": [1]] }', "[]", '{"a": tru}', '{"a": "x}',
])  # fmt: skip
def test_what_json_loads_refuses_is_refused(text, part):
    if text != "[]":
        with pytest.raises(ValueError):
            json.loads(text)
    with pytest.raises(ValueError):
        items(text, part)


@pytest.mark.parametrize("text", ['{"a": "\xff"}', '{"a": "\xe4'])
def test_what_is_not_utf_8_is_refused(text):
    with pytest.raises(UnicodeDecodeError):
        list(json_items.json_items(io.BytesIO(text.encode("latin-1")).read))


@pytest.mark.parametrize(("text", "place"), [('{"a": [1, 2}', 11), ('{"\u00e4": [1, x]}', 11)])
def test_a_message_says_the_byte(text, place):
    assert text.encode()[place : place + 1] in b"}x"
    with pytest.raises(ValueError, match=f"at byte {place}$"):
        items(text)


def test_an_item_without_an_end_is_read_no_further_than_the_limit(monkeypatch):
    monkeypatch.setattr(json_items, "MAX_ITEM_BYTES", 1 << 16)
    sizes = []

    def endless(size):
        sizes.append(size)
        assert sum(sizes) < 1 << 19
        return b"0," * (size // 2)

    assert len(items('{"a": [' + "0," * (1 << 17) + "0]}")) == (1 << 17) + 1
    parts = itertools.chain([b'{"a": {"b": ['], iter(lambda: endless(1 << 10), None))
    with pytest.raises(ValueError, match="no end of what begins at byte 6 within 65,536 bytes"):
        list(json_items.json_items(lambda _: next(parts), 1 << 10))
    assert sum(sizes) < 1 << 18


def test_of_a_long_file_only_a_part_is_in_memory():
    """Sixty parts, made one after the other: what is in memory at a time are some of them."""
    row = json.dumps({"id": 1, "segmentation": [[0.25] * 100]}).encode() + b","
    part = row * (json_items.PART_BYTES // len(row))
    parts = itertools.chain([b'{"annotations": ['], itertools.repeat(part, 60), [b"0]}", b""])
    tracemalloc.start()
    count = sum(1 for _ in json_items.json_items(lambda _: next(parts)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 60 * part.count(b"id") + 1
    assert peak < 8 * json_items.PART_BYTES
