"""Pairs: the two files of an ExampleRef -> image and mask, opened, in the same orientation, not yet decoded."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

from converter.config import SourceConfig
from converter.errors import DataError, shown
from converter.pixels.images import OpenImage, open_image
from converter.pixels.masks import OpenMask, open_mask
from converter.sources.refs import ExampleRef
from converter.system.files import read_inside


def open_pair(
    ref: ExampleRef, source: SourceConfig, read: Callable[[str], bytes] | None = None
) -> tuple[OpenImage, OpenMask | None]:
    """Reads and opens the files of a pair; the image gets the orientation of its mask.

    An image without a mask gets its own orientation, and None for the mask.

    Args:
      ref: the pair.
      source: where the dataset is.
      read: returns the content of a source file; None reads it from the source folder.

    Raises:
      DataError: the pair is rejected.
    """
    read = read or partial(read_inside, source.src, follow_links=source.follow_links)
    image = open_image(read(ref.image), ref.image, source.max_pixels, source.samples)
    if not ref.mask:
        return image, None
    mask = open_mask(read(ref.mask), ref.mask, source.max_pixels)
    return oriented_like(image, mask), mask


def oriented_like(image: OpenImage, mask: OpenMask) -> OpenImage:
    """Returns the image in the orientation of its mask.

    Cameras store an image as the sensor saw it and note in EXIF how to rotate it. Most tools draw masks over the
    rotated image, some over the stored one. Only the sizes show which; EXIF decides where both fit.

    Raises:
      DataError: the sizes differ in both orientations.
    """
    if mask.size == image.size:
        return image
    if mask.size == image.raw_size:
        return dataclasses.replace(image, orientation=1)
    (mask_height, mask_width), (height, width) = mask.size, image.size
    hint = ", with height and width swapped" if mask.size == (width, height) else ""
    own = f"is {mask_height} high and {mask_width} wide"
    other = f"its image {shown(image.name)} is {height} high and {width} wide"
    raise DataError(mask.name, f"{own}, {other}{hint}", "Draw the mask at the size of its image.", "E_SIZE")


def crash_error(ref: ExampleRef, how: str) -> DataError:
    """Returns the error for a pair whose worker process died twice; `how` is, for example, "signal 9"."""
    what = f"crashed the worker process twice ({how})"
    fix = "Check the image and the mask, save them again, or remove the pair from the list."
    return DataError(ref.image, what, fix, "E_CRASH")
