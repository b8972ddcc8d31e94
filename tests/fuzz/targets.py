"""Targets: bytes that nobody has checked -> one parser, held to what it promises.

A parser may take the bytes or refuse them with a SegconvError of one line; whatever else it raises is a finding. What
it takes must keep the promises that are cheap to hold: it comes back the same after it was written and read again, a
list names only files that there are, stored photographs have the pixels of their sources. Pictures are small, and so
are the limits that they are read with, so that a second holds thousands of executions.
"""

from __future__ import annotations

import atexit
import functools
import io
import json
import shutil
import struct
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from picture_bytes import png as written_by_hand

from converter.building.lease import is_dead, parse_lease
from converter.building.object_store import parse_journal
from converter.classes.class_map import ClassMap
from converter.classes.find import read_class_file
from converter.classes.mapper import MaskMapper
from converter.classes.native import parse_class_map, read_class_map, to_csv
from converter.classes.places import by_place
from converter.cli import segconv
from converter.cli.defaults import read_defaults
from converter.config import SourceConfig
from converter.dataset.example import Record, decode_example, decode_record, encode_example, encode_record
from converter.dataset.manifest import SEAL, seal_of
from converter.dataset.parse import parse_manifest, read_manifest
from converter.dataset.reader import read_index, read_record
from converter.dataset.tfrecord import ShardWriter, index_name, masked_crc, read_shard
from converter.errors import DataError, SegconvError, UsageError
from converter.limits import MAX_CLASSES, MAX_SIDE
from converter.pixels.bands import Samples
from converter.pixels.images import open_image, render, unmodified_bytes
from converter.pixels.masks import MaskValue, ValueCounter, open_mask
from converter.pixels.png import check_png
from converter.pixels.signatures import PNG_SIGNATURE
from converter.schema import IGNORE_INDEX, MANIFEST
from converter.sources.layouts.affixes import Group, infer, kinds_of_masks, within_folder
from converter.sources.layouts.labelme_json import compare_names
from converter.sources.lists.json_lists import read_json_lists
from converter.sources.lists.resolve import PathRule, resolve
from converter.sources.lists.tables import readings
from converter.sources.lists.text import SplitList, read_split_list
from converter.sources.mirror import read_notes
from converter.sources.names import Names
from converter.sources.others import KINDS, kind_of
from converter.sources.rasters import is_raster
from converter.sources.refs import ExampleRef
from converter.sources.sizes import photo_size
from converter.sources.tree import Tree
from fuzz import run_targets
from fuzz.annotation_targets import ANNOTATIONS
from trainer.prediction.inputs import Photograph
from trainer.run.info import parse_run

MAX_PIXELS = 256
TOLERANCE = 12

FILES = ("jpg/a.jpg", "jpg/B.JPG", "jpg/ä b.jpg", "jpg/sub/c.jpg", "png/a.png", "png/B.png", "png/ä b.png", "png/c.png")
MASK_OF = {"jpg/a.jpg": "png/a.png", "jpg/B.JPG": "png/B.png", "jpg/ä b.jpg": None, "jpg/sub/c.jpg": "png/c.png"}
OUTSIDE = ("jpg/link.jpg", "away")
# (bit depth, colour type, samples of a pixel); and the seven passes: first row, step, first column, step.
PNG_KINDS = ((8, 0, 1), (1, 0, 1), (2, 0, 1), (4, 0, 1), (16, 0, 1), (8, 2, 3), (8, 4, 2), (8, 6, 4))
ADAM7 = ((0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1))
CLASSES = ClassMap(("a", "b"), {0: 0, 7: 1}, {(1, 2, 3): 0, (200, 0, 0): 1}, {3: 1}, default=IGNORE_INDEX)


def check(target: Callable[[bytes], None], data: bytes) -> SegconvError | None:
    """Runs a target; returns the error that the bytes were refused with, None where they were taken.

    Raises:
      Exception: anything else is a finding.
    """
    try:
        target(data)
    except SegconvError as error:
        line = str(error)
        assert line.isprintable(), f"the message is not one line: {line!r}"
        assert line.encode(), "the message cannot be printed"
        return error
    return None


@functools.cache
def scratch() -> Path:
    """Returns a folder for files that are read by their path; in memory where the system has such a place."""
    memory = Path("/dev/shm")  # noqa: S108
    folder = Path(tempfile.mkdtemp(prefix="segconv-fuzz-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def written(name: str, data: bytes) -> Path:
    path = scratch() / name
    path.write_bytes(data)
    return path


# ---- text


@functools.cache
def rules(num_fields: int) -> tuple[PathRule, ...]:
    names = Names((name, name) for name in (FILES if num_fields == 2 else MASK_OF))
    bases = ("jpg", "png")[:num_fields]
    empty = ("",) * num_fields
    return (
        PathRule("below their folders", names, bases),
        PathRule("below the source folder", names, empty),
        PathRule("climbing", names, ("lists",) * num_fields, climbs=True),
        PathRule("with two folders too many", names, empty, drop=2),
    )


def split_list(data: bytes) -> None:
    listed = read_split_list("train", written("train.txt", data), "train.txt")
    listed.names_image_files()
    _resolves(listed, data)


def table(data: bytes) -> None:
    """Reads a list with more columns than it needs, named after a split or not; refused is what is no table."""
    path = written("table.csv", data)
    found = []
    for split in ("train", ""):
        listed = read_split_list(split, path, "table.csv")
        for reading in readings(listed):
            found.append(reading)
            lines = [line.number for own in reading.values() for line in own.lines]
            assert len(lines) == len(set(lines)) and len(lines) >= len(listed.lines) - 1, "a line was lost"
            assert all(len(line.fields) in (0, own.num_fields) for own in reading.values() for line in own.lines)
            for own in reading.values():
                _resolves(own, data)
    if not found:
        raise UsageError("table.csv", "is no table", "Write one.")


def json_list(data: bytes) -> None:
    """Reads a JSON file that may list the pairs of each split; refused is what lists none."""
    found = read_json_lists(written("dataset.json", data), "dataset.json")
    for split, listed in found.items():
        assert split == listed.split
        assert all(1 <= line.number <= data.count(b"\n") + 1 for line in listed.lines), "a line that is not there"
        _resolves(listed, data)
    if not found:
        raise UsageError("dataset.json", "lists nothing", "Write one.")


def _resolves(listed: SplitList, data: bytes) -> None:
    # The first rule of equals wins: each is the first for some lists, or the later ones would hardly be used.
    done = resolve(listed, rules(listed.num_fields)[len(data) % 4 :], OUTSIDE)
    refs = done.refs(MASK_OF if listed.num_fields == 1 else None)
    assert len(refs) + len(done.rejects) + done.has_header == len(listed.lines), "a line was lost"
    assert {name for ref in refs for name in (ref.image, ref.mask)} <= {*FILES}, "a pair of no file"
    assert len({ref.image for ref in refs}) == len(refs), "a photograph twice"
    assert all(str(reject).isprintable() for reject in done.rejects[:8]), "a message of several lines"
    assert done.evidence().isprintable()


def class_map(data: bytes) -> None:
    classes = read_class_map(written("classes.csv", data))
    _comes_back(classes)


def class_file(data: bytes) -> None:
    found = read_class_file(written("classes.txt", data))
    _comes_back(found.classes)
    places = dict(found.places)
    assert len(places) == len(found.places), "a number of two lines"
    assert all(index == IGNORE_INDEX or index < found.classes.num_classes for index in places.values())
    values = {MaskValue("L", 8, number % 256, (number % 256,) * 3) for number in range(len(data) % 9)}
    taken, _ = by_place(found.classes, places, values) if places else (None, "")
    assert taken is None or taken.names == found.classes.names, "another class map"


def _comes_back(classes: ClassMap) -> None:
    again = parse_class_map(to_csv(classes), "again")
    assert again == classes, f"{classes} comes back as {again}"
    assert len(classes.colors()) == classes.num_classes


def manifest(data: bytes) -> None:
    """Reads the bytes as they are and with their seal set right, behind which a mutation would not get."""
    check(_manifest, data)
    _manifest(sealed_manifest(data))


def sealed_manifest(data: bytes) -> bytes:
    """Returns a manifest with the right seal, where the bytes are JSON at all."""
    try:
        raw = json.loads(data)
        return json.dumps(raw | {SEAL: seal_of(raw)}).encode()
    except (ValueError, TypeError, AttributeError, RecursionError):
        return data


def _manifest(data: bytes) -> None:
    written(MANIFEST, data)
    found = read_manifest(scratch())
    text = found.to_json()
    again = parse_manifest(text.encode().decode(), "again").to_json()
    assert again == text, "comes back as another"  # as text, since NaN differs from itself
    assert all("/" not in name and "\0" not in name for name in found.files()), "a shard outside the folder"


# ---- records


def example(data: bytes) -> None:
    features = decode_example(data, "record 0")
    again = encode_example(features)
    assert decode_example(again, "again") == features, f"{features} comes back as another"
    record = decode_record(data, "record 0")
    assert decode_record(encode_record(record), "again") == record, f"{record} comes back as another"


def shard(data: bytes) -> None:
    """Reads the bytes as they are and with their checksums set right, behind which a mutation would not get."""
    check(_records, data)
    _records(sealed_shard(data))


def _records(data: bytes) -> None:
    buffer = io.BytesIO()
    writer = ShardWriter(buffer)
    written("town.tfrecord", data)
    for record in read_shard(scratch(), "town.tfrecord"):
        writer.write(record)
    assert buffer.getvalue() == data, "comes back as another"


def sealed_shard(data: bytes) -> bytes:
    """Returns a shard with the right checksums, as far as its lengths lead."""
    sealed, position = bytearray(data), 0
    while position + 16 <= len(sealed):
        (length,) = struct.unpack_from("<Q", sealed, position)
        struct.pack_into("<I", sealed, position + 8, masked_crc(bytes(sealed[position : position + 8])))
        end = position + 12 + length
        if end + 4 > len(sealed):
            break
        struct.pack_into("<I", sealed, end, masked_crc(bytes(sealed[position + 12 : end])))
        position = end + 4
    return bytes(sealed)


@functools.cache
def one_record() -> bytes:
    buffer = io.BytesIO()
    ShardWriter(buffer).write(encode_record(Record(b"jpeg", b"png", "a.jpg", "a.png", (2, 3))))
    return buffer.getvalue()


def index(data: bytes) -> None:
    name = written("one.tfrecord", one_record()).name
    written(index_name(name), data)
    number = len(data.splitlines())
    offsets = read_index(scratch(), name, number)
    assert len(offsets) == number
    for place, offset in enumerate(offsets[:4]):
        read_record(scratch(), name, place, offset)


# ---- pictures


def picture(data: bytes) -> None:
    """Opens a picture as a photograph and as a mask, and decodes it; refused is what is neither."""
    as_photo, as_mask = check(_photo, data), check(_mask, data)
    if as_photo and as_mask:
        raise as_photo


def header(data: bytes) -> None:
    """Reads the size in the header of a picture, which must be that of the decoded picture if that is taken."""
    path = written("header.bin", data)
    ref = ExampleRef("train", path.name, path.name)
    source = SourceConfig(path.parent, max_pixels=MAX_PIXELS)
    is_raster(ref, source)
    size = photo_size(ref, source)
    mask = open_mask(data, "m", MAX_PIXELS)
    assert size == mask.size, "the header says another size than the picture has"


def png(data: bytes) -> None:
    """Opens a PNG as it is and with its checksums set right."""
    sealed = sealed_png(data)
    if sealed != data:
        check(picture, data)
    check(_walked, sealed)
    picture(sealed)


def _walked(data: bytes) -> None:
    check_png(data, "p.png")


def sealed_png(data: bytes) -> bytes:
    """Returns a PNG with the right checksum in every chunk, as far as their lengths lead."""
    sealed, position = bytearray(data), len(PNG_SIGNATURE)
    while position + 12 <= len(sealed):
        (length,) = struct.unpack_from(">I", sealed, position)
        end = position + 8 + length
        if end + 4 > len(sealed):
            break
        struct.pack_into(">I", sealed, end, zlib.crc32(sealed[position + 4 : end]))
        position = end + 4
    return bytes(sealed)


def png_rows(data: bytes) -> None:
    """Makes the bytes the rows of a PNG whose header the first four choose; with too few rows it must be refused."""
    head, rows = data[:4].ljust(4, b"\0"), data[4:]
    height, width = head[0] % 12 + 1, head[1] % 12 + 1
    depth, color_type, samples = PNG_KINDS[head[2] % len(PNG_KINDS)]
    passes = ADAM7 if head[3] % 2 else [(0, 1, 0, 1)]
    expected = 0
    for top, down, left, right in passes:
        columns = len(range(left, width, right))
        expected += len(range(top, height, down)) * (1 + -(-columns * depth * samples // 8)) if columns else 0
    picture(written_by_hand((height, width), depth, color_type, rows, head[3] % 2))
    assert len(rows) >= expected, f"a PNG with {len(rows)} of its {expected} bytes is taken"


def _photo(data: bytes) -> None:
    photo = open_image(data, "p", MAX_PIXELS)
    kept = unmodified_bytes(photo)
    pixels = np.asarray(render(photo, photo.size, "stretch"))
    assert pixels.shape == (*photo.size, 3) and pixels.dtype == np.uint8
    if kept is None:
        return
    again = open_image(kept, "kept", MAX_PIXELS)
    assert again.exif_orientation == 1, "what is kept says that it is to be turned"
    assert np.array_equal(np.asarray(render(again, again.size, "stretch")), pixels), "what is kept has other pixels"


def _mask(data: bytes) -> None:
    counts = ValueCounter(TOLERANCE).count(open_mask(data, "m", MAX_PIXELS))
    source = open_mask(data, "m", MAX_PIXELS)
    assert sum(counts.values()) == source.size[0] * source.size[1], "a pixel was not counted"
    assert all(str(value).isprintable() for value in [*counts][:4])
    mask = mapper().map_mask(source, source.size)
    assert mask.shape == source.size and {*np.unique(mask)} <= {0, 1, IGNORE_INDEX}


def bands(data: bytes) -> None:
    """Opens an image with bands and a range, and as a mask; where three bands are read, each is what it is alone."""
    check(_mask, data)
    alone = _picked(data, (1,))
    assert alone.ndim == 2
    if check(lambda data: _picked(data, (3, 2, 1)), data) is None:
        assert np.array_equal(_picked(data, (3, 2, 1))[..., 2], alone), "a band differs from what it is alone"
    check(_ranged, data)


def _picked(data: bytes, numbers: tuple[int, ...]) -> np.ndarray:
    photo = open_image(data, "p", MAX_PIXELS, Samples(numbers, ((0, 200),)))
    assert unmodified_bytes(photo) is None, "what is picked is stored with the bytes of its file"
    return np.asarray(photo.picture)


def _ranged(data: bytes) -> None:
    photo = open_image(data, "p", MAX_PIXELS, Samples((), ((-5, 1000.5),)))
    assert np.asarray(render(photo, photo.size, "stretch")).shape == (*photo.size, 3)


@functools.cache
def mapper() -> MaskMapper:
    """Returns one for all masks: its table of all colours has 32 MB."""
    return MaskMapper(CLASSES, TOLERANCE)


def other_file(data: bytes) -> None:
    """The first bytes of a file that segconv does not read: of one known kind or none, whatever they hold."""
    kinds = {kind_of(name, data) for name in ("a.json", "a.xml", "a.txt")}
    assert kinds - {None} <= KINDS.keys()
    if kinds == {None}:
        raise DataError("a", "is of no known kind", "Leave it.")


def run_info(data: bytes) -> None:
    """Reads what a run, or an exported model, says of itself: photographs are decoded by it and memory is taken."""
    info = parse_run(data, "model.onnx")
    assert 0 < min(info.size) <= max(info.size) <= MAX_SIDE, "size"
    assert 0 < len(info.classes) <= MAX_CLASSES, "classes"
    assert len(info.drawn_classes) == len(info.classes), "classes that are drawn"
    for sides in (info.records_size, info.photo_size, info.largest_photo):
        assert sides is None or min(sides) > 0, "sides of photographs"
    assert all(0 <= part <= 255 for row in info.drawn_classes for part in row.color), "colours"


def affixes(data: bytes) -> None:
    """Names of images, a blank line, names of masks: none, or an image of its own for each mask."""
    texts = data.decode("utf-8", "replace").split("\n\n", 1)
    images, masks = (frozenset(filter(None, text.split("\n")[:40])) for text in (texts * 2)[:2])
    group = Group(images, masks)
    if found := infer([group]):
        (image_of,) = found.image_of
        assert image_of.keys() == masks, "a mask was lost"
        assert len(set(image_of.values())) == len(masks), "an image of two masks"
        assert set(image_of.values()) <= images, "an image that is not there"
        if found.image and found.mask:
            for mask, image in image_of.items():
                core = image[len(found.image[0]) : len(image) - len(found.image[1])]
                assert mask == f"{found.mask[0]}{core}{found.mask[1]}", "the options name other files"
    kinds_of_masks(group)
    if parted := within_folder(images):
        assert parted[0] == parted[1].image_of[0].keys()
        assert set(parted[1].image_of[0].values()) <= images - parted[0], "an image that is a mask"
    if not found:
        raise UsageError("masks", "do not show which image each belongs to", "Name them alike.", "E_LAYOUT")


def label_names(data: bytes) -> None:
    """Two label_names.txt, one after the other: they agree, or the first difference is said."""
    half = len(data) // 2
    paths = ("a_json/label_names.txt", "b_json/label_names.txt")
    for path, part in zip(paths, (data[:half], data[half:]), strict=True):
        (scratch() / path).parent.mkdir(exist_ok=True)
        written(path, part or b"\n")
    path, difference = compare_names(Tree(scratch(), paths, ("", "a_json", "b_json")), paths)
    assert not (path and difference), "both agree and differ"
    if difference:
        raise UsageError(paths[1], difference, "Draw the masks again.", "E_LAYOUT")


def evaluation(data: bytes) -> None:
    """Reads a file of an evaluation in a run folder."""
    run_targets.evaluation(scratch(), data)


def object_notes(data: bytes) -> None:
    """Journal and lease at an address, and the notes of a copy of a source."""
    assert is_dead(parse_lease(data)) in (True, False)
    for path, (e_tag, size) in read_notes(written("fetched.jsonl", data)).items():
        assert (type(path), type(e_tag), type(size)) == (str, str, int)
    give, delete, _ = parse_journal(data, "s3://bucket/records")
    assert not any("/" in name or name.startswith(".") for name in (*give, *delete))


def defaults(data: bytes) -> None:
    """Reads a segconv.toml; every default that is taken is one of an option of its command."""
    for name, values in read_defaults(segconv, written("segconv.toml", data)).items():
        assert values.keys() <= {option.name for option in segconv.commands[name].params}, "an option that is not there"


def world_file(data: bytes) -> None:
    """Reads a world file; what is taken has six finite numbers, and is as it was."""
    written("a.tfw", data)
    found = Photograph("a.tif", scratch(), "a.tif").world_file()
    if found is None:  # another file of that name: it is left alone
        raise DataError("a.tfw", "is no world file", "")
    assert found == data and np.isfinite([float(number) for number in found.split()]).all()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "defaults": defaults,
    "split_list": split_list,
    "table": table,
    "json_list": json_list,
    "other_file": other_file,
    "affixes": affixes,
    "label_names": label_names,
    "class_map": class_map,
    "class_file": class_file,
    "manifest": manifest,
    "object_notes": object_notes,
    "example": example,
    "run_info": run_info,
    "shard": shard,
    "index": index,
    "png": png,
    "png_rows": png_rows,
    "jpeg": picture,
    "tiff": picture,
    "bmp": picture,
    "gif": picture,
    "pnm": picture,
    "webp": picture,
    "bands": bands,
    "evaluation": evaluation,
    "world_file": world_file,
    "header": header,
    **ANNOTATIONS,
}
