"""Refusal: the error for a source folder that does not fit exactly one layout."""

from __future__ import annotations

from collections.abc import Sequence

from converter.errors import UsageError, shown
from converter.limits import MAX_CANDIDATES
from converter.sources.layouts.registry import LAYOUTS
from converter.sources.refs import Unused
from converter.sources.tree import Tree

EXAMPLE = "--image 'images/{split}/{stem}.jpg' --mask 'masks/{split}/{stem}.png'"


def refusal(tree: Tree, what: str, candidates: Sequence[str], unread: Sequence[Unused] = ()) -> UsageError:
    """Returns the error for a folder that does not fit exactly one rule, with near matches and the fix.

    Args:
      tree: source folder.
      what: is wrong with it.
      candidates: near matches, one clause each.
      unread: files that segconv does not read; they are named, and the first says how to fix the dataset.
    """
    if candidates:
        what += ": " + "; ".join(candidates[:MAX_CANDIDATES])
    known = f"--layout ({', '.join(LAYOUTS)})"
    first = ""
    if unread:
        what += "; " + "; ".join(f"{shown(each.where)} {each.what}" for each in unread[:MAX_CANDIDATES])
        first = f"{unread[0].fix} Or, where there are masks: "
    return UsageError(tree.src, what, f"{first}Pass {known}, or say where the files are: {EXAMPLE}.", "E_LAYOUT")
