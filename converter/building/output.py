"""Output: what the output folder already contains, and how that differs from what is to be built."""

from __future__ import annotations

from converter.building.plan import Plan, estimated_bytes
from converter.building.shards import ShardTask
from converter.building.store import Store
from converter.building.summary import options_of
from converter.classes.class_map import ClassMap
from converter.config import BuildConfig
from converter.dataset.manifest import Manifest
from converter.dataset.parse import read_manifest
from converter.errors import MachineError, SegconvError, UsageError, shown
from converter.schema import IGNORE_INDEX, MANIFEST
from converter.system.files import TEMPORARY

SHOWN_DIFFERENCES = 5  # between a finished dataset and the one to be built


def check_space(config: BuildConfig, store: Store, tasks: list[ShardTask]) -> None:
    """Refuses to start where the disk is clearly too small.

    Half of the estimate is enough, since smooth images compress well. Where pairs keep their sizes nothing is known.

    Raises:
      MachineError: the disk is too small, or its free space cannot be read.
    """
    needed = sum(estimated_bytes(len(task.refs), config.pair) for task in tasks)
    free = store.free_bytes()
    if config.pair.size is not None and free is not None and free < needed / 2:
        what = f"has {free / 1e6:,.0f} MB free, and the records will take about {needed / 1e6:,.0f} MB"
        fix = "Free some space, or choose a folder on another disk with --out."
        raise MachineError(store.where(), what, fix, "E_SPACE")


def check_out(config: BuildConfig, plan: Plan) -> Manifest | None:
    """Returns the manifest of the dataset that is in the output folder, or None where the folder is free.

    A folder with an interrupted commit counts as free: its content is known once the commit is finished.

    Raises:
      UsageError: the folder holds something else, or a dataset that was built with other options or classes and
        config.overwrite is off.
    """
    out = plan.store.where()
    try:
        names = [name for name in plan.store.names() if not name.startswith(TEMPORARY)]
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise UsageError(out, "is not a folder", "Choose another with --out.", "E_OUT") from None
    if not names or plan.store.is_publishing():
        return None
    if MANIFEST not in names:
        some = ", ".join(map(shown, names[:3])) + (" ..." if len(names) > 3 else "")
        raise UsageError(out, f"holds something else ({some})", "Choose another folder with --out.", "E_OUT")
    try:
        old = read_manifest(plan.store)
    except SegconvError as error:
        fix = "Delete the folder, or choose another with --out."
        raise UsageError(out, f"holds a dataset whose manifest {error.what}", fix, "E_OUT") from None
    found = differences(old, config, plan.classes)
    if found and not config.overwrite:
        some = "; ".join(found[:SHOWN_DIFFERENCES]) + ("; ..." if len(found) > SHOWN_DIFFERENCES else "")
        fix = "Pass --overwrite to replace it, or choose another folder with --out."
        raise UsageError(out, f"holds a finished dataset built with other options ({some})", fix, "E_OUT")
    return old


def differences(old: Manifest, config: BuildConfig, classes: ClassMap) -> list[str]:
    """Returns how an existing dataset differs from the one to be built, such as "size 512x512 -> 256x256"."""
    unchosen = dict.fromkeys(("bands", "range"))  # in a manifest only where they were given
    before = {"name": old.name, "fit": old.fit, **unchosen, **old.options}
    wanted = {"name": config.dataset_name, "fit": config.pair.fit, **unchosen, **options_of(config)}
    wanted.pop("levels", None)  # they follow from the range and the sources
    # An option that the manifest does not have is newer than the dataset.
    found = [
        f"{option} {_option_text(option, before[option])} -> {_option_text(option, value)}"
        for option, value in wanted.items()
        if option in before and before[option] != value
    ]
    old_values = {info.name: info.values for info in old.classes} | {"ignore": old.ignore_values}
    values = {name: classes.values_of(index) for index, name in enumerate(classes.names)}
    values["ignore"] = classes.values_of(IGNORE_INDEX)
    for name in dict.fromkeys([*old_values, *values]):
        was, now = (" ".join(known[name]) if name in known else "absent" for known in (old_values, values))
        if was != now:
            found.append(f"class {shown(name)!r} was {was or 'without value'}, is {now or 'without value'}")
    if not found and old.class_names != classes.names:
        found.append(f"order of the classes: {' '.join(old.class_names)} -> {' '.join(classes.names)}")
    return found


def _option_text(option: str, value: object) -> str:
    if isinstance(value, list):
        return ("," if option == "bands" else "x").join(map(str, value))
    return "none" if value is None else str(value)
