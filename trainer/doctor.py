"""Doctor: what this installation has, what each extra would bring, and what a bug report should say."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from PIL import features

from converter.system.console import table
from converter.system.cpus import usable_cpus
from converter.version import __version__

PACKAGE = "segconv"
# What each extra of pyproject.toml is for.
EXTRAS = {
    "train": "trains, evaluates and predicts",
    "gpu": "the same on NVIDIA's GPUs",
    "tensorboard": "train --tensorboard",
    "pretrained": "ImageNet weights: a much better model from few images",
    "hub": "train --model segformer",
    "polygons": "predict --save polygons",
    "onnx": "predict with an exported model, without TensorFlow",
    "export": "export --format onnx",
    "litert": "export --format litert",
    "cloud": "records and sources in s3://, gs:// and az://",
    "geo": "build --fit tile and predict of TIFF files of any size; predict --save geotiff,geojson",
    "ray": "build --engine ray",
    "beam": "build --engine beam",
}
FAST_PNG = "kornia-rs>=0.2,<0.3"  # a dependency where it has a wheel
CODECS = {"jpg": "JPEG", "zlib": "PNG", "webp": "WebP", "libtiff": "compressed TIFF"}
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(\[(?P<part>[\w-]+)\])?.*extra == ['\"](?P<extra>[\w-]+)['\"]")


def diagnosis() -> str:
    """Returns a report: machine, versions, codecs, extras and GPUs. Imports TensorFlow where it is installed."""
    rows: list[tuple[str, ...]] = [("extra", "installed", "brings")]
    for extra, brings in EXTRAS.items():
        missing = [name for name in _packages(extra) if not _version(name)]
        rows.append((extra, "no" if missing else "yes", brings))
    absent = [row[0] for row in rows[1:] if row[1] == "no"]
    lines = [*(f"{name:<11} {text}" for name, text in _facts()), "", table(rows)]
    if absent:
        lines += ["", f"install one with: pip install 'segconv[{absent[0]}]'"]
    return "\n".join(lines)


def _facts() -> Iterator[tuple[str, str]]:
    """Yields (name, what was found) of everything a bug report needs; no path and no name of a user."""
    yield "segconv", __version__
    yield "Python", f"{platform.python_version()}, {sys.implementation.name}"
    yield "machine", f"{platform.system()} {platform.release()}, {platform.machine()}, {usable_cpus()} usable CPUs"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    yield "memory", f"{memory / 2**30:.1f} GiB, {shutil.disk_usage(Path.cwd()).free / 2**30:.1f} GiB free on this disk"
    names = [name for name in _packages("") if _version(name)]
    yield "packages", ", ".join(f"{name} {_version(name)}" for name in names)
    trained = [f"{name} {found}" for name in ("tensorflow", "keras") if (found := _version(name))]
    yield "training", ", ".join(trained) or "not installed"
    have = [f"{text} ({features.version(name)})" for name, text in CODECS.items() if features.check(name)]
    yield "codecs", ", ".join(have)
    lacking = [text for name, text in CODECS.items() if not features.check(name)]
    if lacking:
        yield "no codec", f"{', '.join(lacking)}: install Pillow from its wheel"
    if not _version("kornia-rs"):
        yield "slow PNG", f"Pillow decodes it at three to four times the cost: pip install '{FAST_PNG}'"
    if importlib.util.find_spec("tensorflow"):
        yield "GPUs", _gpus()


def _gpus() -> str:
    """Returns the names of the GPUs that TensorFlow sees, or why it may see none."""
    from trainer.backend import tf

    found = tf.config.list_physical_devices("GPU")
    names = [str(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)) for gpu in found]
    if names:
        return ", ".join(names)
    if not Path("/proc/driver/nvidia/version").exists():
        return "none, and no NVIDIA driver"
    return "none, though there is an NVIDIA driver: pip install 'segconv[gpu]'"


def _packages(extra: str, package: str = PACKAGE) -> list[str]:
    """Returns the names of the packages that an extra of a package requires; of "", those that it always requires."""
    if not _version(package):
        return [package]
    found: list[str] = []
    for text in metadata.requires(package) or ():
        match = _REQUIREMENT.match(text)
        if extra and match and match["extra"] == extra:
            found += [match["name"], *(_packages(match["part"], match["name"]) if match["part"] else ())]
        elif not extra and not match:
            found.append(re.split(r"[^\w.-]", text, maxsplit=1)[0])
    return found


def _version(name: str) -> str:
    """Returns the version of an installed package; "" where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
