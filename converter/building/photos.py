"""Photos: a photograph and its mask, ready to be cut -> the record of one of its tiles."""

from __future__ import annotations

import abc
import hashlib
from collections import Counter
from collections.abc import Callable

import numpy as np
from PIL import Image

from converter.building.convert import level_sums
from converter.building.tally import Tally
from converter.classes.background import missing_index
from converter.classes.mapper import MaskMapper
from converter.config import PairConfig, SourceConfig
from converter.dataset.example import Record, Tile
from converter.errors import DataError
from converter.pixels.geometry import Box, cut, overlap_of, pad_mask, scaled_size
from converter.pixels.images import encode_image, render
from converter.pixels.masks import count_classes, encode_png
from converter.pixels.resample import nearest_rows
from converter.sources.pairs import open_pair
from converter.sources.rasters import Raster
from converter.sources.refs import ExampleRef
from converter.sources.sizes import Sizes, raster_sizes
from converter.system.files import Stamp

Read = Callable[[str], bytes]


class Photo(abc.ABC):
    """A photograph and its mask.

    Attributes:
      size: (height, width) of the upright photograph.
      scaled: the same after scaling.
      turned, unturned: as in Tally.
    """

    turned = 0
    unturned = 0

    def __init__(self, ref: ExampleRef, sizes: Sizes, mapper: MaskMapper, pair: PairConfig) -> None:
        """Holds the sizes against those by which the tiles were planned; DataError where they are others."""
        self.size, self.scaled = sizes
        if (ref.size, ref.scaled) != sizes:
            before = f"was {ref.size[0]}x{ref.size[1]}" if ref.size else "could not be read"
            what = (
                f"{before} when its tiles were planned, and is now {self.size[0]}x{self.size[1]}: it is being changed"
            )
            raise DataError(ref.image, what, "Run the same command again when it is finished.", "E_SIZE")
        self._pair = pair
        self._num_classes = mapper.classes.num_classes

    @abc.abstractmethod
    def pixels(self, box: Box) -> tuple[Image.Image, np.ndarray, int]:
        """Returns (RGB image, class indices, corrected pixels to count) of a part, in pixels after scaling."""

    def tile(self, window: Box) -> Tile:
        """Returns what a tile says of itself."""
        return Tile(window, self.scaled)

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Closes the files, if it has any open."""

    def record(self, ref: ExampleRef) -> tuple[Record, Tally] | None:
        """Returns the record of a tile and its counts; None where it is dropped.

        Raises:
          DataError: this part of the photograph or the mask is damaged, or holds unlisted values.
        """
        window, pair = ref.window, self._pair
        assert window is not None  # noqa: S101 - for mypy
        assert pair.tile is not None  # noqa: S101 - for mypy
        inside = overlap_of(window, self.scaled)
        box = Box(window.top + inside.top, window.left + inside.left, inside.height, inside.width)
        picture, mask, corrected = self.pixels(box)
        pixels, ignored = count_classes(np.ascontiguousarray(mask), self._num_classes)
        if ref.mask and ignored > pair.tile.max_ignored * mask.size:
            return None
        image = picture
        if mask.shape != (window.height, window.width):
            image = Image.new("RGB", (window.width, window.height))
            image.paste(picture, (inside.left, inside.top))
        sums, squares = level_sums(picture, Box(0, 0, *mask.shape))
        padding = window.height * window.width - mask.size
        tally = Tally(
            pixels=pixels,
            images=[int(count > 0) for count in pixels],
            ignored_pixels=ignored + padding,
            padded_pixels=padding,
            picture_pixels=mask.size,
            level_sums=sums,
            level_squares=squares,
            sizes=Counter([self.size]),
            turned=self.turned,
            unturned=self.unturned,
            corrected_pixels=corrected,
        )
        padded = encode_png(pad_mask(mask, inside, (window.height, window.width)))
        encoded = encode_image(image, pair.image_format, pair.jpeg_quality)
        return Record(encoded, padded, ref.image, ref.mask, self.size, self.tile(window)), tally


class WholePhoto(Photo):
    """A photograph and its mask that were decoded, mapped and scaled as a whole."""

    def __init__(
        self, ref: ExampleRef, source: SourceConfig, mapper: MaskMapper, pair: PairConfig, read: Read | None
    ) -> None:
        """Reads the pair; `read` is that of `open_pair`. DataError where it is refused."""
        opened, opened_mask = open_pair(ref, source, read)
        assert pair.tile is not None  # noqa: S101 - for mypy
        super().__init__(ref, (opened.size, scaled_size(opened.size, pair.tile.scale)), mapper, pair)
        corrected = mapper.corrected_pixels
        if opened_mask:
            self._mask = mapper.map_mask(opened_mask, self.scaled, "stretch", pair.mask_resample)
        else:
            self._mask = np.full(self.scaled, missing_index(mapper.classes, source.missing_mask), np.uint8)
        self._corrected = mapper.corrected_pixels - corrected
        self._image = render(opened, self.scaled, "stretch")
        self.turned = int(opened.orientation != 1)
        self.unturned = int(opened.orientation != opened.exif_orientation)

    def pixels(self, box: Box) -> tuple[Image.Image, np.ndarray, int]:
        """Cuts a part out; corrected pixels are those of the whole mask, so they count once."""
        corrected, self._corrected = self._corrected, 0
        image = self._image.crop((box.left, box.top, box.left + box.width, box.top + box.height))
        return image, cut(self._mask, box), corrected


class RasterPhoto(Photo):
    """A photograph and its mask of which only windows are read.

    Attributes:
      digests: SHA-256 of the pixels of image and mask of the last tile, in hex.
      stamps: of image and mask when they were opened.
    """

    def __init__(self, ref: ExampleRef, source: SourceConfig, mapper: MaskMapper, pair: PairConfig) -> None:
        """Opens the pair.

        Raises:
          UsageError: rasterio is not installed.
          DataError: the pair is refused.
        """
        self._image = Raster(ref.image, source)
        self._mask = Raster(ref.mask, source) if ref.mask else None
        self._mapper = mapper
        self._missing = 0 if ref.mask else missing_index(mapper.classes, source.missing_mask)
        self.stamps: tuple[Stamp, Stamp | None] = self._image.stamp, self._mask.stamp if self._mask else None
        self.digests = ("", "")
        super().__init__(ref, raster_sizes(self._image, pair), mapper, pair)
        if self._mask and self._mask.size != self._image.size:
            (height, width), (other_height, other_width) = self._mask.size, self._image.size
            what = f"is {height} high and {width} wide, its image {other_height} high and {other_width} wide"
            raise DataError(ref.mask, what, "Draw the mask at the size of its image.", "E_SIZE")
        if pair.mask_resample == "vote" and self.scaled != self.size:
            what = "is read by windows, which are resized by the nearest pixel alone"
            raise DataError(ref.mask, what, "Pass --mask-resample nearest, or leave --scale out.", "E_TOO_LARGE")

    def close(self) -> None:
        """Closes the files."""
        self._image.close()
        if self._mask:
            self._mask.close()

    def tile(self, window: Box) -> Tile:
        """Returns what a tile says of itself, with its place on the earth."""
        place = self._image.georeference
        if place is None:
            return Tile(window, self.scaled)
        down, right = (old / new for old, new in zip(self.size, self.scaled, strict=True))
        crs, transform = place.of(window, (down, right))
        return Tile(window, self.scaled, crs, transform)

    def pixels(self, box: Box) -> tuple[Image.Image, np.ndarray, int]:
        """Reads a part, and resizes it as the whole photograph would be."""
        self.digests = ("", "")
        corrected = self._mapper.corrected_pixels
        image = self._image.scaled_image(box, self.scaled)
        if self._mask is None:
            mask = np.full((box.height, box.width), self._missing, np.uint8)
        else:
            mask = self._mask_pixels(self._mask, box)
        digests = [hashlib.sha256(data).hexdigest() for data in (image.tobytes(), mask.tobytes())]
        self.digests = digests[0], digests[1] if self._mask else ""
        return image, mask, self._mapper.corrected_pixels - corrected

    def _mask_pixels(self, raster: Raster, box: Box) -> np.ndarray:
        if self.scaled == self.size:
            return self._mapper.map_mask(raster.mask(box), (box.height, box.width), "stretch")
        rows = nearest_rows(self.size[0], self.scaled[0])[box.top : box.top + box.height]
        columns = nearest_rows(self.size[1], self.scaled[1])[box.left : box.left + box.width]
        region = Box(int(rows[0]), int(columns[0]), int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1)
        mask = self._mapper.map_mask(raster.mask(region), (region.height, region.width), "stretch")
        taken: np.ndarray = mask[rows - rows[0]][:, columns - columns[0]]
        return taken
