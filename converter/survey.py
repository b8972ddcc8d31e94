"""Survey: pairs -> PairFacts: every file of a dataset decoded once, in parallel, and what it holds told, not judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from converter.config import SourceConfig
from converter.errors import DataError
from converter.masks import MaskValue
from converter.splits import ExampleRef


@dataclass(frozen=True)
class PairFacts:
    """What the two files of a pair hold.

    Attributes:
      ref: the pair.
      error: why a build would refuse the pair whatever its class map is; None where it would not. Attributes below
        that could not be told keep their defaults.
      image_size: (height, width) of the upright photograph, in pixels.
      image_kind: format and mode, such as "JPEG RGB".
      orientation: EXIF orientation 1..8 as the file has it.
      turned: whether the photograph is turned by it (not where the mask was drawn over the unturned one).
      mask_size: (height, width), in pixels.
      mask_kind: format and mode, such as "PNG palette".
      values: pixels of each value of the mask, most frequent first, at most MAX_VALUES of them.
      other_values: number of further values, and `other_pixels` the pixels that hold one.
      image_bytes: size of the photograph's file; mask_bytes that of the mask's.
      digest: SHA-256 of the photograph's file.
      thumbnail: grey 16x16 of the upright photograph, 256 bytes in rows; b"" where it could not be decoded.
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


def survey(
    refs: Sequence[ExampleRef], source: SourceConfig, workers: int, on_progress: Callable[[int], None]
) -> list[PairFacts]:
    """Returns the facts of each pair, in the order of `refs`.

    Raises:
      MachineError: the disk failed, or a worker was lost.
    """
    raise NotImplementedError
