"""The container and the release: what they name exists, and what they ask for agrees with the project."""

from __future__ import annotations

import fnmatch
import re
import shlex
import subprocess
import tomllib
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
