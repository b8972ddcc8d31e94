"""Report: what a build did, and which pairs it refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.dataset.manifest import Manifest
from converter.errors import DataError, shown
from converter.sources.refs import Reject
from converter.system.console import table

SHOWN_REJECTS = 50  # on the console; more would scroll the first ones away
REMARKS = {  # notes on the pairs: field of SplitInfo -> a line of the report
    "turned": "images rotated upright by EXIF orientation: {:,}",
    "unturned": "images not rotated by EXIF orientation, since their masks match them unrotated: {:,}",
    "corrected_pixels": "mask pixels mapped to the nearest listed colour: {:,}",
    "kept": "images stored unmodified: {:,}",
    "dropped": "tiles dropped, as more of them than --max-ignored is ignored: {:,}",
}


@dataclass(frozen=True)
class BuildReport:
    """What a build did.

    Attributes:
      out: folder of the records.
      manifest: as written.
      rejects: pairs that were left out.
      reused: number of shards that had been built before.
      is_up_to_date: there was nothing to do, and nothing was written.
      seconds: wall time.
      unreadable_names: whether files were left out since their names are not UTF-8.
    """

    out: Path
    manifest: Manifest
    rejects: list[Reject]
    reused: int = 0
    is_up_to_date: bool = False
    seconds: float = 0.0
    unreadable_names: bool = False

    def to_json(self) -> dict[str, Any]:
        """Returns the object that `segconv build --json` prints."""
        splits = self.manifest.splits
        return {
            "out": str(self.out),
            "name": self.manifest.name,
            "size": list(self.manifest.size) if self.manifest.size else None,
            "classes": list(self.manifest.class_names),
            "splits": {
                name: {"records": split.records, "shards": len(split.shards), "bytes": split.bytes}
                for name, split in splits.items()
            },
            "skipped": len(self.rejects),
            **self._sums(),
            "shards_built": sum(len(split.shards) for split in splits.values()) - self.reused,
            "shards_reused": self.reused,
            "seconds": round(self.seconds, 3),
        }

    def to_text(self) -> str:
        """Returns the report as `segconv build` prints it."""
        manifest = self.manifest
        rows: list[tuple[str, ...]] = [("split", "records", "shards", "MB", "skipped")]
        for name, split in manifest.splits.items():
            megabytes = f"{split.bytes / 1e6:.1f}"
            rows.append((name, str(split.records), str(len(split.shards)), megabytes, str(split.skipped)))
        head = f"{shown(self.out)}: {shown(manifest.name)}, {manifest.num_classes} classes"
        if self.is_up_to_date:
            head += "; up to date"
        elif self.reused:
            head += f"; {self.reused} of {len(list(manifest.shards()))} shards reused"
        notes = [REMARKS[name].format(count) for name, count in self._sums().items() if count]
        return "\n\n".join([head, table(rows), *(["\n".join(notes)] if notes else [])])

    def _sums(self) -> dict[str, int]:
        """Returns the counts of all splits together, by the names of REMARKS."""
        return {name: sum(getattr(split, name) for split in self.manifest.splits.values()) for name in REMARKS}


def one_class(manifest: Manifest) -> list[str]:
    """Returns a warning for each split whose masks all hold the same single class, as `segconv check` has it."""
    lines = []
    for name, split in manifest.splits.items():
        there = [index for index, pixels in enumerate(split.pixels) if pixels]
        if len(there) == 1 and manifest.num_classes > 1:
            what = f"{shown(name)}: all masks hold only {shown(manifest.class_names[there[0]])!r}"
            lines.append(f"Warning W_EMPTY_MASK: {what}. Check whether the masks are finished.")
    return lines


class RefusedPairsError(DataError):
    """Pairs were refused; nothing was built."""

    def __init__(
        self, rejects: list[Reject], num_pairs: int, fix: str, limit: str = "", result: str = "nothing was built"
    ) -> None:
        codes = ", ".join(f"{count} {code}" for code, count in Counter(r.error.code for r in rejects).most_common())
        what = f"{len(rejects)} of {num_pairs} pairs were refused ({', '.join(filter(None, [codes, limit]))})"
        super().__init__("segconv build", f"{what}, so {result}", fix, "E_REFUSED")
        self.rejects = rejects


def rejects_text(rejects: list[Reject], heading: str, *, limit: int | None) -> list[str]:
    """Returns one line for each refused pair, at most `limit` of them, each after a heading such as "Error"."""
    lines = [f"{heading}: {reject}" for reject in rejects[:limit]]
    hidden = len(rejects) - len(lines)
    return [*lines, f"... and {hidden} more; redirect with 2> errors.txt to see all"] if hidden else lines
