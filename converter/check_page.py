"""Check page: a check -> one self-contained HTML page: no script from elsewhere, no second file."""

from __future__ import annotations

from converter.check import CheckReport
from converter.config import SourceConfig


def check_page(report: CheckReport, source: SourceConfig) -> str:
    """Returns the HTML text of a report; reads the files of `report.samples` for its pictures."""
    raise NotImplementedError
