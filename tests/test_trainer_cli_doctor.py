"""The command doctor."""

from __future__ import annotations

from click.testing import CliRunner

from converter.version import __version__
from trainer import doctor as doctors
from trainer.cli.doctor import doctor


def test_the_report_is_printed(monkeypatch):
    monkeypatch.setattr(doctors.importlib.util, "find_spec", lambda name: None)
    done = CliRunner().invoke(doctor, [], catch_exceptions=False)
    assert done.stdout.splitlines()[0].split() == ["segconv", __version__]
