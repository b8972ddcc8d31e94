"""Pillow: how its decoders are called. What they raise becomes a DataError, and nothing of theirs reaches stderr."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import io
import logging
import struct
import warnings
import zlib
from collections.abc import Iterator

from PIL import Image, _imaging
from PIL.ImageFile import ImageFile

from converter.errors import DataError

_IGNORE_ALL = ("ignore", None, Warning, None, 0)  # the filter that `warnings.simplefilter("ignore")` adds first

# What Pillow's decoders raise on hostile bytes.
DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    struct.error,
    zlib.error,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    AttributeError,
)


@contextlib.contextmanager
def without_warnings() -> Iterator[None]:
    """Suppresses Pillow's warnings about a file; a nested block costs little.

    A warning is not an error here: problems of a file are reported by exceptions, and by the modules of the formats.
    """
    if warnings.filters[:1] == [_IGNORE_ALL]:
        yield
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@functools.cache
def silence_decoders() -> None:
    """Stops libtiff and Pillow from writing to stderr what they raise as well; once per process.

    Its own handler of errors makes libtiff write to file descriptor 2, which no Python code can intercept; Pillow
    replaces that of warnings alone. Where Pillow hides the functions of libtiff, nothing changes.
    """
    logging.getLogger("PIL").addHandler(logging.NullHandler())  # or records without a handler go to stderr
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(_imaging.__file__)  # which is linked to libtiff
        library.TIFFSetErrorHandler.argtypes = [ctypes.c_void_p]
        library.TIFFSetErrorHandler.restype = ctypes.c_void_p
        library.TIFFSetErrorHandler(None)


def opened(data: bytes, kind: str, name: str, max_pixels: int, fix: str) -> ImageFile:
    """Returns Pillow's lazy image of bytes that begin with the signature of a format; no other decoder is tried.

    Args:
      data: content of the file; not trusted.
      kind: Pillow's name of the format.
      name: of the file, for messages.
      max_pixels: maximum number of pixels that the header may declare.
      fix: what to do about a file that cannot be opened.

    Raises:
      DataError: Pillow cannot open it, or it is too large.
    """
    silence_decoders()
    try:
        with without_warnings():  # about the size; max_pixels below is the limit that applies
            picture: ImageFile = Image.open(io.BytesIO(data), formats=[kind])
    except Image.DecompressionBombError:
        raise DataError(name, f"has more than {max_pixels} pixels", "Cut it into tiles.", "E_TOO_LARGE") from None
    except DECODER_ERRORS as error:
        what = f"begins like a {kind} file, but cannot be opened as one"
        raise DataError(name, what, fix, "E_FORMAT") from error
    width, height = picture.size
    refuse_large((height, width), name, max_pixels)
    return picture


def refuse_large(size: tuple[int, int], name: str, max_pixels: int) -> None:
    """Refuses an image of size (height, width) with more than `max_pixels` pixels, by a DataError."""
    if size[0] * size[1] > max_pixels:
        what = f"has {size[0]}x{size[1]} pixels, more than {max_pixels} in all"
        raise DataError(name, what, "Cut it into tiles.", "E_TOO_LARGE")
