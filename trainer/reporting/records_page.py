"""Records page: a folder of records -> one self-contained HTML page, with images read back from its shards."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from converter.dataset.example import Record
from converter.dataset.manifest import Manifest, SplitInfo
from converter.dataset.parse import read_manifest
from converter.dataset.reader import RecordSource
from converter.errors import REBUILD, DataError
from converter.limits import MAX_PAGE_PLACES
from converter.pages.parts import (
    DOT,
    bar,
    command,
    counted,
    facts,
    image,
    legend,
    page_of,
    percent,
    section,
    split_key,
    swatch,
    table,
    text_of,
    with_code,
    with_note,
)
from converter.pixels.images import encode_jpeg
from converter.pixels.overlays import overlay
from converter.schema import IGNORE_INDEX
from trainer.evaluation.drawing import JPEG_QUALITY, drawn_image, nearest
from trainer.reporting.skipped import Skipped, skipped_pairs
from trainer.run.info import seal_of_records

SHOWN_RECORDS = 12  # over all splits
SHOWN_SIZES = 8
SHOWN_CLASSES = 6  # in words, of one record


def records_page(folder: Path) -> str:
    """Returns the HTML text of a folder of records; the same records give the same text.

    Raises:
      UsageError: there is no finished dataset.
      DataError: the manifest, a shard that is read, or errors.jsonl is damaged.
    """
    manifest = read_manifest(folder)
    skipped = skipped_pairs(folder, manifest)
    sections = [
        _header(folder, manifest),
        _remarks(manifest),
        _classes(manifest),
        _splits(manifest),
        _sizes(manifest),
        _skipped(skipped),
        _records(folder, manifest),
        _facts(manifest),
        _verify(folder, manifest),
    ]
    return page_of(f"{manifest.name}: segconv report", sections)


def _header(folder: Path, manifest: Manifest) -> str:
    splits = manifest.splits.values()
    lead = [counted(sum(split.records for split in splits), "record"), counted(len(manifest.splits), "split")]
    lead += [counted(manifest.num_classes, "class", "classes"), _size_text(manifest)]
    skipped = sum(split.skipped for split in splits)
    notes = [f"{name} {split.records:,}" for name, split in manifest.splits.items()]
    notes += [f"{counted(skipped, 'pair')} skipped" if skipped else "no pair skipped"]
    return f"""<header>
<p class="kicker">segconv report</p>
<h1>{text_of(manifest.name)}</h1>
<p class="lead">{DOT.join(lead)}</p>
<p class="note">Records <code>{text_of(folder)}</code></p>
<p class="verdict plain">{"".join(f"<span>{text_of(note)}</span>" for note in notes)}</p>
</header>"""


def _size_text(manifest: Manifest) -> str:
    return "several sizes" if manifest.size is None else f"{manifest.size[0]} high × {manifest.size[1]} wide"


def _remarks(manifest: Manifest) -> str:
    """Returns what a reader should know before training on them."""
    found = []
    for name, split in manifest.splits.items():
        absent = [
            entry.name
            for entry, pixels in zip(manifest.classes, split.pixels, strict=True)
            if split.records and not pixels
        ]
        if absent:
            found.append(f"Split {name!r} has no pixel of: {', '.join(absent)}.")
        total = sum(split.pixels) + split.ignored_pixels - split.padded_pixels
        ignored = split.ignored_pixels - split.padded_pixels
        if total and ignored > total / 2:
            found.append(f"Split {name!r}: {ignored / total:.0%} of the pixels are ignored, padding not counted.")
    items = "\n".join(
        f'<li class="warning"><p><span class="badge">warning</span> {text_of(what, 600)}</p></li>' for what in found
    )
    return section("warnings", "Warnings", f'<ol class="problems">\n{items}\n</ol>') if found else ""


def _classes(manifest: Manifest) -> str:
    """Returns the share of each class in each split."""
    splits = manifest.splits
    heads = "".join(
        f'<th scope="col" class="n">{split_key(place)}{text_of(name)}</th><th scope="col" class="n">images</th>'
        for place, name in enumerate(splits)
    )
    totals = {name: sum(split.pixels) or 1 for name, split in splits.items()}
    rows = []
    for entry in manifest.classes:
        shares = [split.pixels[entry.id] / totals[name] for name, split in splits.items()]
        cells = "".join(
            f'<td class="n">{percent(share) if share else "none"}</td><td class="n">{split.images[entry.id]:,}</td>'
            for share, split in zip(shares, splits.values(), strict=True)
        )
        bars = "".join(bar(share, f"split{place % 3}") for place, share in enumerate(shares))
        label = f'{swatch(entry.color)}<span class="note index">{entry.id}</span> {text_of(entry.name)}'
        rows.append(f'<tr><th scope="row">{label}</th><td class="bars">{bars}</td>{cells}</tr>')
    note = (
        "Share of the labelled pixels of each split, and the number of images with the class. Bars have a square-root "
        "scale, on which rare classes stay visible; they are in the order of the splits."
    )
    head = f'<th scope="col">Class</th><th scope="col">Share</th>{heads}'
    return section("classes", "Class balance", f'<p class="note">{note}</p>\n{table("classes", head, rows)}')


def _splits(manifest: Manifest) -> str:
    names = ("Records", "Shards", "MB", "Skipped pairs", "Ignored pixels", "of which padding")
    head = '<th scope="col">Split</th>' + "".join(f'<th scope="col" class="n">{name}</th>' for name in names)
    rows = []
    for name, split in manifest.splits.items():
        total = (sum(split.pixels) + split.ignored_pixels) or 1
        shares = [percent(pixels / total) for pixels in (split.ignored_pixels, split.padded_pixels)]
        numbers = [f"{split.records:,}", f"{len(split.shards):,}", f"{split.bytes / 1e6:.1f}", f"{split.skipped:,}"]
        cells = "".join(f'<td class="n">{text}</td>' for text in numbers + shares)
        rows.append(f'<tr><th scope="row">{text_of(name)}</th>{cells}</tr>')
    return section("splits", "Splits", table("splits", head, rows))


def _sizes(manifest: Manifest) -> str:
    """Returns the sizes of the photographs before they were resized."""
    sizes = Counter[tuple[int, int]]()
    for split in manifest.splits.values():
        sizes.update({(height, width): images for height, width, images in split.sizes})
    others = sum(split.other_sizes for split in manifest.splits.values())
    others += sum(images for _, images in sizes.most_common()[SHOWN_SIZES:])
    if not sizes:
        return ""
    head = '<th scope="col">Height × width</th><th scope="col" class="n">Images</th>'
    rows = [
        f'<tr><th scope="row">{height:,} × {width:,}</th><td class="n">{images:,}</td></tr>'
        for (height, width), images in sizes.most_common(SHOWN_SIZES)
    ]
    more = f'<p class="note">and {counted(others, "image")} of other sizes</p>' if others else ""
    return section("sizes", "Sizes of the photographs", table("sizes", head, rows) + more)


def _skipped(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return ""
    codes = Counter(each.code for each in skipped).most_common()
    note = DOT.join(f"{text_of(code)} {count:,}" for code, count in codes)
    items = "\n".join(
        f"<li><code>{text_of(each.where)}</code> {text_of(each.code)}: {text_of(each.what, 400)}. "
        f'<span class="note">{with_code(text_of(each.fix, 400))}</span></li>'
        for each in skipped[:MAX_PAGE_PLACES]
    )
    rest = len(skipped) - MAX_PAGE_PLACES
    more = f'<p class="note">and {rest:,} more, in errors.jsonl</p>' if rest > 0 else ""
    return section("skipped", "Skipped pairs", f'<p class="note">{note}</p>\n<ul class="plain">{items}</ul>{more}')


def _records(folder: Path, manifest: Manifest) -> str:
    """Returns some records of each split, evenly spaced, with their classes overlaid."""
    names = [name for name, split in manifest.splits.items() if split.records]
    if not names:
        return ""
    each = max(1, SHOWN_RECORDS // len(names))
    figures = [
        _figure(record, name, number, manifest)
        for name in names
        for number, record in _some(folder, name, manifest.splits[name], each)
    ]
    items = [f"{swatch(entry.color)}{text_of(entry.name)}" for entry in manifest.classes]
    marks = f"<li>{swatch(None, 'ignored')}ignored</li>"
    note = "Read back from the shards: stored images with their stored classes overlaid, and the largest ones in words."
    grid = '<div class="grid">\n' + "\n".join(figures) + "\n</div>"
    return section("records", "Records", f'<p class="note">{note}</p>\n{legend(items, marks)}\n{grid}')


def _some(folder: Path, name: str, split: SplitInfo, count: int) -> Iterator[tuple[int, Record]]:
    source = RecordSource(folder, name)
    for number in np.unique(np.linspace(0, split.records - 1, count).round().astype(int)).tolist():
        yield number, source[number]


def _figure(record: Record, split: str, number: int, manifest: Manifest) -> str:
    pixels, mask = record.image, record.mask
    if pixels.shape[:2] != mask.shape:
        raise DataError(record.file_name, "has another size than its mask in the record", REBUILD, "E_RECORD")
    small = drawn_image(pixels)
    height, width = small.shape[:2]
    drawn = overlay(small, nearest(mask, (height, width)), [entry.color for entry in manifest.classes])
    shares = np.bincount(mask.ravel(), minlength=IGNORE_INDEX + 1) / mask.size
    names = [*manifest.class_names, *("ignored",) * (IGNORE_INDEX + 1 - manifest.num_classes)]
    largest = np.argsort(-shares, kind="stable")[:SHOWN_CLASSES]
    in_words = ", ".join(f"{text_of(names[n], 40)} {shares[n]:.0%}" for n in largest.tolist() if shares[n])
    tag = image(f"Image {record.file_name} with its classes overlaid", _jpeg(drawn), (height, width))
    note = f'<span class="note">{text_of(split)} {number}{DOT}{in_words}</span>'
    caption = f"<figcaption>{text_of(record.file_name)}<br>{note}</figcaption>"
    return f'<figure><div class="images">{tag}</div>{caption}</figure>'


def _jpeg(pixels: np.ndarray) -> bytes:
    return encode_jpeg(Image.fromarray(pixels), JPEG_QUALITY)


def _facts(manifest: Manifest) -> str:
    splits = manifest.splits.values()
    items = [("Stored size", with_note(_size_text(manifest), f"fit {text_of(manifest.fit)}"))]
    items += [("Layout", text_of(manifest.layout))] if manifest.layout else []
    items += [("Class map", with_note(text_of(manifest.class_map), text_of(manifest.class_map_kind)))]
    items += [("Ignored values", text_of(", ".join(manifest.ignore_values)))] if manifest.ignore_values else []
    for name, text in (
        ("turned", "rotated upright by EXIF orientation"),
        ("unturned", "left as stored, like their masks, in spite of their EXIF orientation"),
        ("kept", "stored unmodified"),
    ):
        count = sum(getattr(split, name) for split in splits)
        items += [("Images", f"{count:,} {text}")] if count else []
    corrected = sum(split.corrected_pixels for split in splits)
    items += [("Mask pixels", f"{corrected:,} mapped to the nearest listed colour")] if corrected else []
    channels = next((split.channels for split in splits if split.channels), None)
    if channels is not None:
        means, stds = (" ".join(f"{value:.1f}" for value in each) for each in (channels.mean, channels.std))
        first = text_of(next(name for name, split in manifest.splits.items() if split.channels))
        items.append((f"Channels of {first}", with_note(f"mean {means}", f"standard deviation {stds}")))
    versions = DOT.join(f"{text_of(name)} {text_of(number)}" for name, number in manifest.written_by.items())
    items += [("Versions", versions)] if versions else []
    return facts("build", "Build", items)


def _verify(folder: Path, manifest: Manifest) -> str:
    note = (
        "This page was made from the manifest and the records that it shows; nothing else was verified. The command "
        "below verifies every byte. The seal is the same for the same records."
    )
    line = f"segconv verify {shlex.quote(str(folder))}"
    seal = f'<p class="note">seal <code>{seal_of_records(manifest)}</code></p>'
    return section("verify", "Verify them", f'<p class="note">{note}</p>\n{command(line)}\n{seal}')
