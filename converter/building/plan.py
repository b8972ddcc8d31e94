"""Plan: config -> pairs and class map of the source, distributed over shards."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from converter.building.places import store_for
from converter.building.sharding import num_shards, shuffled
from converter.building.shards import ShardTask
from converter.building.store import Store
from converter.classes.background import missing_index
from converter.classes.class_map import ClassMap
from converter.classes.find import FoundClasses, find_class_map
from converter.config import BuildConfig
from converter.errors import SHOWN_WHAT_CHARS, UsageError, shown
from converter.limits import MAX_SHARDS
from converter.schema import IGNORE_INDEX, shard_name
from converter.sources.layouts.find import find_layout
from converter.sources.layouts.layout import Layout
from converter.sources.leaks import Leak, check_leaks, find_copies, place_of, repeated_content
from converter.sources.packed import PackedRefs
from converter.sources.refs import ExampleRef, Reject
from converter.sources.sizes import tiled


def plan_shards(
    split: str, refs: Sequence[ExampleRef], config: BuildConfig, classes: ClassMap, store: Store
) -> list[ShardTask]:
    """Returns the shards of one split.

    Args:
      split: name of the split.
      refs: its pairs, or their tiles, in any order.
      config: what to build.
      classes: which mask value is which class.
      store: where the records are written.
    """
    # At random: the first lines of a list are often one scene.
    ordered = shuffled(refs, config.seed).first(config.limit)
    total = len(ordered.refs)
    count = max(1, min(config.shards or num_shards(total, config.pair, config.shard_mb), total))
    tasks = []
    for shard, part in enumerate(ordered.dealt(count)):
        name = shard_name(config.dataset_name, split, shard, count)
        tasks.append(ShardTask(split, store, name, part, config.source, classes, config.pair))
    return tasks


@dataclass(frozen=True)
class Plan:
    """What a build will do.

    Attributes:
      layout: what was found in the source folder.
      found: its class map.
      tasks: the shards of every split.
      store: where the records are written.
      missing_mask: what an image without a mask is, as in SourceConfig.
      repeats: pairs whose image is in their split twice, under two names.
    """

    layout: Layout
    found: FoundClasses
    tasks: dict[str, list[ShardTask]]
    store: Store
    missing_mask: str = "error"
    repeats: tuple[Leak, ...] = ()

    @property
    def classes(self) -> ClassMap:
        """Which mask value is which class."""
        return self.found.classes

    @property
    def rejects(self) -> list[Reject]:
        """The lines of lists that are not a pair."""
        return list(self.layout.rejects)

    @property
    def num_pairs(self) -> int:
        """Number of pairs in all splits, without rejects; of tiles, that of the pairs that they are cut from."""
        return sum(self.photographs(split) for split in self.tasks)

    def photographs(self, split: str) -> int:
        """Returns the number of pairs of a split, without rejects; of tiles, that of the pairs they are cut from."""
        tasks = self.tasks[split]
        if not any(ref.window for task in tasks for ref in task.refs[:1]):
            return sum(len(task.refs) for task in tasks)
        return len({hash((ref.files, ref.line)) for task in tasks for ref in task.refs})

    @property
    def all_tasks(self) -> list[ShardTask]:
        """The shards of all splits, in order."""
        return [task for tasks in self.tasks.values() for task in tasks]

    def summary_lines(self) -> list[str]:
        """Returns lines that say how the source folder was read, so that the user sees every guess."""
        lines = [f"layout {self.layout.name}: {shown('; '.join(self.layout.evidence), SHOWN_WHAT_CHARS)}"]
        lines.append(f"classes: {len(self.classes.names)} from {shown(self.found.origin)} ({self.found.kind})")
        notes = [*self.found.notes, *missing_mask_notes(self.layout, self.classes, self.missing_mask)]
        return [*lines, *(f"note: {shown(note, SHOWN_WHAT_CHARS)}" for note in notes)]


def missing_mask_notes(layout: Layout, classes: ClassMap, missing_mask: str) -> list[str]:
    """Returns which class the images without a mask get, in words; nothing if all have one.

    Raises:
      UsageError: the class map has no background.
    """
    number = sum(not ref.mask for refs in layout.refs.values() for ref in refs)
    if not number:
        return []
    index = missing_index(classes, missing_mask)
    what = "all ignored" if index == IGNORE_INDEX else f"all {classes.name_of(index)!r}, class {index}"
    return [f"{number} image{'s' * (number > 1)} without a mask: {what}"]


def tiles_of(refs: Sequence[ExampleRef], config: BuildConfig) -> Sequence[ExampleRef]:
    """Returns the tiles of the pairs of a split that a build takes; the pairs themselves where it makes no tiles.

    Raises:
      UsageError: a photograph has too many tiles, or a list names blocks and the build makes no tiles.
      MachineError: the disk failed.
    """
    if config.pair.tile is None:
        if block := next((ref for ref in refs if ref.window), None):
            what = f"names a block of {shown(block.image)}, which is stored in tiles"
            raise UsageError(place_of(block), what, "Pass --fit tile.", "E_LINE")
        return refs
    return tiled(shuffled(refs, config.seed).first(config.limit).refs, config.source, config.pair)


def plan_build(config: BuildConfig, store: Store | None = None) -> Plan:
    """Finds the source's pairs and class map and distributes the pairs over shards.

    Args:
      config: what to build.
      store: where the records are written; None is the local folder config.out.

    Raises:
      UsageError: the source cannot be used, or there would be more than MAX_SHARDS shards.
    """
    layout = find_layout(config.source)
    found = find_class_map(config.source, layout)
    missing_mask_notes(layout, found.classes, config.source.missing_mask)  # fails before a pair is read
    pairs = PackedRefs(ref for refs in layout.refs.values() for ref in refs)
    ends = itertools.accumulate((len(refs) for refs in layout.refs.values()), initial=0)
    splits = zip(layout.refs, itertools.pairwise(ends), strict=True)
    layout = dataclasses.replace(layout, refs={split: pairs[start:end] for split, (start, end) in splits})
    copies = find_copies(config.source, pairs)
    if not config.allow_leak:
        check_leaks(config.source, pairs, copies)
    store = store or store_for(config.out)
    tasks = {
        split: plan_shards(split, tiles_of(refs, config), config, found.classes, store)
        for split, refs in layout.refs.items()
    }
    if (number := sum(map(len, tasks.values()))) > MAX_SHARDS:
        what = f"gives {number:,} shards, and a dataset has at most {MAX_SHARDS:,}"
        raise UsageError("--shards", what, "Use fewer, or leave it out and use a larger --shard-mb.")
    return Plan(layout, found, tasks, store, config.source.missing_mask, tuple(repeated_content(copies)))
