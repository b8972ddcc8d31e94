"""Batches: the unit of work. draw_batch writes the masks of some images, and puts their photographs beside them.

A photograph gets a second name (a hard link), which takes no room; where the file system cannot, it is copied. A batch
that is done leaves a receipt with the key of all it depends on, by which a run that comes after a kill goes on.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from converter.annotations.drawing import Canvas, Drawn, draw
from converter.annotations.found import CODE, Found, Stored
from converter.annotations.plan import Item, mask_files
from converter.annotations.registry import FORMATS, StoredShape
from converter.annotations.shapes import Drawable, Outline
from converter.annotations.texts import opened, read_bytes
from converter.errors import DataError, MachineError
from converter.limits import MAX_PARTED_BYTES
from converter.pixels.colors import voc_color
from converter.pixels.decode import orientation_of
from converter.pixels.masks import encode_png
from converter.pixels.opening import open_image_file
from converter.system.files import create, read_inside, resolve_inside, write_error, write_whole

IMAGES, MASKS = "jpg", "png"
BATCH_IMAGES = 32
PALETTE = bytes(level for index in range(256) for level in voc_color(index))
_TURNS = frozenset({5, 6, 7, 8})  # EXIF orientations that swap height and width
# What a file system answers that has no hard links, or not to this file.
_NO_LINK = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES)


@dataclass(frozen=True)
class Batch:
    """Some images to draw.

    Attributes:
      src: source folder.
      staging: folder of the dataset that is being written.
      receipt: file that says what was done.
      items: the images.
      indices: class index of each label.
      options: format, order, and what else the masks depend on.
      hashes: whether the photographs are hashed, to divide them into splits.
      follow_links: follows symbolic links out of `src`.
      crashed: (number of the image, how) of those that ended their worker process.
    """

    src: Path
    staging: Path
    receipt: Path
    items: tuple[Item, ...]
    indices: dict[str, int]
    options: tuple[str, str, int]
    hashes: bool
    follow_links: bool
    crashed: tuple[tuple[int, str], ...] = ()


@dataclass
class BatchResult:
    """What was drawn in a batch.

    Attributes:
      digests: SHA-256 of each photograph, in hex; "" where they are not hashed.
      objects: number of objects by class index.
      pixels: number of pixels by class index.
      overlaps: pixels that one class took from another, by (index below, index above).
      clipped: number of objects that reach out of their picture.
      empty: number of objects that cover no pixel of it.
      problems: of the images that could not be drawn.
    """

    digests: list[str] = field(default_factory=list)
    objects: Counter[int] = field(default_factory=Counter)
    pixels: Counter[int] = field(default_factory=Counter)
    overlaps: Counter[tuple[int, int]] = field(default_factory=Counter)
    clipped: int = 0
    empty: int = 0
    problems: list[DataError] = field(default_factory=list)

    def add(self, drawn: Drawn) -> None:
        """Adds what was drawn of one image."""
        self.pixels.update(drawn.pixels)
        self.objects.update(drawn.objects)
        self.overlaps.update(drawn.overlaps)
        self.clipped += drawn.clipped
        self.empty += drawn.empty

    def join(self, other: BatchResult) -> None:
        """Adds the counts and the problems of another batch."""
        for name in ("objects", "pixels", "overlaps"):
            getattr(self, name).update(getattr(other, name))
        self.clipped += other.clipped
        self.empty += other.empty
        self.problems += other.problems

    def to_json(self, key: str) -> bytes:
        """Returns the receipt."""
        rows = [[*pair, count] for pair, count in self.overlaps.items()]
        facts = {name: getattr(self, name) for name in ("digests", "clipped", "empty")}
        counts = {name: list(getattr(self, name).items()) for name in ("objects", "pixels")}
        return json.dumps({"key": key, "overlaps": rows, **facts, **counts}).encode()

    @classmethod
    def of_json(cls, data: bytes, key: str) -> BatchResult | None:
        """Returns what a receipt says; None where it is not that of this key."""
        try:
            raw: dict[str, Any] = json.loads(data)
            if raw["key"] != key:
                return None
            objects, pixels = (Counter(dict(raw[name])) for name in ("objects", "pixels"))
            overlaps = Counter({(below, above): count for below, above, count in raw["overlaps"]})
            return cls(raw["digests"], objects, pixels, overlaps, raw["clipped"], raw["empty"])
        except (ValueError, KeyError, TypeError):
            return None


def draw_batch(batch: Batch, tick: Callable[[], None]) -> BatchResult:
    """Draws the images of a batch that is not done yet.

    Raises:
      MachineError: a file cannot be written.
    """
    key = _key(batch)
    result = _done(batch, key)
    if result is not None:
        for _ in batch.items:
            tick()
        return result
    result = BatchResult()
    crashed = dict(batch.crashed)
    files = [Path(top, name) for item in batch.items for top, name in ((IMAGES, item.image), (MASKS, item.mask))]
    for folder in {path.parent for path in files}:
        (batch.staging / folder).mkdir(parents=True, exist_ok=True)
    for number, item in enumerate(batch.items):
        try:
            if number in crashed:
                what = f"crashed the worker process twice ({crashed[number]})"
                raise DataError(item.picture.label, what, "Save it again, or remove it.", "E_CRASH")
            _write(batch, item, result)
        except DataError as error:
            where = item.picture.where
            what = error.what if error.where == where else f"is of {error.where}, which {error.what}"
            result.problems.append(DataError(where, what, error.fix, error.code))
        except MemoryError:
            what = f"is of {item.picture.label}, which did not fit into memory"
            result.problems.append(
                DataError(item.picture.where, what, "Run again with fewer workers (-j).", "E_MEMORY")
            )
        except OSError as error:
            raise write_error(batch.staging, error) from error
        tick()
    if not result.problems:
        write_whole(batch.receipt, result.to_json(key))
    return result


def without_image(batch: Batch, number: int, how: str) -> Batch:
    """Returns a batch that refuses one of its images, since it ended its worker process; `how` says how.

    Raises:
      MachineError: the process ended after the last image.
    """
    if number >= len(batch.items):
        what = f"could not be finished: the process that drew them ended ({how})"
        raise MachineError(batch.staging, what, "Run the same command again.", "E_WORKER")
    return dataclasses.replace(batch, crashed=(*batch.crashed, (number, how)))


def _key(batch: Batch) -> str:
    """Returns what the masks of a batch depend on, as SHA-256 in hex; files by size and time of change.

    The time of the last change of metadata is none of them: another name for a photograph changes it.
    """
    facts: list[Any] = [*batch.options, batch.hashes, sorted(batch.indices.items())]
    for item in batch.items:
        facts.append([item.picture.path, item.image, item.mask, item.digest])
    photographs = [item.picture.path for item in batch.items if item.picture.path]
    for path in [*photographs, *sorted(mask_files(batch.items))]:
        with contextlib.suppress(OSError):
            info = (batch.src / path).stat()
            facts.append([path, info.st_size, info.st_mtime_ns])
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _done(batch: Batch, key: str) -> BatchResult | None:
    """Returns what the receipt of a batch says; None where there is none, or a file that it stands for is gone."""
    try:
        result = BatchResult.of_json(batch.receipt.read_bytes(), key)
    except OSError:
        return None
    names = [name for item in batch.items for name in (f"{IMAGES}/{item.image}", f"{MASKS}/{item.mask}")]
    return result if all((batch.staging / name).is_file() for name in names) else None


def _write(batch: Batch, item: Item, result: BatchResult) -> None:
    """Writes the mask of one image and puts its photograph beside it.

    Raises:
      DataError: the photograph is missing, damaged or of another size than annotated, or an object cannot be drawn.
      OSError: a file cannot be written.
    """
    picture = item.picture
    data = _photograph(batch, item)
    size = _size(data, item)
    objects = _objects(batch, picture.objects)
    if picture.is_relative:
        objects = tuple(_scaled(drawable, size) for drawable in objects)

    def read(path: str) -> bytes:
        return read_inside(batch.src, path, follow_links=batch.follow_links)

    drawn = draw(objects, Canvas(size, read), size, batch.indices, batch.options[1])
    target = batch.staging / IMAGES / item.image
    if picture.embedded_in:
        _put(target, data)
    else:
        _link(resolve_inside(batch.src, picture.path, follow_links=batch.follow_links), target)
    _put(batch.staging / MASKS / item.mask, encode_png(drawn.mask, PALETTE))
    result.add(drawn)
    result.digests.append(hashlib.sha256(data).hexdigest() if batch.hashes else "")


def _objects(batch: Batch, objects: tuple[Drawable, ...] | Stored) -> tuple[Drawable, ...]:
    """Returns the objects of an image; those that stayed in their file are read again."""
    if not isinstance(objects, Stored):
        return objects
    shape = cast(StoredShape, FORMATS[batch.options[0]].load("stored"))
    with opened(batch.src, objects.path, follow_links=batch.follow_links, most=MAX_PARTED_BYTES) as file:
        if file.stamp != objects.stamp:
            raise DataError(objects.path, "was changed while it was read", "Run the same command again.", CODE)
        return tuple(
            Drawable(label, shape(file.part(start, length)), is_under) for start, length, label, is_under in objects
        )


def _photograph(batch: Batch, item: Item) -> bytes:
    """Returns the content of a photograph, which may be within the annotations."""
    path = item.picture.embedded_in
    if not path:
        return read_inside(batch.src, item.picture.path, follow_links=batch.follow_links)
    load = cast(Callable[[bytes, str], bytes], FORMATS[batch.options[0]].load("photograph"))
    return load(read_bytes(batch.src, Found(path), follow_links=batch.follow_links), path)


def _size(data: bytes, item: Item) -> tuple[int, int]:
    """Returns (height, width) of the mask of a photograph: as annotated, or else upright.

    Raises:
      DataError: the photograph is no image, or has another size than annotated, upright and as stored.
    """
    picture, stated = item.picture, item.picture.size
    try:
        source = open_image_file(data, picture.label)
    except DataError as error:
        if error.code == "E_IMAGE_MODE" and stated is not None:
            return stated  # `build` has options for such images, and the size is not known without them
        raise
    stored = source.picture.height, source.picture.width
    orientation = source.orientation or orientation_of(source.picture)
    upright = stored[::-1] if orientation in _TURNS else stored
    if stated is not None and stated not in (upright, stored):
        what = f"is {upright[0]}x{upright[1]} (height x width), and not {stated[0]}x{stated[1]} as annotated"
        raise DataError(picture.label, what, "Annotate the photograph that is there, or put the other back.", "E_SIZE")
    return stated or upright


def _scaled(drawable: Drawable, size: tuple[int, int]) -> Drawable:
    """Returns an object in pixels, whose coordinates are shares of the size."""
    shape = drawable.shape
    return drawable._replace(shape=shape.scaled(size)) if isinstance(shape, Outline) else drawable


def _link(source: Path, target: Path) -> None:
    """Gives a photograph a second name, or else copies it."""
    if source.is_symlink():  # or the second name would be one of the link
        source = Path(os.path.realpath(source))
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        shutil.copyfile(source, target)


def _put(path: Path, data: bytes) -> None:
    """Writes a new file; what an earlier run has left of it is replaced."""
    with create(path) as file:
        file.write(data)
