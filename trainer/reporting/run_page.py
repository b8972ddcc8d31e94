"""Run page: what is known of a run -> one self-contained HTML page, for a browser, a colleague, or a printer."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from converter.pages.parts import (
    DOT,
    command,
    counted,
    facts,
    image,
    legend,
    page_of,
    section,
    swatch,
    table,
    text_of,
    with_code,
    with_note,
)
from trainer.evaluation.calibration import calibration_error
from trainer.evaluation.drawing import CELLS, WRONG
from trainer.evaluation.files import Scored, ShownExample
from trainer.reporting.gather import RunFacts
from trainer.reporting.svg import Curve, curves, reliability
from trainer.reporting.tables import class_table, confusion, interval_text, share_text
from trainer.reporting.warnings import Remark, warnings_of
from trainer.run.curves import best_epoch
from trainer.run.options import Option, options_of, recipe_of, repeat_command, words

SMALL_GAP = 0.01  # of mean confidence and accuracy, which says nothing
SHOWN_CLASSES = 6  # of an example: those of the lowest IoU, in words
ALT = {
    "image": "Image {}",
    "truth": "{} with its true classes overlaid",
    "prediction": "{} with its predicted classes overlaid",
    "errors": "{} in grey, wrong pixels in orange, ignored ones striped",
}


def run_page(found: RunFacts) -> str:
    """Returns the HTML text of a run. The same folder gives the same text."""
    remarks = warnings_of(found)
    sections = [
        _header(found, remarks),
        _remarks(remarks),
        _curves(found),
        _classes(found),
        _confusion(found),
        _calibration(found),
        _examples(found),
        _others(found.others),
        _training(found),
        _options(found),
        _repeat(found),
    ]
    return page_of(f"{found.run.name}: segconv report", sections)


def _header(found: RunFacts, remarks: Sequence[Remark]) -> str:
    info, scored = found.info, found.scored
    names = [info.config.model, *([info.config.encoder] if info.config.encoder else [])]
    lead = [text_of(" with ".join(names)), counted(len(info.classes), "class", "classes")]
    lead.append(f"{info.size[0]} high × {info.size[1]} wide")
    verdict = "<strong>no scores</strong>"
    if scored is not None:
        interval = interval_text(scored.interval)
        means = [f"95 % interval {interval} %"] if interval else []
        means += [f"pixel accuracy {share_text(scored.pixel_accuracy)}"]
        means += [f"{counted(scored.records, 'image')} of split {text_of(repr(scored.split))}"]
        means += [counted(len(remarks), "warning")] if remarks else []
        verdict = f"<strong>mIoU {share_text(scored.miou)}</strong>" + "".join(f"<span>{each}</span>" for each in means)
    return f"""<header>
<p class="kicker">segconv report</p>
<h1>{text_of(info.dataset)}</h1>
<p class="lead">{DOT.join(lead)}</p>
<p class="note">Run <code>{text_of(found.run)}</code></p>
<p class="verdict plain">{verdict}</p>
</header>"""


def _remarks(remarks: Sequence[Remark]) -> str:
    if not remarks:
        return ""
    items = "\n".join(
        f'<li class="warning"><p><span class="badge">warning</span> {with_code(text_of(what, 600))}</p>'
        + (f'<p class="fix">{with_code(text_of(fix, 600))}</p>' if fix else "")
        + "</li>"
        for what, fix in remarks
    )
    return section("warnings", "Warnings", f'<ol class="problems">\n{items}\n</ol>')


def _absent(name: str, title: str, found: RunFacts, otherwise: str = "") -> str:
    """Returns a section that says why it is empty."""
    reason = found.missing.get(name, otherwise)
    return section(name, title, f"<p>{with_code(text_of(reason, 600))}</p>") if reason else ""


def _curves(found: RunFacts) -> str:
    rows = found.epochs
    if not rows:
        return _absent("curves", "Training", found)
    epochs = [row.get("epoch", math.nan) for row in rows]
    best = best_epoch(rows)

    def pair(name: str) -> list[Curve]:
        return [
            Curve(title, title, [row.get(prefix + name, math.nan) for row in rows])
            for title, prefix in (("train", ""), ("val", "val_"))
        ]

    drawn = [
        ("Loss", curves("Loss of training and validation over the epochs", epochs, pair("loss"))),
        ("mIoU, %", curves("mIoU of training and validation", epochs, pair("miou"), is_share=True, best=best)),
    ]
    figures = "".join(f"<figure><figcaption>{title}</figcaption>{svg}</figure>" for title, svg in drawn)
    note = "Dashed: training records, as augmented. Solid: validation records."
    if best is not None:
        note += f" The vertical line is the best epoch, {epochs[best]:g}, whose model was kept."
    return section("curves", "Training", f'<p class="note">{note}</p>\n<div class="curves">{figures}</div>')


def _classes(found: RunFacts) -> str:
    if found.scored is None:
        return _absent("scores", "No scores", found)
    note = (
        "IoU: pixels that are both in the truth and predicted, divided by those that are in either. The bracket on a "
        "bar is the 95 % interval: how far the score would move with other images like these, not how far it would "
        "move with another seed of the training."
    )
    body = f'<p class="note">{note}</p>\n{class_table(found.scored, found.info.drawn_classes)}'
    means = f"frequency-weighted IoU {share_text(found.scored.fwiou)}"
    return section("classes", "Classes", f'{body}\n<p class="note">{means}</p>')


def _confusion(found: RunFacts) -> str:
    if found.matrix is None or found.scored is None:
        return _absent("confusion", "Confusion", found)
    note = "Each row of the matrix is a true class, in percent of its pixels; what is right is on the diagonal."
    body = confusion(found.matrix, [each.name for each in found.scored.classes])
    return section("confusion", "Confusion", f'<p class="note">{note}</p>\n{body}')


def _calibration(found: RunFacts) -> str:
    if found.scored is None or not found.scored.calibration:
        return ""
    bins = found.scored.calibration
    total = sum(each.pixels for each in bins)
    error = calibration_error(bins)
    confidence = sum(each.confidence * each.pixels for each in bins) / total
    gap = confidence - found.scored.pixel_accuracy
    tends = "" if abs(gap) < SMALL_GAP else "overconfident on the whole" if gap > 0 else "underconfident on the whole"
    note = (
        "Of the pixels of a confidence of 80 %, a calibrated model has 80 % right: its points are on the dotted line. "
        "Below it, the model is surer than it is right. The larger a point, the more pixels it stands for."
    )
    label = "Reliability diagram: accuracy over confidence. " + "; ".join(
        f"confidence {each.confidence:.0%}, accuracy {each.accuracy:.0%}" for each in bins
    )
    svg = reliability(label, [(each.confidence, each.accuracy, each.pixels / total) for each in bins])
    items = [("Expected calibration error", share_text(error)), ("Mean confidence", share_text(confidence))]
    items += [("Pixel accuracy", with_note(share_text(found.scored.pixel_accuracy), tends))]
    listed = "".join(f"<div><dt>{term}</dt><dd>{text}</dd></div>" for term, text in items)
    figure = f"<figure><figcaption>Accuracy</figcaption>{svg}</figure>"
    body = f'<p class="note">{note}</p>\n<div class="curves">{figure}<dl class="facts">{listed}</dl></div>'
    return section("calibration", "Calibration", body)


def _examples(found: RunFacts) -> str:
    if not found.examples:
        return _absent("examples", "Examples", found)
    note = "The images of the lowest, the median and the highest mIoU."
    items = [f"{swatch(info.color)}{text_of(info.name)}" for info in found.info.drawn_classes]
    marks = f"<li>{swatch(WRONG)}wrong</li><li>{swatch(None, 'ignored')}ignored</li>"
    parts = [f'<p class="note">{note}</p>', legend(items, marks)]
    for kind in dict.fromkeys(example.kind for example in found.examples):
        figures = [_figure(example) for example in found.examples if example.kind == kind]
        parts.append(f"<h3>{text_of(kind).capitalize()}</h3>\n" + "\n".join(figures))
    return section("examples", "Examples", "\n".join(parts))


def _figure(example: ShownExample) -> str:
    cells = "".join(
        f'<div>{image(ALT[cell].format(example.name), jpeg, example.size)}<span class="note">{cell}</span></div>'
        for cell, jpeg in zip(CELLS, example.jpegs, strict=True)
    )
    worst = sorted(example.iou, key=lambda pair: pair[1])
    ious = ", ".join(f"{text_of(name, 40)} {share_text(iou)}" for name, iou in worst[:SHOWN_CLASSES])
    more = f", and {len(worst) - SHOWN_CLASSES} better ones" if len(worst) > SHOWN_CLASSES else ""
    caption = f'{text_of(example.name)}<br><span class="note">mIoU {share_text(example.miou)}: {ious}{more}</span>'
    return f'<figure class="example"><div class="four">{cells}</div><figcaption>{caption}</figcaption></figure>'


def _others(others: Sequence[Scored]) -> str:
    if not others:
        return ""
    head = '<th scope="col">Evaluation</th><th scope="col" class="n">mIoU</th><th scope="col" class="n">Interval</th>'
    head += '<th scope="col" class="n">Images</th>'
    rows = [
        f'<tr><th scope="row">{text_of(each.label)}</th><td class="n">{share_text(each.miou)}</td>'
        f'<td class="n">{interval_text(each.interval)}</td><td class="n">{each.records:,}</td></tr>'
        for each in others
    ]
    return section("others", "Other scores of this run", table("others", head, rows))


def _training(found: RunFacts) -> str:
    """Returns data, hardware, time and versions."""
    info, rows = found.info, found.epochs
    seconds = [row["seconds"] for row in rows if math.isfinite(row.get("seconds", math.nan))]
    devices = [line.removeprefix("Devices: ") for line in found.log if line.startswith("Devices: ")]
    model = [line for line in found.log if line.startswith("Model ")]
    best = best_epoch(rows)
    items = [("Records", with_note(f"<code>{text_of(info.config.data)}</code>", text_of(found.records)))]
    items += [("Seal", f"<code>{text_of(info.records[:16])}</code>")] if info.records else []
    items += [("Fit", text_of(info.fit))] if info.fit else []
    which = "" if best is None else f"the best is epoch {rows[best].get('epoch', best + 1):g}"
    items += [("Epochs", with_note(f"{len(rows)} of at most {info.config.epochs}", which))]
    if seconds:
        per_epoch = with_note(_duration(sum(seconds)), f"{_duration(statistics.median(seconds))} per epoch")
        items.append(("Time", per_epoch))
    items += [("Hardware", text_of(devices[-1]))] if devices else []
    items += [("Model", text_of(model[-1].partition(", ")[0].removeprefix("Model ")))] if model else []
    versions = DOT.join(f"{text_of(name)} {text_of(number)}" for name, number in info.versions.items())
    items += [("Versions", versions)] if versions else []
    return facts("training", "Data, hardware and time", items)


def _duration(seconds: float) -> str:
    for limit, unit, size in ((120, "s", 1), (7200, "min", 60), (math.inf, "h", 3600)):
        if seconds < limit:
            return f"{seconds / size:.3g} {unit}"
    return ""


def _options(found: RunFacts) -> str:
    options = options_of(found.info.config)
    changed = [option for option in options if option.is_changed]
    recipe = text_of(recipe_of(found.info.config))
    head = f'<th scope="col">Option</th><th scope="col">This run</th><th scope="col">Recipe {recipe}</th>'
    rows = [
        f'<tr><th scope="row"><code>--{text_of(option.name)}</code></th><td>{text_of(words(option.value))}</td>'
        f"<td>{text_of(words(option.usual))}</td></tr>"
        for option in changed
    ]
    parts = [table("options", head, rows)] if rows else []
    parts.append(f'<p class="note">As in the recipe {recipe}:</p><p class="options">{_same(options)}</p>')
    return section("options", "Options", "\n".join(parts))


def _same(options: Sequence[Option]) -> str:
    return " ".join(
        f"<span>{text_of(option.name)} <b>{text_of(words(option.value))}</b></span>"
        for option in options
        if not option.is_changed
    )


def _repeat(found: RunFacts) -> str:
    lines = [repeat_command(found.info.config)]
    note = "This trains the same model once more. On the CPU, the same versions give the same weights."
    return section("repeat", "Repeat it", f'<p class="note">{note}</p>\n{command(*lines)}')
