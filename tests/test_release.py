"""The container and the release: what they name exists, and what they ask for agrees with the project."""

from __future__ import annotations

import email
import fnmatch
import importlib
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
import tarfile
import time
import tomllib
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest
from documents import fault_of_command

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
INSTALL = (ROOT / "docs/install.md").read_text()
KNOWN = {"ARG", "FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "ENTRYPOINT", "CMD"}


def instructions() -> list[tuple[str, str]]:
    """Returns (instruction, what follows) of the Dockerfile, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in text.splitlines() if line.strip()]


def values(name: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == name]


def test_every_instruction_is_one_of_docker_and_the_last_user_is_not_root():
    assert {name for name, _ in instructions()} <= KNOWN
    assert values("USER")[-1] not in ("root", "0")


def test_the_python_of_the_container_is_one_of_ours():
    (python,) = re.findall(r"^PYTHON=3\.(\d+)$", "\n".join(values("ARG")), re.MULTILINE)
    low, high = map(int, re.findall(r"3\.(\d+)", PROJECT["requires-python"]))
    assert low <= int(python) < high
    assert values("FROM") == ["python:${PYTHON}-slim"]
    assert f"Python 3.{python}" in INSTALL


def test_what_is_copied_exists_and_is_not_left_out_of_what_docker_is_sent():
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    for words in map(str.split, values("COPY")):
        for name in words[:-1]:
            assert (ROOT / name).exists(), name
            last = [rule for rule in rules if fnmatch.fnmatch(name, rule.lstrip("!"))][-1]
            assert last.startswith("!"), name
    copied = {name for words in map(str.split, values("COPY")) for name in words[:-1]}
    assert {PROJECT["readme"], *PROJECT["license-files"], "pyproject.toml", "requirements.lock"} <= copied


def test_packages_are_installed_from_the_lock_with_hashes_and_the_shell_takes_every_line():
    for line in values("RUN"):
        subprocess.run(["sh", "-n", "-c", line], check=True)
    installs = [part for line in values("RUN") for part in line.split("&&") if "pip install" in part]
    locked, gpu, ours = installs
    assert "--require-hashes -r requirements.lock" in locked
    assert PROJECT["optional-dependencies"]["gpu"][0].partition(">")[0] in gpu
    assert {"--no-deps", "--no-build-isolation"} <= set(ours.split())
    names = re.findall(r"^([\w-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert {"setuptools", "tensorflow", "keras"} <= set(names)


def test_the_container_starts_the_program_that_the_project_installs():
    assert values("ENTRYPOINT") == ['["segconv"]']
    assert "segconv" in PROJECT["scripts"]


@pytest.mark.parametrize("line", re.findall(r"^\$ (docker .*)$", INSTALL, re.MULTILINE))
def test_the_commands_for_docker_name_arguments_and_commands_that_there_are(line):
    words = shlex.split(line)
    declared = {argument.partition("=")[0] for argument in values("ARG")}
    for name, value in pairwise(words):
        assert name != "--build-arg" or value.partition("=")[0] in declared
    if words[1] == "run":
        (image,) = (index for index, word in enumerate(words) if word.startswith("segconv"))
        assert fault_of_command(shlex.join(["segconv", *words[image + 1 :]])) == ""


@pytest.fixture(scope="module")
def dist():
    """Returns the script that builds a release."""
    sys.path.insert(0, str(ROOT / "release"))
    try:
        return importlib.import_module("dist")
    finally:
        sys.path.remove(str(ROOT / "release"))


@pytest.fixture(scope="module")
def built(dist, tmp_path_factory) -> tuple[Path, Path]:
    """Returns an sdist and the wheel that was built from it."""
    return dist.build(tmp_path_factory.mktemp("dist"))


def test_the_wheel_has_every_module_and_nothing_else_and_says_what_it_is(built):
    with zipfile.ZipFile(built[1]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        (about,) = (wheel.read(name).decode() for name in wheel.namelist() if name.endswith("/METADATA"))
        (entries,) = (wheel.read(name).decode() for name in wheel.namelist() if name.endswith("/entry_points.txt"))
    modules = {str(path.relative_to(ROOT)) for package in ("converter", "trainer") for path in _files(ROOT / package)}
    assert names == {name for name in modules if name.endswith(".py")} | {"converter/py.typed"}
    assert f"Version: {PROJECT['version']}\n" in about
    assert "License-Expression: Apache-2.0\n" in about
    assert "segconv = converter.cli:main" in entries


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def test_the_sdist_has_what_the_wheel_needs_and_no_tests(built):
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "converter/cli/__init__.py", "trainer/training.py"} <= names
    assert not [name for name in names if name.startswith(("tests", "docs", "build", "dist")) or "__pycache__" in name]


def test_the_wheel_is_used_where_nothing_else_of_the_project_is(built, tmp_path):
    with zipfile.ZipFile(built[1]) as wheel:
        wheel.extractall(tmp_path)  # noqa: S202 - our own
    code = "import converter, sys; from converter.cli import main; print(converter.__file__); main()"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    words = [sys.executable, "-c", code, "--version"]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(str(tmp_path))
    assert PROJECT["version"] in done.stdout


def test_nothing_in_either_tells_when_or_by_whom_it_was_built(dist, built):
    stamp = dist.commit_time()
    assert int.from_bytes(built[0].read_bytes()[4:8], "little") == stamp  # of the gzip header, RFC 1952
    with tarfile.open(built[0]) as archive:
        members = archive.getmembers()
    assert {(each.mtime, each.uid, each.gid, each.uname, each.gname) for each in members} == {(stamp, 0, 0, "", "")}
    assert {each.mode for each in members} <= {0o644, 0o755}
    assert [each.name for each in members] == sorted(each.name for each in members)
    with zipfile.ZipFile(built[1]) as wheel:
        assert {each.date_time for each in wheel.infolist()} == {(*time.gmtime(stamp)[:5], stamp % 60 // 2 * 2)}


def test_the_pythons_that_are_tried_are_those_that_are_allowed(dist):
    assert dist.allowed() == ["3.11", "3.12", "3.13"]
    here = f"3.{sys.version_info.minor}"
    version = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run(
        [dist.python_of(here) or sys.executable, "-c", version], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == here
    assert dist.python_of("3.99") is None


def test_the_commands_that_are_tried_are_ours_and_need_no_extra(dist):
    assert [line for line in dist.TRIED if fault_of_command(line)] == []
    assert not {"train", "evaluate", "predict", "export"} & {line.split()[1] for line in dist.TRIED}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("License-Expression: MIT\nLicense: something else\n", "MIT"),
        ("Classifier: License :: OSI Approved :: BSD License\nLicense: BSD\n", "BSD License"),
        ("License: Apache License 2.0\n", "Apache License 2.0"),
        ("License: UNKNOWN\n", ""),
        ("Name: x\n", ""),
    ],
)
def test_a_licence_is_the_expression_else_the_classifiers_else_a_short_text(dist, lines, expected):
    assert dist.licence_of(email.message_from_string(lines)) == expected


def test_every_package_of_the_lock_has_a_licence_and_one_that_is_missing_is_named(dist, monkeypatch, tmp_path):
    text = (ROOT / "requirements.lock").read_text()
    rows = re.findall(r"^\| ([\w-]+) \| (\S+) \| ([^|]+) \|", dist.licences(), re.MULTILINE)
    assert [row[:2] for row in rows if row[0] != "package"] == re.findall(r"^([\w-]+)==(\S+)", text, re.MULTILINE)
    lock = tmp_path / "requirements.lock"
    lock.write_text("numpy==2.4.6 \\\n    --hash=sha256:00\nno-such-package==1.0 \\\n    --hash=sha256:00\n")
    monkeypatch.setattr(dist, "LOCK", lock)
    with pytest.raises(SystemExit, match=r"no-such-package 1\.0: not installed"):
        dist.licences()


@pytest.mark.skipif(
    importlib.util.find_spec("cyclonedx_py") is None, reason="the SBOM's tool is not installed: make dist"
)
def test_the_sbom_has_every_package_of_the_lock_with_its_hashes(dist, tmp_path):
    dist.sbom(tmp_path / "sbom.json")
    found = json.loads((tmp_path / "sbom.json").read_text())
    assert found["bomFormat"] == "CycloneDX"
    assert {(each["name"], each["version"]) for each in found["components"]} == {each[:2] for each in dist.locked()}
    assert all(each["externalReferences"][0]["hashes"] for each in found["components"])
