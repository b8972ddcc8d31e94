"""Compare page: runs side by side -> one self-contained HTML page."""

from __future__ import annotations

import math

from converter.pages.parts import DOT, counted, page_of, section, swatch, table, text_of
from trainer.evaluation.drawing import percent
from trainer.reporting.compare import ACCURACY, MIOU, NOTE, Comparison, Difference, difference_texts

SPAN = 0.01  # least length of the scale to either side: a hundredth


def compare_page(found: Comparison) -> str:
    """Returns the HTML text of a comparison; the same runs give the same text."""
    sections = [_header(found), _scores(found), _options(found)]
    return page_of(f"{found.dataset}: segconv compare", sections)


def _header(found: Comparison) -> str:
    first, *others = found.runs
    lead = DOT.join(
        [counted(len(found.runs), "run"), f"{counted(found.images, 'image')} of split {text_of(found.split)}"]
    )
    runs = "".join(
        f"<div><dt>{each.letter}</dt><dd><code>{text_of(each.run)}</code> "
        f'<span class="note">mIoU {percent(each.means.miou)}</span></dd></div>'
        for each in found.runs
    )
    verdicts = [_verdict(each.letter, first.letter, each.differences[MIOU]) for each in others]
    return f"""<header>
<p class="kicker">segconv compare</p>
<h1>{text_of(found.dataset)}</h1>
<p class="lead">{lead}</p>
<p class="verdict plain">{"".join(f"<span>{verdict}</span>" for verdict in verdicts)}</p>
<dl class="facts runs">{runs}</dl>
</header>"""


def _verdict(letter: str, first: str, difference: Difference) -> str:
    """Returns in words whether a run is better."""
    value, interval, _ = difference_texts(difference)
    words = {"higher": f"{letter} is better than {first}", "lower": f"{letter} is worse than {first}"}
    verdict = words.get(difference.verdict, f"{letter} and {first} do not differ clearly")
    return f"<strong>{verdict}</strong>: mIoU {value} percentage points ({interval.replace('..', ' to ')})"


def _scores(found: Comparison) -> str:
    first, *others = found.runs
    colors = {info.name: info.color for info in first.info.drawn_classes}
    head = f'<th scope="col">Score</th><th scope="col" class="n">{first.letter}</th>'
    for each in others:
        head += (
            f'<th scope="col" class="n">{each.letter}</th><th scope="col" class="n">{each.letter} − {first.letter}</th>'
        )
        head += '<th scope="col" class="n">95 % interval</th><th scope="col">in words</th><th scope="col">drawn</th>'
    scale = _scale_of(found)
    rows = []
    for name, values in found.scores:
        label = text_of(name) if name in (MIOU, ACCURACY) else f"{swatch(colors.get(name))}{text_of(name)}"
        cells = f'<td class="n">{percent(values[0])}</td>'
        for each, value in zip(others, values[1:], strict=True):
            difference = each.differences[name]
            points, interval, verdict = difference_texts(difference)
            cells += f'<td class="n">{percent(value)}</td><td class="n">{points}</td>'
            cells += f'<td class="n">{interval.replace("..", " to ")}</td><td>{verdict}</td>'
            cells += f'<td class="bars">{_bracket(difference, scale)}</td>'
        rows.append(f'<tr><th scope="row">{label}</th>{cells}</tr>')
    note = "Differences are in percentage points. The line in the middle of a drawing is no difference. "
    note += text_of(NOTE, 400)
    return section("scores", "Scores", f'<p class="note">{note}</p>\n{table("scores", head, rows)}')


def _scale_of(found: Comparison) -> float:
    """Returns the largest distance from 0 of any interval."""
    ends = [
        abs(end)
        for each in found.runs
        for difference in each.differences.values()
        for end in (difference.low, difference.high)
        if math.isfinite(end)
    ]
    return max([SPAN, *ends])


def _bracket(difference: Difference, scale: float) -> str:
    """Returns an interval around its value, on a scale with 0 in the middle."""
    if math.isnan(difference.low):
        return ""
    low, high, value = (50 + 50 * part / scale for part in (difference.low, difference.high, difference.value))
    bracket = f'<i style="left:{low:.1f}%;width:{max(high - low, 0.5):.1f}%"></i>'
    dot = f'<b style="left:{value:.1f}%"></b>'
    return f'<span class="bar scale zero" aria-hidden="true">{bracket}{dot}</span>'


def _options(found: Comparison) -> str:
    if not found.options:
        return section("options", "Options", "<p>The options of all runs are the same.</p>")
    head = '<th scope="col">Option</th>' + "".join(f'<th scope="col">{each.letter}</th>' for each in found.runs)
    rows = [
        f'<tr><th scope="row"><code>--{text_of(name)}</code></th>'
        + "".join(f"<td>{text_of(value)}</td>" for value in values)
        + "</tr>"
        for name, values in found.options
    ]
    return section("options", "Options that differ", table("options", head, rows))
