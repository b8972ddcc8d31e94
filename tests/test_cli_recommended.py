"""Every command that a message, a report, a page or a help text recommends is accepted by click."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from converter.cli import segconv

ROOT = Path(__file__).parent.parent
_TEXT = re.compile(r"segconv ([a-z]+)([^`\n]*)")


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yields (line, text) of every string of a module; placeholders become 1, which is a number and a name."""
    tree = ast.parse(path.read_text())
    is_shown = path.name in ("cli.py",) or path.parent.name == "cli"  # whose docstrings are the help
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and not is_shown}
    parts = docstrings | {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(v.value if isinstance(v, ast.Constant) else "1" for v in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.lineno, node.value.replace("%s", "1").replace("{}", "1")


def words_of(command: click.Command, rest: str) -> list[str]:
    """Returns the words after the name of a command that belong to it: options with their values, and paths."""
    options = {name: option for option in command.params for name in (*option.opts, *option.secondary_opts)}
    try:
        words = shlex.split(re.split("  +", rest)[0])  # after two spaces a help text says what a command does
    except ValueError:
        words = rest.split()
    taken = []
    while words:
        word = words.pop(0)
        is_last = word[-1] in ".,;:)" and not word.endswith("...")
        word = word.rstrip(".,;:)")
        if word.startswith("-"):
            taken.append(word)
            option = options.get(word)
            if option is not None and not getattr(option, "is_flag", False) and words:
                taken.append(words.pop(0).rstrip(".,;:)"))
        elif word in ("1", "shard", "dataset", "DIR") or "/" in word:
            taken.append(word)
        else:
            break
        if is_last:
            break
    return taken


def fault_of(name: str, rest: str) -> str:
    """Returns why click would refuse a command, "" where it would not; a mention may leave --src out."""
    command = segconv.commands.get(name)
    if command is None:
        return f"there is no command {name}"
    context = click.Context(command, info_name=name)
    try:
        values, _, _ = command.make_parser(context).parse_args(words_of(command, rest))
        for parameter in (each for each in command.params if isinstance(each, click.Option)):
            if parameter.name in values and not isinstance(parameter.type, click.Path):  # which need not exist
                parameter.type_cast_value(context, values[parameter.name])
    except (click.UsageError, click.BadParameter) as error:
        return error.format_message()
    return ""


def mentions(text: str) -> list[tuple[str, str]]:
    """Returns (command, what follows) of every command in a text."""
    return [(match[1], match[2]) for match in _TEXT.finditer(text) if match[1] in segconv.commands or " --" in match[0]]


MODULES = sorted(path for package in ("converter", "trainer") for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_in_a_text_of_ours_is_one_that_click_takes(path):
    found = [(line, name, rest) for line, text in texts(path) for name, rest in mentions(text)]
    problems = [
        f"line {line}: segconv {name}{rest}: {problem}"
        for line, name, rest in found
        if (problem := fault_of(name, rest))
    ]
    assert problems == []


def test_the_messages_name_most_of_the_commands():
    named = {name for path in MODULES for _, text in texts(path) for name, _ in mentions(text)}
    assert named >= {"sample", "check", "classes", "split", "build", "inspect", "verify", "train", "evaluate"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Consider `segconv train --class-weights auto`.", "Invalid value"),
        ("run segconv build --sizes 3x4", "No such option"),
        ("segconv build --size 3by4, say.", "is not a valid size"),
        ("run segconv refine --all", "there is no command refine"),
        ("Make lists with `segconv split`.", ""),
        ("build one: segconv build --src dataset/", ""),
        ("next: segconv inspect shard %s, then segconv train --data %s", ""),
    ],
)
def test_a_command_that_click_refuses_is_found(text, expected):
    try:
        faults = [fault_of(name, rest) for name, rest in mentions(text.replace("%s", "1"))]
    except Exception as error:  # noqa: BLE001 - a wrong size raises a SegconvError
        faults = [str(error)]
    assert faults
    assert all(expected in problem if expected else not problem for problem in faults)
