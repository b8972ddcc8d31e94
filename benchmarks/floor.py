"""Floor: a lower bound for the cost of a build step, stage by stage, from the fastest maintained C bindings.

    python benchmarks/environments.py floor && build/bench/environments/floor/bin/python benchmarks/floor.py DIR SIZE

DIR is a dataset of `datasets.py`, SIZE is HEIGHTxWIDTH of the records. It runs in the environment "floor", which has
the Pillow and NumPy versions that segconv is measured with, and the rivals of each stage. The first line of every stage
is what segconv calls; the fast floor is the sum of the fastest lines. A rival that resizes or maps masks counts only
where its labels are equal; one that deflates, only where its output is at most MORE_BYTES times as large.

segconv's whole step runs on the same pairs in the same process. In each round segconv's own calls come first, without
rivals in between, then the step, then the rivals. Figures are CPU time of the process in milliseconds, all threads: the
median of the rounds for each pair, then the mean over the pairs, because the cost of a segconv run is a mean as well.

The bare decode loop is the floor of reading: it decodes the JPEG and PNG of the records that the step has made.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import statistics
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pyspng
import simplejpeg
from isal import isal_zlib
from kornia_rs.io import decode_image_png_u8
from PIL import Image
from zlib_ng import zlib_ng

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the segconv of this tree, not an installed one

from converter.building.convert import level_sums, make_record
from converter.building.shards import SourceReader
from converter.classes.mapper import MaskMapper
from converter.classes.native import read_class_map
from converter.config import PairConfig, SourceConfig, parse_size
from converter.dataset.example import Record, encode_record
from converter.dataset.tfrecord import ShardWriter
from converter.engines.local import keep_freed_memory
from converter.pixels.geometry import cut, place
from converter.pixels.masks import count_classes
from converter.pixels.resample import nearest_rows, resize_nearest
from converter.sources.layouts.find import find_layout
from converter.sources.refs import ExampleRef

QUALITY = 95
MORE_BYTES = 1.1  # times those of zlib at level 1
REDUCED = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4}
BEYOND = "beyond"  # extra work of segconv for every pair: not a conversion stage, so not in the fast floor

OWN = "own stages"  # summed per round: separate minima would add up to less than any round

Rivals = dict[str, Callable[[], object]]


class Floor:
    """Times the stages of one dataset.

    Attributes:
      times: stage -> rival -> pair -> CPU seconds, one entry per round.
      has_rivals: whether the rivals run now, instead of segconv's own calls.
      refused: rivals with a wrong result.
    """

    def __init__(self, source: Path, size: tuple[int, int]) -> None:
        self.where = SourceConfig(source)
        self.classes = read_class_map(source / "classes.csv")
        self.config = PairConfig(size)
        self.mapper = MaskMapper(self.classes)
        self.table = np.zeros(1 << 24, np.uint8)
        for (red, green, blue), index in self.classes.rgb.items():
            self.table[red | green << 8 | blue << 16] = index + 1
        self.times: dict[str, dict[str, dict[str, list[float]]]] = {}
        self.refused: set[str] = set()
        self.has_rivals = False
        self.spent_s = 0.0
        self.writer = ShardWriter(tempfile.TemporaryFile())  # noqa: SIM115  # closed with the process

    def stages(self, ref: ExampleRef, *, has_rivals: bool) -> None:
        """Runs every stage on one pair: segconv's own calls, or the rivals of each."""
        self.has_rivals, self.spent_s = has_rivals, 0.0
        image_path, mask_path = self.where.src / ref.image, self.where.src / ref.mask
        data, mask_data = self.race("read", ref, {"open": lambda: (image_path.read_bytes(), mask_path.read_bytes())})
        image = self.image(ref, data)
        mask = self.labels(ref, mask_data)
        png = self.race("deflate", ref, self.deflaters(mask), self.is_small)
        record = Record(image, png, ref.image, ref.mask, (1, 1))
        self.race("record", ref, {"segconv": lambda: self.writer.write(encode_record(record))})
        if not has_rivals:
            self.note(OWN, "segconv", ref, self.spent_s)

    def whole(self, ref: ExampleRef) -> None:
        """Runs the whole step on one pair, then its extra work besides the stages, and decodes its output."""
        self.has_rivals = False
        record = self.race("step", ref, {"segconv": lambda: self.step(ref)})
        paths = self.where.src / ref.image, self.where.src / ref.mask
        files = [path.read_bytes() for path in paths]
        digests = {"digests of the sources": lambda: [hashlib.sha256(data).digest() for data in files]}
        self.race(f"{BEYOND}: digests", ref, digests)
        image, mask = _decoded(record.image_bytes), np.asarray(_decoded(record.mask_bytes))
        box = place((_decoded(files[0]).height, _decoded(files[0]).width), mask.shape, "pad").box
        counts = {"counts": lambda: (level_sums(image, box), count_classes(cut(mask, box), self.classes.num_classes))}
        self.race(f"{BEYOND}: counts", ref, counts)
        decoders: Rivals = {"pillow": lambda: (_decoded(record.image_bytes), _decoded(record.mask_bytes))}
        self.race("decode loop", ref, decoders)
        self.has_rivals = True
        self.race("decode loop", ref, {**decoders, **_fast_decoders(record)})

    def image(self, ref: ExampleRef, data: bytes) -> bytes:
        """Runs the stages of the image and returns its JPEG bytes."""
        header = Image.open(io.BytesIO(data))
        height, width = header.height, header.width
        target, stored = self.box((height, width)), self.config.size or (height, width)
        factor = next(
            step for step in (4, 2, 1) if (step * target[0] <= height and step * target[1] <= width) or step == 1
        )
        decoded = self.race("JPEG decode", ref, _image_decoders(data, (height // factor, width // factor), factor))
        pixels = self.pixels(decoded)
        if (decoded.height, decoded.width) != target:
            wanted = target[1], target[0]
            rivals: Rivals = {"pillow": lambda: decoded.resize(wanted, Image.Resampling.BILINEAR)}
            rivals["opencv area"] = lambda: cv2.resize(pixels, wanted, interpolation=cv2.INTER_AREA)
            resized = self.race("resize", ref, rivals)
        else:
            resized = decoded
        if target != stored:
            corner = (stored[1] - target[1]) // 2, (stored[0] - target[0]) // 2
            resized = self.race("pad", ref, {"pillow": lambda: _pasted(resized, stored, corner)})
        pixels = self.pixels(resized)
        bgr = pixels[..., ::-1].copy() if self.has_rivals else pixels
        rivals = {
            "pillow": lambda: _encoded(resized),
            "simplejpeg": lambda: simplejpeg.encode_jpeg(pixels, QUALITY, "RGB", "420"),
            "opencv": lambda: cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY]),
        }
        return self.race("JPEG encode", ref, rivals)

    def labels(self, ref: ExampleRef, mask_data: bytes) -> np.ndarray:
        """Runs the stages of the mask and returns its class indices without padding."""
        shape = cv2.imdecode(np.frombuffer(mask_data, np.uint8), cv2.IMREAD_COLOR_RGB).shape[:2]
        rivals: Rivals = {
            "kornia-rs": lambda: decode_image_png_u8(mask_data, shape, "rgb"),
            "pillow": lambda: _decoded(mask_data),
            "opencv": lambda: cv2.imdecode(np.frombuffer(mask_data, np.uint8), cv2.IMREAD_COLOR_RGB),
            "pyspng": lambda: pyspng.load(mask_data),
            "imagecodecs libspng": lambda: imagecodecs.spng_decode(mask_data),
            "imagecodecs libpng": lambda: imagecodecs.png_decode(mask_data),
        }
        pixels = self.race("PNG decode", ref, rivals, is_same)
        target = self.box(shape)
        if target[0] * target[1] < shape[0] * shape[1]:  # the look-up runs on the smaller of the two
            return self.looked_up(self.sampled(pixels, target, ref), ref)
        mask = self.looked_up(pixels, ref)
        return mask if shape == target else self.sampled(mask, target, ref)

    def sampled(self, pixels: np.ndarray, size: tuple[int, int], ref: ExampleRef) -> np.ndarray:
        """Runs the stage that resamples uint8 [H, W] or [H, W, 3] to (height, width)."""
        wanted = size[1], size[0]
        rows, columns = (nearest_rows(old, new) for old, new in zip(pixels.shape, size, strict=False))
        rivals: Rivals = {
            "numpy, pillow": lambda: np.asarray(resize_nearest(Image.fromarray(pixels.take(rows, 0)), size)),
            "numpy take": lambda: pixels.take(rows, 0).take(columns, 1),
            "pillow": lambda: np.asarray(Image.fromarray(pixels).resize(wanted, Image.Resampling.NEAREST)),
            "opencv exact": lambda: cv2.resize(pixels, wanted, interpolation=cv2.INTER_NEAREST_EXACT),
        }
        if pixels.ndim == 2:  # as segconv does with class indices
            rivals = {name: rivals[name] for name in ("pillow", "numpy, pillow", "numpy take", "opencv exact")}
        return self.race("nearest", ref, rivals, is_same)

    def looked_up(self, pixels: np.ndarray, ref: ExampleRef) -> np.ndarray:
        """Runs the stage that maps colours uint8 [H, W, 3] to class indices uint8 [H, W]."""

        def mapped(packed: np.ndarray) -> np.ndarray:
            codes = self.table.take(packed & 0xFFFFFF)
            if not codes.all():
                raise ValueError(f"{ref.mask} holds an unlisted colour")
            return codes.reshape(pixels.shape[:2]) - np.uint8(1)

        rivals: Rivals = {
            "pillow + numpy": lambda: mapped(np.frombuffer(Image.fromarray(pixels).tobytes("raw", "RGBX"), "<u4")),
            "opencv + numpy": lambda: mapped(cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA).view("<u4")),
        }
        return self.race("look-up", ref, rivals, is_same)

    def deflaters(self, mask: np.ndarray) -> Rivals:
        """Returns the compressors of a mask's PNG data: letterboxed, without filters, at the fastest level."""
        height, width = self.config.size or mask.shape
        top, left = (height - mask.shape[0]) // 2, (width - mask.shape[1]) // 2

        def rows() -> bytes:
            padded = np.zeros((height, width + 1), np.uint8)
            padded[:, 1:] = 255
            padded[top : top + mask.shape[0], 1 + left : 1 + left + mask.shape[1]] = mask
            return padded.tobytes()

        return {
            "zlib": lambda: zlib.compress(rows(), 1),
            "zlib-ng": lambda: zlib_ng.compress(rows(), 1),
            "isa-l": lambda: isal_zlib.compress(rows(), 1),
            "libdeflate": lambda: imagecodecs.deflate_encode(rows(), 1, raw=False),
        }

    def step(self, ref: ExampleRef) -> Record:
        """Runs the build step on one pair."""
        record, _ = make_record(ref, self.where, self.mapper, self.config, SourceReader(self.where))
        self.writer.write(encode_record(record))
        return record

    def box(self, source: tuple[int, int]) -> tuple[int, int]:
        """Returns the (height, width) of an image after letterboxing, without padding."""
        size = self.config.size or source
        scale = min(size[0] / source[0], size[1] / source[1])
        return min(size[0], round(source[0] * scale)), min(size[1], round(source[1] * scale))

    def is_small(self, result: object, first: object) -> bool:
        """Returns whether a rival's deflated bytes inflate to the same data and are not much larger."""
        return len(result) <= MORE_BYTES * len(first) and zlib.decompress(result) == zlib.decompress(first)

    def race(
        self, stage: str, ref: ExampleRef, rivals: Rivals, is_right: Callable[[object, object], bool] | None = None
    ) -> object:
        """Times the first one, or all others while rivals run, and returns the result of the first.

        segconv's own calls are timed without rivals in between, which would change the state of caches and allocator.
        """
        (first, work), *others = rivals.items()
        start = time.process_time()
        wanted = work()
        if not self.has_rivals:
            spent_s = time.process_time() - start
            self.note(stage, first, ref, spent_s)
            self.spent_s += spent_s
            return wanted
        for name, rival in others:
            start = time.process_time()
            result = rival()
            self.note(stage, name, ref, time.process_time() - start)
            if is_right and not is_right(result, wanted):
                self.refused.add(f"{stage}: {name}")
        return wanted

    def note(self, stage: str, name: str, ref: ExampleRef, seconds: float) -> None:
        """Records a time."""
        self.times.setdefault(stage, {}).setdefault(name, {}).setdefault(ref.image, []).append(seconds)

    def pixels(self, image: Image.Image) -> np.ndarray:
        """Returns a copy of the pixels for the rivals; empty while none run."""
        return np.asarray(image) if self.has_rivals else np.empty(0)

    def table_of_ms(self) -> dict[str, dict[str, float]]:
        """Returns stage -> rival -> milliseconds per pair, without refused rivals."""
        return {
            stage: {
                name: 1e3 * statistics.fmean(map(statistics.median, seconds.values()))
                for name, seconds in rivals.items()
                if f"{stage}: {name}" not in self.refused
            }
            for stage, rivals in self.times.items()
        }


def sums(table: dict[str, dict[str, float]]) -> dict[str, float]:
    """Returns the sums used in comparisons, in milliseconds per pair."""
    stages = [rivals for stage, rivals in table.items() if not stage.startswith((OWN, "step", "decode loop", BEYOND))]
    return {
        "own stages": table[OWN]["segconv"],
        "counted and hashed": sum(rivals[next(iter(rivals))] for stage, rivals in table.items() if BEYOND in stage),
        "fast floor": sum(min(rivals.values()) for rivals in stages),
        "step": table["step"]["segconv"],
        "decode loop": table["decode loop"]["pillow"],
        "fast decode loop": min(table["decode loop"].values()),
    }


def is_same(result: object, first: object) -> bool:
    """Returns whether two images have the same pixels."""
    return np.array_equal(result, first)


def _decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def _encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY, subsampling="4:2:0")
    return buffer.getvalue()


def _pasted(image: Image.Image, size: tuple[int, int], corner: tuple[int, int]) -> Image.Image:
    padded = Image.new("RGB", (size[1], size[0]))
    padded.paste(image, corner)
    return padded


def _image_decoders(data: bytes, size: tuple[int, int], factor: int) -> Rivals:
    """Returns the decoders of an image at a reduced size (height, width), 1/`factor` of the full size."""

    def drafted() -> Image.Image:
        image = Image.open(io.BytesIO(data))
        image.draft(None, (size[1], size[0]))
        image.load()
        return image

    rivals: Rivals = {
        "pillow": drafted,
        "simplejpeg": lambda: simplejpeg.decode_jpeg(data, "RGB", min_height=size[0], min_width=size[1]),
        "opencv": lambda: cv2.imdecode(np.frombuffer(data, np.uint8), REDUCED[factor]),
    }
    if factor == 1:
        rivals["imagecodecs"] = lambda: imagecodecs.jpeg8_decode(data)
    return rivals


def _fast_decoders(record: Record) -> Rivals:
    image, mask = record.image_bytes, record.mask_bytes
    return {
        "simplejpeg, pyspng": lambda: (simplejpeg.decode_jpeg(image, "RGB"), pyspng.load(mask)),
        "simplejpeg, imagecodecs": lambda: (simplejpeg.decode_jpeg(image, "RGB"), imagecodecs.spng_decode(mask)),
        "opencv": lambda: [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) for data in (image, mask)],
    }


def main() -> None:
    """Times the given dataset."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=Path)
    parser.add_argument("size", type=parse_size)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="Print one JSON object instead of the table.")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    keep_freed_memory()  # as a worker does
    floor = Floor(arguments.dir, arguments.size)
    refs = find_layout(floor.where).refs["train"][: arguments.pairs]
    for _ in range(arguments.rounds):
        for ref in refs:
            floor.stages(ref, has_rivals=False)
        for ref in refs:
            floor.whole(ref)
        for ref in refs:
            floor.stages(ref, has_rivals=True)
    table = floor.table_of_ms()
    if arguments.json:
        print(json.dumps({"stages": table, "sums": sums(table), "refused": sorted(floor.refused)}))
        return
    for stage, rivals in table.items():
        for number, (name, cost) in enumerate(rivals.items()):
            print(f"{'' if number else stage:20}{name:26}{cost:8.3f} ms")
    for stage in sorted(floor.refused):
        print(f"different result, or larger: {stage}")
    for name, cost in sums(table).items():
        print(f"{name:46}{cost:8.3f} ms")


if __name__ == "__main__":
    main()
