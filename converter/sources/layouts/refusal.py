"""Refusal: the error for a source folder that does not fit exactly one layout."""

from __future__ import annotations

from collections.abc import Sequence

from converter.errors import UsageError
from converter.limits import MAX_CANDIDATES
from converter.sources.layouts.registry import LAYOUTS
from converter.sources.layouts.tree import Tree

EXAMPLE = "--image 'images/{split}/{stem}.jpg' --mask 'masks/{split}/{stem}.png'"


def refusal(tree: Tree, what: str, candidates: Sequence[str]) -> UsageError:
    """Returns the error for a folder that does not fit exactly one rule, with near matches and the fix."""
    if candidates:
        what += ": " + "; ".join(candidates[:MAX_CANDIDATES])
    known = f"--layout ({', '.join(LAYOUTS)})"
    return UsageError(tree.src, what, f"Pass {known}, or say where the files are: {EXAMPLE}.", "E_LAYOUT")
