"""Draws docs/architecture.svg: which part of segconv imports which, from the code.

`python docs/architecture.py` writes it. A box is a folder or a module at the top of a package; a line from one box down
to another means that the upper imports the lower. What follows from other lines is left out (the transitive reduction).
Boxes are in layers, each as near to the command line as what imports it allows, and lines that pass a layer go around
its boxes (K. Sugiyama et al., 1981: layers, then one order within each that crosses few lines).
"""

from __future__ import annotations

import ast
import html
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parent.parent
PICTURE = Path(__file__).with_suffix(".svg")
PACKAGES = ("trainer", "converter")  # from above: the trainer imports the converter
WIDTH, BOX, HEIGHT, STEP, MARGIN = 760, 112, 34, 64, 24  # pixels
ROUNDS = 8  # of ordering by the mean place of the neighbours; the order has settled long before

Graph = dict[str, set[str]]


def read_imports(package: str) -> tuple[Graph, set[str]]:
    """Returns what each part of a package imports from other parts, and all that it takes from the other package."""
    graph: Graph = {}
    taken = set()
    for path in sorted((ROOT / package).rglob("*.py")):
        part = path.relative_to(ROOT / package).parts[0].removesuffix(".py")
        if part == "__init__":
            continue
        graph.setdefault(part, set())
        for target, other in _targets(path):
            if target == package and other != part:
                graph[part].add(other)
            elif target in PACKAGES and target != package:
                taken.add(other)
    return {part: targets & graph.keys() for part, targets in graph.items()}, taken


def _targets(path: Path) -> Iterator[tuple[str, str]]:
    """Yields (package, part) of every import from a package, wherever it stands in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = [node.module] if "." in node.module else [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            first, _, rest = name.partition(".")
            yield first, rest.partition(".")[0]


def reduced(graph: Graph) -> Graph:
    """Returns the arrows of a graph without circles that do not follow from others."""

    def below(part: str) -> set[str]:
        return graph[part].union(*map(below, graph[part]))

    return {
        part: {to for to in targets if not any(to in below(by) for by in targets)} for part, targets in graph.items()
    }


def layers_of(graph: Graph) -> list[list[str]]:
    """Returns the parts in layers: each one below all that import it. Long arrows get a stop "from>to" in each."""
    depth = dict.fromkeys(graph, 0)
    for _ in graph:  # as many times as the longest path can be
        for part, targets in graph.items():
            depth.update({to: max(depth[to], depth[part] + 1) for to in targets})
    layers: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for part in graph:
        layers[depth[part]].append(part)
    for part, targets in graph.items():
        for to in sorted(targets):
            for layer in range(depth[part] + 1, depth[to]):
                layers[layer].append(f"{part}>{to}")
    return layers


def _path(arrow: tuple[str, str], layers: list[list[str]]) -> list[str]:
    """Returns the boxes and stops of an arrow, from above."""
    stop = f"{arrow[0]}>{arrow[1]}"
    return [arrow[0], *(stop for layer in layers if stop in layer), arrow[1]]


def places_of(layers: list[list[str]], graph: Graph) -> dict[tuple[int, str], float]:
    """Returns the middle of each (layer, box or stop), in pixels from the left."""
    depth = {part: number for number, layer in enumerate(layers) for part in layer if ">" not in part}
    near: dict[tuple[int, str], list[tuple[int, str]]] = {}
    for part, targets in graph.items():
        for to in targets:
            for upper, lower in pairwise(enumerate(_path((part, to), layers), depth[part])):
                near.setdefault(upper, []).append(lower)
                near.setdefault(lower, []).append(upper)
    places = {place: x for number, layer in enumerate(layers) for place, x in _spread(number, sorted(layer)).items()}
    for turn in range(ROUNDS):
        step = 1 if turn % 2 else -1
        for number in list(range(len(layers)))[::-step]:
            wishes = {}
            for name in layers[number]:
                found = [places[each] for each in near.get((number, name), []) if each[0] == number + step]
                wishes[name] = sum(found) / len(found) if found else places[number, name]
            places |= _spread(number, sorted(layers[number], key=lambda name, wishes=wishes: (wishes[name], name)))
    return places


def _spread(number: int, names: list[str]) -> dict[tuple[int, str], float]:
    """Returns places that share the width evenly; a stop needs less of it than a box."""
    shares = [0.35 if ">" in name else 1.0 for name in names]
    scale, left, places = (WIDTH - 2 * MARGIN) / sum(shares), float(MARGIN), {}
    for name, share in zip(names, shares, strict=True):
        places[number, name] = round(left + scale * share / 2, 1)
        left += scale * share
    return places


def picture() -> str:
    """Returns the picture as SVG."""
    parts: list[str] = []
    top = 0
    for package in PACKAGES:
        graph, taken = read_imports(package)
        note = f"takes from the converter: {', '.join(sorted(taken - {'', 'cli'}))}" if package == "trainer" else ""
        drawn, height = _panel(package, reduced(graph), note, top)
        parts += drawn
        top += height
    style = (
        "text{font:15px sans-serif;fill:#1c2733;text-anchor:middle}.title{font-weight:bold;text-anchor:start}"
        ".note{font-size:13px;text-anchor:start}rect{fill:#eaf1f8;stroke:#4a6c8c}path{fill:none;stroke:#8a9bab}"
        ".panel{fill:#fff;stroke:none}"
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}">'
    return "\n".join([head, f"<style>{style}</style>", *parts, "</svg>", ""])


def _panel(package: str, graph: Graph, note: str, top: int) -> tuple[list[str], int]:
    """Returns the elements of a package, and the height that they take."""
    layers = layers_of(graph)
    places = places_of(layers, graph)
    depth = {part: number for number, layer in enumerate(layers) for part in layer if ">" not in part}
    first = top + (76 if note else 56)

    def row(number: int) -> int:
        return first + number * STEP + HEIGHT // 2

    height = row(len(layers) - 1) + HEIGHT // 2 + MARGIN - top
    drawn = [f'<rect class="panel" x="0" y="{top}" width="{WIDTH}" height="{height}"/>']
    drawn.append(f'<text class="title" x="{MARGIN}" y="{top + 30}">{package}</text>')
    drawn.append(f'<text class="note" x="{MARGIN}" y="{top + 52}">{html.escape(note)}</text>' if note else "")
    for part in graph:
        for to in sorted(graph[part]):
            steps = enumerate(_path((part, to), layers), depth[part])
            points = [(places[number, name], row(number)) for number, name in steps]
            drawn.append(f'<path d="{_line(points)}"/>')
    for number, layer in enumerate(layers):
        for name in sorted(name for name in layer if ">" not in name):
            x, y = places[number, name], row(number)
            drawn.append(f'<rect x="{x - BOX / 2:g}" y="{y - HEIGHT // 2}" width="{BOX}" height="{HEIGHT}" rx="6"/>')
            drawn.append(f'<text x="{x:g}" y="{y + 5}">{html.escape(name)}</text>')
    return [line for line in drawn if line], height


def _line(points: list[tuple[float, int]]) -> str:
    """Returns a smooth line through points, from above."""
    path = f"M{points[0][0]:g} {points[0][1]}"
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (y0 + y1) // 2
        path += f" C{x0:g} {middle} {x1:g} {middle} {x1:g} {y1}"
    return path


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
