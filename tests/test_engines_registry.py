"""Registry: which engine an option names; what a missing extra costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from converter.config import ENGINES
from converter.engines.local import local
from converter.engines.registry import engine_of
from converter.errors import UsageError
from converter.system.urls import UrlPath
from tests.conftest import write_dataset

COMMAND = [sys.executable, "-c", "from converter.cli import main; main()"]


def test_local_is_the_pool_of_processes_and_has_no_cluster(tmp_path):
    assert engine_of("local", None, 2, tmp_path, tmp_path) is local
    with pytest.raises(UsageError, match="--on: names a cluster, and --engine is local"):
        engine_of("local", "auto", 2, tmp_path, tmp_path)


@pytest.mark.parametrize("name", ENGINES)
def test_every_name_is_an_engine(tmp_path, name):
    assert callable(engine_of(name, None, 2, tmp_path, tmp_path))


@pytest.mark.parametrize(
    ("name", "src", "out", "option"),
    [("ray", "s3://b/x", "out", "--src"), ("beam", "s3://b/x", "out", "--src"), ("beam", "data", "s3://b/x", "--out")],
)
def test_an_address_that_the_machines_of_a_cluster_cannot_read_is_refused(name, src, out, option):
    with pytest.raises(UsageError, match=f"{option}: is an address, and --engine {name} needs a folder"):
        engine_of(name, None, 2, UrlPath(src), UrlPath(out))
    assert engine_of("local", None, 2, UrlPath(src), UrlPath(out)) is local


@pytest.mark.parametrize(("name", "module"), [("ray", "ray"), ("beam", "apache_beam")])
def test_a_missing_extra_is_one_line_with_the_command_that_installs_it(tmp_path, name, module):
    write_dataset(tmp_path / "dataset", train=2, val=1)
    code = f"import sys; sys.modules['{module}'] = None; from converter.cli import main; main()"
    words = ["build", "--src", "dataset", "--size", "8", "--engine", name]
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"pip install 'segconv[{name}]'" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not Path(tmp_path / "records/manifest.json").exists()


def test_a_local_build_imports_no_other_engine(tmp_path):
    write_dataset(tmp_path / "dataset", train=2, val=1)
    code = (
        "import sys; sys.argv[1:] = ['build', '--src', 'dataset', '--size', '8']\n"
        "from converter.cli import main\n"
        "try: main()\n"
        "finally: print([n for n in sys.modules if n in ('ray', 'apache_beam', 'converter.engines.ray_engine')])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"
