"""Blocks: a few large photographs -> lists of blocks of them, so that one photograph can be in all splits."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from converter.checking.split_plan import SplitConfig
from converter.config import PairConfig, SourceConfig
from converter.errors import DataError, UsageError
from converter.pixels.geometry import Box
from converter.sources.refs import ExampleRef
from converter.sources.sizes import planned_sizes
from converter.system.console import table


@dataclass(frozen=True)
class BlockPlan:
    """Which block of which photograph goes into which split.

    Attributes:
      config: of the split.
      refs: blocks of each split, by photograph, from top to bottom; their `split` is the previous one.
    """

    config: SplitConfig
    refs: dict[str, tuple[ExampleRef, ...]]

    def to_text(self) -> str:
        """Returns the report: blocks and pixels of each split."""
        total = sum(self._pixels().values()) or 1
        rows: list[tuple[str, ...]] = [("split", "blocks", "pixels", "share")]
        for split, pixels in self._pixels().items():
            rows.append((split, str(len(self.refs[split])), f"{pixels:,}", f"{pixels / total:.1%}"))
        return table(rows)

    def to_json(self) -> dict[str, object]:
        """Returns the report as one JSON object."""
        pixels = self._pixels()
        splits = {split: {"blocks": len(refs), "pixels": pixels[split]} for split, refs in self.refs.items()}
        return {"command": self.config.command(), "splits": splits}

    def _pixels(self) -> dict[str, int]:
        return {
            split: sum(ref.window.height * ref.window.width for ref in refs if ref.window)
            for split, refs in self.refs.items()
        }


def block_boxes(size: tuple[int, int], side: int, gap: int) -> list[Box]:
    """Returns the blocks of a photograph, row by row: nearly equal, with sides near `side`, `gap` pixels apart."""
    rows, columns = (_ranges(length, side, gap) for length in size)
    return [Box(top, left, bottom - top, right - left) for top, bottom in rows for left, right in columns]


def _ranges(length: int, side: int, gap: int) -> list[tuple[int, int]]:
    count = max(1, round(length / side))
    edges = [length * number // count for number in range(count + 1)]
    before, after = gap // 2, gap - gap // 2
    return [
        (edges[number] + (after if number else 0), edges[number + 1] - (before if number < count - 1 else 0))
        for number in range(count)
    ]


def make_blocks(refs: Sequence[ExampleRef], source: SourceConfig, config: SplitConfig) -> BlockPlan:
    """Divides photographs into blocks, and draws the split of each at random, by a seeded hash of its place.

    Args:
      refs: the photographs, of which those of an existing test split stay there unless --test is given; their sizes are
        read from headers.
      source: where they are.
      config: how to split them.

    Raises:
      UsageError: there are fewer blocks than splits.
      DataError: the size of a photograph cannot be read.
    """
    kept = tuple(ref for ref in refs if ref.split == "test" and not config.test)
    refs = [ref for ref in refs if ref not in kept]
    blocks = []
    for ref in {ref.files: replace(ref, window=None) for ref in refs}.values():
        sizes = planned_sizes(ref, source, PairConfig(fit="tile"))
        if sizes is None:
            raise DataError(
                ref.image, "cannot be read, or its mask cannot", "Run segconv check to see why.", "E_UNREADABLE"
            )
        blocks += [replace(ref, window=box) for box in block_boxes(sizes[0], config.blocks, config.gap)]
    shares = config.shares()
    if len(blocks) < len(shares):
        what = f"gives {len(blocks)} block{'s' * (len(blocks) != 1)} for {len(shares)} splits"
        raise UsageError("--blocks", f"{config.blocks} {what}", "Use smaller blocks.")
    left = sorted(blocks, key=lambda ref: hashlib.sha256("\0".join((str(config.seed), *ref.key)).encode()).digest())
    found: dict[str, tuple[ExampleRef, ...]] = {}
    for split in list(shares)[::-1]:  # train is what the others leave
        count = len(left) if split == "train" else max(1, round(shares[split] * len(blocks)))
        found[split] = tuple(sorted(left[:count], key=lambda ref: (ref.files, ref.window or ())))
        left = left[count:]
    if not found["train"]:
        raise UsageError("--blocks", f"{config.blocks} leaves no block for train", "Use smaller blocks.")
    return BlockPlan(config, {split: found[split] for split in shares} | ({"test": kept} if kept else {}))
