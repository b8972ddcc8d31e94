"""The site: Sphinx reads the Markdown of the whole tree where it lies, so that every link works in both.

`make docs` builds it in build/site/, without a network. Its source folder is the root of the tree.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from commands import reference  # noqa: E402 - which lies beside this file

from converter.version import __version__  # noqa: E402

project = "segconv"
release = version = __version__
copyright = "the authors of segconv, Apache-2.0"  # noqa: A001 - the name that Sphinx gives it
extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]  # for the reference of the commands
root_doc = "docs/index"
include_patterns = ["docs/*.md", "*/README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
exclude_patterns = [".*", "build", "dist", "dataset", "records", "runs"]
myst_heading_anchors = 3  # as many as GitHub's that the documents link to
nitpicky = True

html_theme = "furo"
html_title = "segconv"
html_copy_source = False
html_show_sourcelink = False
html_static_path: list[str] = []
pygments_style = "default"

REDIRECT = (
    '<!doctype html><meta http-equiv="refresh" content="0; url=docs/index.html"><a href="docs/index.html">segconv</a>\n'
)


def _add_reference(app: Any, name: str, source: list[str]) -> None:
    """Adds the reference of all commands to its page."""
    if name == "docs/commands":
        source[0] += "\n" + reference()


def _redirect(app: Any, error: Exception | None) -> None:
    """Leads from the root of the site to its first page."""
    if error is None:
        (Path(app.outdir) / "index.html").write_text(REDIRECT, encoding="utf-8")


def setup(app: Any) -> None:
    """Connects both to the events of Sphinx."""
    app.connect("source-read", _add_reference)
    app.connect("build-finished", _redirect)
