"""Pairs: the two files of an ExampleRef -> image and mask, opened, the one upon the other, not yet decoded."""

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
) -> tuple[OpenImage, OpenMask]:
    """Reads the files of a pair and opens them; the photograph has the orientation of its mask.

    Args:
      ref: the pair.
      source: where the dataset is.
      read: returns the content of a file of the source; None reads it from there.

    Raises:
      DataError: the pair is refused.
    """
    read = read or partial(read_inside, source.src, follow_links=source.follow_links)
    photo = open_image(read(ref.image), ref.image, source.max_pixels)
    mask = open_mask(read(ref.mask), ref.mask, source.max_pixels)
    return oriented_like(photo, mask), mask


def oriented_like(photo: OpenImage, mask: OpenMask) -> OpenImage:
    """Returns the photograph with the orientation that its mask was drawn in.

    Cameras store a photograph as the sensor saw it and note in EXIF how to turn it. Most tools draw masks over the
    turned photograph, some over the stored one; only the sizes tell, so EXIF decides where both fit.

    Raises:
      DataError: the sizes differ either way.
    """
    if mask.size == photo.size:
        return photo
    if mask.size == photo.raw_size:
        return dataclasses.replace(photo, orientation=1)
    (mask_height, mask_width), (height, width) = mask.size, photo.size
    hint = ", with height and width swapped" if mask.size == (width, height) else ""
    own = f"is {mask_height} high and {mask_width} wide"
    other = f"its photograph {shown(photo.name)} is {height} high and {width} wide"
    raise DataError(mask.name, f"{own}, {other}{hint}", "Draw the mask at the size of its photograph.", "E_SIZE")


def crash_error(ref: ExampleRef, how: str) -> DataError:
    """Returns the error for a pair at which its process ended twice; `how` is such as "signal 9"."""
    what = f"ended the process that worked on this pair, twice ({how})"
    fix = "Look at photograph and mask, save them anew, or take the pair off the list."
    return DataError(ref.image, what, fix, "E_CRASH")
