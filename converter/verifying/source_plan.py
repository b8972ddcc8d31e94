"""Source plan: the source as it is now, planned as the manifest says that it was built."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from converter.building.plan import plan_shards
from converter.building.shards import ShardTask
from converter.building.store import Store
from converter.classes.class_map import ClassMap, ClassMapBuilder
from converter.classes.find import find_class_map
from converter.config import MISSING_MASK, BuildConfig, PairConfig, SourceConfig, TileConfig, parse_levels
from converter.dataset.manifest import Manifest
from converter.errors import REPLACE, DataError, UsageError
from converter.schema import IGNORE_INDEX, MANIFEST, RecordKey
from converter.sources.layouts.find import find_layout
from converter.sources.layouts.layout import Layout
from converter.sources.layouts.registry import LAYOUTS
from converter.sources.mirror import local_source
from converter.sources.refs import ExampleRef
from converter.sources.sizes import tiled

FIX_SOURCE = "Restore the sources, or build the dataset again with `segconv build --overwrite`."
StoredRecord = tuple[int, int, RecordKey]  # number, offset and key of a record


@dataclass(frozen=True)
class SourcePlan:
    """The current source, planned with the options of the build that the manifest records.

    Attributes:
      config: of that build, except for the number of shards.
      store: where the records are.
      layout: what was found in the source folder.
      classes: the class map that the records were built with.
      refs: the pairs of each split, or their tiles; with a limit, also those that the build left out.
      tasks: by shard name.
      errors: how the source differs from that of the build.
    """

    config: BuildConfig
    store: Store
    layout: Layout
    classes: ClassMap
    refs: Mapping[str, Sequence[ExampleRef]]
    tasks: Mapping[str, ShardTask]
    errors: list[DataError]


def restored_classes(where: object, manifest: Manifest) -> ClassMap:
    """Returns the class map that the records were built with.

    Args:
      where: path of the manifest, for messages.
      manifest: of the records.

    Raises:
      DataError: the manifest has no valid one.
    """
    builder = ClassMapBuilder()
    try:
        for info in manifest.classes:
            for value in info.values:
                builder.add(info.name, value, info.id)
        for value in manifest.ignore_values:
            builder.add("ignore", value)
        return builder.finish()
    except ValueError as error:
        raise DataError(where, f"has no valid class map: {error}", REPLACE, "E_MANIFEST") from None


def restored_config(where: object, manifest: Manifest, source: SourceConfig, workers: int = 0) -> BuildConfig:
    """Returns the config of the build that the manifest records, except for the number of shards and the output folder.

    Raises:
      DataError: the manifest does not have its options.
    """
    options = manifest.options
    try:
        texts = {name: str(options[name]) for name in ("mask_resample", "image_format")}
        size = tuple(options["size"]) if options["size"] else None
        pair = PairConfig(size, manifest.fit, tolerance=int(options["tolerance"]), tile=_tile(manifest), **texts)
        source = dataclasses.replace(
            source,
            bands=tuple(map(int, options.get("bands", ()))),
            range=options.get("range"),
            levels=parse_levels(str(options["levels"])) if "levels" in options else (),
        )
        limit = None if options["limit"] is None else int(options["limit"])
        seed = int(options["seed"])
        return BuildConfig(source, name=manifest.name, pair=pair, seed=seed, limit=limit, workers=workers)
    except (KeyError, TypeError, ValueError, UsageError) as error:
        what = f"does not have the options of its build ({error})"
        raise DataError(where, what, REPLACE, "E_MANIFEST") from None


def _tile(manifest: Manifest) -> TileConfig | None:
    """Returns how the records were cut; None where they are no tiles."""
    if manifest.fit != "tile":
        return None
    options = manifest.options
    scale, max_ignored = float(options["scale"]), float(options["max_ignored"])
    gsd = None if options.get("gsd") is None else float(options["gsd"])
    return TileConfig(int(options["overlap"]), str(options["edge"]), scale, max_ignored, gsd)


def plan_source(store: Store, source: SourceConfig, manifest: Manifest, workers: int = 0) -> SourcePlan:
    """Plans the build that the manifest records, from the current source.

    Raises:
      UsageError: the source cannot be read.
      DataError: the manifest does not have the options of its build.
    """
    source = local_source(source)
    if source.layout is None and source.image is None and manifest.layout in LAYOUTS:
        source = dataclasses.replace(source, layout=manifest.layout)
    if source.missing_mask == "error" and manifest.options.get("missing_mask") in MISSING_MASK:
        source = dataclasses.replace(source, missing_mask=str(manifest.options["missing_mask"]))
    layout = find_layout(source)
    where = store.where(MANIFEST)
    classes = restored_classes(where, manifest)
    errors = list(_class_errors(source, layout, classes, manifest))
    config = restored_config(where, manifest, source, workers)
    tasks: dict[str, ShardTask] = {}
    refs = {split: tiled(pairs, config.source, config.pair) for split, pairs in layout.refs.items()}
    for split, info in manifest.splits.items():
        as_built = dataclasses.replace(config, shards=len(info.shards))
        own = plan_shards(split, refs.get(split, ()), as_built, classes, store)
        tasks |= {task.name: task for task in own}
        pairs = sum(len(task.refs) for task in own)
        if info.tiles:
            if config.limit is None and pairs != info.tiles.planned:
                what = f"gives {pairs} tiles for split {split!r}, where there were {info.tiles.planned}"
                errors.append(DataError(source.src, what, FIX_SOURCE, "E_SOURCE"))
            continue
        pairs += sum(reject.split == split for reject in layout.rejects)
        # After a build with a limit it is not known which pairs of the list were left out.
        if config.limit is None and pairs != info.records + info.skipped:
            what = f"has {pairs} pairs for split {split!r}, the records were built from {info.records + info.skipped}"
            errors.append(DataError(source.src, what, FIX_SOURCE, "E_SOURCE"))
    return SourcePlan(config, store, layout, classes, refs, tasks, errors)


def _class_errors(source: SourceConfig, layout: Layout, classes: ClassMap, manifest: Manifest) -> Iterator[DataError]:
    """Yields an error where the class map of the source differs from that of the records."""
    try:
        found = find_class_map(source, layout)
    except UsageError:
        if source.classes is not None:
            raise
        return  # the build used one from elsewhere; the manifest has it
    if source.classes is None and Path(found.origin).name != manifest.class_map:
        return
    if found.classes != classes:
        indices = (*range(max(classes.num_classes, found.classes.num_classes)), IGNORE_INDEX)
        index = next((i for i in indices if _values(classes, i) != _values(found.classes, i)), IGNORE_INDEX)
        now, then = (_values(each, index) for each in (found.classes, classes))
        what = f"has for class {index} {now}, the records were built with {then}"
        yield DataError(found.origin, what, FIX_SOURCE, "E_SOURCE")


def _values(classes: ClassMap, index: int) -> str:
    """Returns name and values of a class as text; "nothing" where no class has that index."""
    if index != IGNORE_INDEX and index >= classes.num_classes:
        return "nothing"
    return f"{classes.name_of(index)}: {' '.join(sorted(classes.values_of(index)))}"
