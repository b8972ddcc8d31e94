"""Card: MODEL_CARD.md, what one should know of a model before using it, from the run folder.

What people wrote under the headings in OWN stays when the card is written again.

Source of the headings: Mitchell et al., Model Cards for Model Reporting, FAT* 2019.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.errors import UsageError
from converter.limits import MAX_CARD_BYTES, MAX_EVALUATION_BYTES
from converter.system.console import log
from converter.system.files import NotRegularError, read_regular, write_whole
from converter.system.outputs import MARK
from trainer.evaluation.files import EVALUATION, model_digest
from trainer.models import encoder_of
from trainer.run.info import RunInfo

CARD = "MODEL_CARD.md"
OWN = {
    "Intended use": "_To be filled in: for which photographs and decisions, and by whom, this model is meant._",
    "Limits": "_To be filled in: for what it must not be used, and what it is known to get wrong._",
}
_FILE_COLUMNS = ("file", "read by", "compared with best.keras")
_COMMENT = f"<!-- {MARK} export; what you write under {' and '.join(OWN)} is kept -->"


@dataclass(frozen=True)
class ExportedFile:
    """An exported file, for the card.

    Attributes:
      name: of the file.
      reader: what reads it.
      result: how it compares to the model of the run.
    """

    name: str
    reader: str
    result: str


def write_card(path: Path, info: RunInfo, run: Path, scores: Sequence[dict[str, Any]], file: ExportedFile) -> bool:
    """Writes the card; returns whether it did, and warns where something else has its name.

    Args:
      path: of the card.
      info: of the run.
      run: the run folder.
      scores: evaluations, as `Evaluation.to_json` gives them.
      file: the exported file that it lies beside.

    Raises:
      MachineError: it cannot be written.
    """
    before: str | None = None
    try:
        before = read_regular(path, MAX_CARD_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        pass
    except (OSError, NotRegularError):
        before = ""
    if before is not None and MARK not in before:
        log.warning("Warning: %s exists, and segconv did not write it: the model card was not written.", path)
        return False
    before = before or ""
    others = [row for row in listed_files(before) if row.name != file.name and (path.parent / row.name).exists()]
    text = card_text(info, run, scores, sorted([*others, file], key=lambda row: row.name), own_sections(before))
    write_whole(path, text.encode())
    return True


def listed_files(card: str) -> list[ExportedFile]:
    """Returns the files that a card lists."""
    rows = [line.strip("| ").split(" | ") for line in _section(card, "Files").splitlines()[2:]]
    return [ExportedFile(*row) for row in rows if len(row) == len(_FILE_COLUMNS)]


def own_sections(card: str) -> dict[str, str]:
    """Returns what stands under each heading of OWN in a card; the texts to fill in where it has none."""
    return {heading: _section(card, heading) or empty for heading, empty in OWN.items()}


def _section(card: str, heading: str) -> str:
    """Returns what stands under a heading; empty where there is no such heading."""
    match = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", card, re.MULTILINE | re.DOTALL)
    return match[1].strip() if match else ""


def card_text(
    info: RunInfo,
    run: Path,
    scores: Sequence[dict[str, Any]],
    files: Sequence[ExportedFile],
    own: dict[str, str],
) -> str:
    """Returns the card as Markdown."""
    sections = [f"# {info.dataset}: {info.config.model}\n\n{_COMMENT}"]
    sections += [f"## {heading}\n\n{text}" for heading, text in own.items()]
    sections.append(f"## Model\n\n{_table(('', ''), _model_rows(info, run))}")
    sections.append(f"## Files\n\n{_table(_FILE_COLUMNS, [(row.name, row.reader, row.result) for row in files])}")
    sections.append(f"## Data\n\n{_data(info)}")
    sections.append("## Scores\n\n" + ("\n\n".join(map(_scores, scores)) or "None: the records were not at hand."))
    options = [(name, _plain(value)) for name, value in _options(info).items()]
    sections.append(f"## Training options\n\n{_table(('option', 'value'), options)}")
    sections.append(f"## Versions\n\n{_table(('package', 'version'), sorted(info.versions.items()))}")
    return "\n\n".join(sections) + "\n"


def saved_scores(run: Path) -> list[dict[str, Any]]:
    """Returns the scores that `segconv evaluate` wrote of this best.keras on the run's own records."""
    found = []
    model = model_digest(run)
    for split in ("val", "test"):
        path = run / EVALUATION.format(split)
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            raw = json.loads(read_regular(path, MAX_EVALUATION_BYTES))
            _scores(raw)  # or it is not an evaluation
            if raw.get("model") == model:
                found.append(raw)
    return found


def _model_rows(info: RunInfo, run: Path) -> list[tuple[str, str]]:
    height, width = info.size
    rows = [("architecture", info.config.model)]
    with contextlib.suppress(UsageError):
        if encoder := encoder_of(info.config.model, info.config.encoder):
            rows.append(("encoder", encoder))
    rows += [("run", run.resolve().name), ("trained on", f"{height}x{width} pixels (height x width)")]
    if info.config.crop:
        rows.append(("windows", "trained on windows; a larger photograph is looked at in overlapping ones"))
    return [*rows, ("photographs are fitted by", info.fit or "pad")]


def _data(info: RunInfo) -> str:
    rows = [("dataset", info.dataset), ("seal of the records", info.records or "unknown")]
    if info.photo_size:
        rows.append(("most frequent photograph", "{}x{} pixels".format(*info.photo_size)))
    if info.ignore_values:
        rows.append(("ignored values", ", ".join(info.ignore_values)))
    classes = [
        (str(row.id), row.name, "#{:02X}{:02X}{:02X}".format(*row.color), ", ".join(row.values))
        for row in info.drawn_classes
    ]
    return _table(("", ""), rows) + "\n\n" + _table(("id", "class", "colour", "values in masks"), classes)


def _scores(raw: dict[str, Any]) -> str:
    lines = [("class", "IoU", "95 % interval", "precision", "recall", "F1", "pixels")]
    for row in raw["classes"]:
        columns = [_percent(row[name]) for name in ("precision", "recall", "f1")]
        lines.append(
            (row["name"], _percent(row["iou"]), _interval(row.get("iou_interval")), *columns, str(row["pixels"]))
        )
    head = f"Split {raw['split']!r}, {raw['records']} records: mIoU {_percent(raw['miou'])}"
    head += f" ({_interval(raw.get('miou_interval'))}), pixel accuracy {_percent(raw['pixel_accuracy'])}"
    head += f" ({_interval(raw.get('pixel_accuracy_interval'))})."
    return f"{head}\n\n{_table(lines[0], lines[1:])}"


def _options(info: RunInfo) -> dict[str, Any]:
    """Returns the options of the training, without the paths of the machine."""
    options = dataclasses.asdict(info.config)
    strengths = options.pop("strengths")
    for name in ("data", "runs", "model", "time"):
        options.pop(name)
    if Path(options["weights"]).suffix:
        options["weights"] = Path(options["weights"]).name
    return options | {f"augment: {name}": value for name, value in strengths.items() if value}


def _plain(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _percent(share: float | None) -> str:
    return "n/a" if share is None else f"{share:.1%}"


def _interval(ends: Sequence[float | None] | None) -> str:
    return "n/a" if not ends else "..".join(map(_percent, ends))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table of Markdown; names cannot break it."""
    lines = [head, ["---"] * len(head), *([_cell(text) for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return re.sub(r"([|<*`])", r"\\\1", " ".join(text.split()))
