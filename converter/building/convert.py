"""Convert: one pair -> its record, and its counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
from PIL import Image

from converter.building.tally import Tally
from converter.classes.background import missing_index
from converter.classes.mapper import MaskMapper
from converter.config import PairConfig, SourceConfig
from converter.dataset.example import Record
from converter.pixels.geometry import Box, cut, pad_mask, place
from converter.pixels.images import encode_image, render, unmodified_bytes
from converter.pixels.masks import count_classes, encode_png
from converter.sources.pairs import open_pair
from converter.sources.refs import ExampleRef

_LEVELS = np.stack([np.arange(256), np.arange(256) ** 2], axis=1)


def make_record(
    ref: ExampleRef,
    source: SourceConfig,
    mapper: MaskMapper,
    pair: PairConfig,
    read: Callable[[str], bytes] | None = None,
) -> tuple[Record, Tally]:
    """Reads one pair and builds its record; `read` is that of `open_pair`.

    Returns:
      (record, its counts).

    Raises:
      DataError: the pair is refused.
    """
    opened, opened_mask = open_pair(ref, source, read)
    original_size = opened.size
    size = pair.size or original_size
    corrected = mapper.corrected_pixels
    box = place(original_size, size, pair.fit).box
    if opened_mask:
        mask = mapper.map_mask(opened_mask, size, pair.fit, pair.mask_resample)
    else:
        index = missing_index(mapper.classes, source.missing_mask)
        mask = pad_mask(np.full((box.height, box.width), index, np.uint8), box, size)
    unmodified = unmodified_bytes(opened) if pair.image_format == "keep" and size == original_size else None
    rendered = render(opened, size, pair.fit)
    image = unmodified or encode_image(rendered, pair.image_format, pair.jpeg_quality)
    padding = size[0] * size[1] - box.height * box.width
    pixels, ignored = count_classes(cut(mask, box), mapper.classes.num_classes)
    sums, squares = level_sums(rendered, box)
    tally = Tally(
        pixels=pixels,
        images=[int(count > 0) for count in pixels],
        ignored_pixels=ignored + padding,
        padded_pixels=padding,
        picture_pixels=box.height * box.width,
        level_sums=sums,
        level_squares=squares,
        sizes=Counter([original_size]),
        turned=int(opened.orientation != 1),
        unturned=int(opened.orientation != opened.exif_orientation),
        corrected_pixels=mapper.corrected_pixels - corrected,
        kept=int(unmodified is not None),
    )
    return Record(image, encode_png(mask), ref.image, ref.mask, original_size), tally


def level_sums(image: Image.Image, box: Box) -> tuple[list[int], list[int]]:
    """Returns (sum of the levels, sum of their squares) of each channel of a box of an RGB image."""
    if (box.height, box.width) != (image.height, image.width):
        image = image.crop((box.left, box.top, box.left + box.width, box.top + box.height))
    sums, squares = (np.array(image.histogram()).reshape(3, 256) @ _LEVELS).T.tolist()
    return sums, squares
