"""Survey: pairs -> PairFacts. Decodes every file of a dataset once, in parallel, and records what it contains."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from converter.config import SourceConfig
from converter.engines.events import Engine
from converter.engines.local import local_forked
from converter.engines.supervise import supervise
from converter.errors import DataError, MachineError
from converter.limits import MAX_VALUES
from converter.pixels.decode import load
from converter.pixels.images import OpenImage, open_image
from converter.pixels.masks import MaskValue, OpenMask, ValueCounter, open_mask
from converter.pixels.pillow import without_warnings
from converter.sources.pairs import crash_error, oriented_like
from converter.sources.refs import ExampleRef
from converter.system.files import read_inside

TASK_PAIRS = 32  # per task: some tenths of a second of work, short enough that all workers end together
WORKER_PAIRS = 512  # per worker: starting one more costs the CPU of some 60 pairs
THUMBNAIL_SIDE = 16
_KINDS = {"L": "grey", "1": "grey", "I;16": "grey", "P": "palette", "LA": "grey with alpha", "RGBA": "RGB with alpha"}


@dataclass(frozen=True)
class PairFacts:
    """What the two files of a pair contain.

    Attributes:
      ref: the pair.
      error: why a build would refuse the pair, with any class map; None where it would not. Attributes below that
        could not be read keep their defaults.
      image_size: (height, width) of the upright image, in pixels.
      image_kind: format and mode, such as "JPEG RGB".
      orientation: EXIF orientation 1..8 in the file.
      turned: whether the image is rotated by it (not where the mask fits the stored orientation).
      mask_size: (height, width), in pixels.
      mask_kind: format and mode, such as "PNG palette".
      values: pixels of each value of the mask, most frequent first, at most MAX_VALUES of them.
      other_values: number of further values; other_pixels: number of pixels with one of them.
      image_bytes: size of the image file; mask_bytes: of the mask file.
      digest: SHA-256 of the image file.
      thumbnail: grey 16x16 of the upright image, 256 bytes in rows; b"" where it could not be decoded.
      further: other errors of the pair, for which a build would refuse it once `error` is fixed.
    """

    ref: ExampleRef
    error: DataError | None = None
    image_size: tuple[int, int] | None = None
    image_kind: str = ""
    orientation: int = 1
    turned: bool = False
    mask_size: tuple[int, int] | None = None
    mask_kind: str = ""
    values: tuple[tuple[MaskValue, int], ...] = ()
    other_values: int = 0
    other_pixels: int = 0
    image_bytes: int = 0
    mask_bytes: int = 0
    digest: bytes = b""
    thumbnail: bytes = b""
    further: tuple[DataError, ...] = ()


@dataclass(frozen=True)
class SurveyTask:
    """A task: some pairs to survey.

    Attributes:
      refs: the pairs.
      source: where they are.
      tolerance: of the build; without one, a JPEG mask is refused.
      crashed: (number of the pair, how) of pairs that crashed their worker; they are skipped.
    """

    refs: tuple[ExampleRef, ...]
    source: SourceConfig
    tolerance: int = 0
    crashed: tuple[tuple[int, str], ...] = ()


def survey(
    refs: Sequence[ExampleRef],
    source: SourceConfig,
    workers: int,
    on_progress: Callable[[int], None],
    *,
    tolerance: int = 0,
    engine: Engine = local_forked,
) -> list[PairFacts]:
    """Returns the facts of each pair, in the order of `refs`.

    Args:
      refs: the pairs.
      source: where the dataset is.
      workers: maximum number of processes.
      on_progress: called with the number of pairs done.
      tolerance: of the build; without one, a JPEG mask is refused.
      engine: runs the tasks.

    Raises:
      MachineError: the disk failed, or a worker was lost.
    """
    if not refs:
        return []
    parts = [tuple(refs[start : start + TASK_PAIRS]) for start in range(0, len(refs), TASK_PAIRS)]
    tasks = [SurveyTask(part, source, tolerance) for part in parts]
    useful = -(-len(refs) // WORKER_PAIRS)
    results = supervise(engine, run_survey_task, tasks, min(workers, useful), on_progress, _without)
    return [facts for result in results for facts in result]


def run_survey_task(task: SurveyTask, tick: Callable[[], None]) -> list[PairFacts]:
    """Surveys the pairs of a task.

    Args:
      task: the pairs.
      tick: called after each pair.

    Raises:
      MachineError: the disk failed, or memory ran out.
    """
    counter = ValueCounter(task.tolerance)
    crashed = dict(task.crashed)
    result = []
    with without_warnings():  # once: each time costs a hundredth of a small mask
        for number, ref in enumerate(task.refs):
            try:
                if number in crashed:
                    result.append(PairFacts(ref, crash_error(ref, crashed[number])))
                else:
                    result.append(look_at(ref, task.source, counter))
            except MemoryError:
                raise MachineError(ref.image, "did not fit into memory", "Run again with fewer workers (-j).") from None
            tick()
    return result


def _without(task: SurveyTask, number: int, how: str) -> SurveyTask:
    """Returns a task that skips a pair."""
    return dataclasses.replace(task, crashed=(*task.crashed, (number, how)))


def look_at(ref: ExampleRef, source: SourceConfig, counter: ValueCounter) -> PairFacts:
    """Returns the facts of one pair: both files are read once and fully decoded, even where the first is invalid.

    Errors are in the order in which a build would meet them: image, mask, their sizes, the pixels of the mask, those
    of the image.

    Raises:
      MachineError: the disk failed.
    """
    facts: dict[str, Any] = {}
    errors: list[DataError] = []
    image = _open_image(ref, source, facts, errors)
    mask = _open_mask(ref, source, facts, errors) if ref.mask else None
    sizes_match = not ref.mask
    if image and mask:
        try:
            image = oriented_like(image, mask)
            sizes_match = True
        except DataError as error:
            errors.append(error)
    if image:
        facts["image_size"], facts["turned"] = image.size, sizes_match and image.orientation != 1
    if mask:
        try:
            facts |= _counted(mask, counter)
        except DataError as error:
            errors.append(error)
    if image:
        try:
            facts["thumbnail"] = thumbnail(image)
        except DataError as error:
            errors.append(error)
    return PairFacts(ref, errors[0] if errors else None, further=tuple(errors[1:]), **facts)


def _open_image(
    ref: ExampleRef, source: SourceConfig, facts: dict[str, Any], errors: list[DataError]
) -> OpenImage | None:
    """Returns the opened image and records the facts of its header; None where it cannot be opened."""
    try:
        data = read_inside(source.src, ref.image, follow_links=source.follow_links)
        facts["image_bytes"], facts["digest"] = len(data), hashlib.sha256(data).digest()
        image = open_image(data, ref.image, source.max_pixels, source.samples)
    except DataError as error:
        errors.append(error)
        return None
    facts["image_kind"] = _kind(image.picture, 8) + (f" of {image.described}" if image.described else "")
    facts["orientation"] = image.orientation
    return image


def _open_mask(
    ref: ExampleRef, source: SourceConfig, facts: dict[str, Any], errors: list[DataError]
) -> OpenMask | None:
    """Returns the opened mask and records the facts of its header; None where it cannot be opened."""
    try:
        data = read_inside(source.src, ref.mask, follow_links=source.follow_links)
        facts["mask_bytes"] = len(data)
        mask = open_mask(data, ref.mask, source.max_pixels)
    except DataError as error:
        errors.append(error)
        return None
    facts["mask_size"], facts["mask_kind"] = mask.size, _kind(mask.picture, mask.depth)
    return mask


def _counted(mask: OpenMask, counter: ValueCounter) -> dict[str, Any]:
    """Returns the facts about the values of a mask; DataError where it cannot be decoded."""
    values, others, other_pixels = counter.count_most_frequent(mask, MAX_VALUES)
    return {"values": tuple(values.items()), "other_values": others, "other_pixels": other_pixels}


def _kind(picture: Image.Image, depth: int) -> str:
    """Returns format and mode, such as "PNG 16-bit grey"."""
    mode = _KINDS.get(picture.mode, picture.mode)
    return f"{picture.format} {mode}" if depth == 8 else f"{picture.format} {depth}-bit {mode}"


def thumbnail(image: OpenImage) -> bytes:
    """Decodes an image and returns it as 16x16 grey levels, upright, in rows.

    Each level is a mean of its cell and a little around it: single pixels would differ after every recompression, and
    sharp borders between the cells after every shift. All coded data of a JPEG is read, which finds damage in it, but
    only as many of its pixels are computed as the mean needs.

    Raises:
      DataError: the pixels are cut off or damaged.
    """
    picture: Image.Image = image.picture
    side = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    drafted = None
    if image.picture.format == "JPEG" and picture.mode in ("RGB", "L"):
        drafted = image.picture.draft("L", (2 * THUMBNAIL_SIDE, 2 * THUMBNAIL_SIDE))
    load(image.picture, image.name)
    if picture.mode not in ("RGB", "L", "CMYK"):  # the others cannot be averaged directly
        picture.info.pop("transparency", None)  # alpha is dropped; Pillow would warn about alpha in a palette
        picture = picture.convert("RGB")
    # Where the sides do not divide, the last reduced pixels are covered only in part.
    box = drafted[1] if drafted else (0, 0, *picture.size)
    small = picture.resize(side, Image.Resampling.BILINEAR, box, reducing_gap=3.0)
    levels = np.asarray(small.convert("RGB").convert("L"))
    # EXIF 5..8 swap rows and columns; then 2, 3, 6, 7 reverse the columns, and 3, 4, 7, 8 the rows.
    levels = levels.T if image.orientation >= 5 else levels
    levels = levels[:, ::-1] if image.orientation in (2, 3, 6, 7) else levels
    return (levels[::-1] if image.orientation in (3, 4, 7, 8) else levels).tobytes()
