"""Facts: what an exported model says of itself: the run's config.json, and how the file is called.

The same JSON document is in every format:

    Keras       segconv.json in the archive that a .keras file is
    SavedModel  assets.extra/segconv.json
    ONNX        under "segconv" in the metadata of the file, with "classes" for other programs
    LiteRT      segconv.json in an archive at the end of the file, where TensorFlow Lite keeps such files
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from converter.limits import MAX_RUN_CONFIG_BYTES
from converter.system.files import read_regular
from converter.system.outputs import MARK
from converter.version import __version__
from trainer.run.info import CONFIG, RunInfo

FACTS = "segconv.json"


def facts_of(
    run: Path, info: RunInfo, export: dict[str, Any], outputs: Sequence[str], count: int | None = None
) -> bytes:
    """Returns the description of an exported model, JSON in UTF-8.

    It names no path of the machine: a model is given to others.

    Args:
      run: the run folder.
      info: of the run.
      export: the options of the export that the result depends on.
      outputs: of the model, by name.
      count: images at a time; None for any number.
    """
    raw = json.loads(read_regular(run / CONFIG, MAX_RUN_CONFIG_BYTES))
    for key in ("data", "runs"):
        raw["config"][key] = Path(raw["config"][key]).name
    weights = Path(raw["config"].get("weights", "none"))
    raw["config"]["weights"] = weights.name if weights.suffix else str(weights)
    n, num_classes = "N" if count is None else str(count), len(info.classes)
    forms = {
        "class_map": f"uint8 [{n}, height, width], class indices",
        "probabilities": f"float32 [{n}, height, width, {num_classes}], 0..1",
        "logits": f"float32 [{n}, height, width, {num_classes}]",
    }
    height, width = ("height", "width") if export["free_size"] else info.size
    sides = "; sides are multiples of 32" if export["free_size"] else ""
    raw["export"] = {
        "origin": f"{MARK} {__version__}",
        "run": run.resolve().name,
        **export,
        "input": {"image": f"uint8 [{n}, {height}, {width}, 3], RGB{sides}"},
        "outputs": {name: forms[name] for name in outputs},
    }
    return (json.dumps(raw, indent=1, ensure_ascii=False) + "\n").encode()
