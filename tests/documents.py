"""The documents: all Markdown files of the project, the commands in them, and their links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from converter.cli import segconv

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("*/*.md"))
    if path.parent == ROOT or path.parent.name in ("benchmarks", "data", "docs", "trainer")
)
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A command of a session, and what it prints there; "..." stands for any lines."""

    command: str
    output: tuple[str, ...]


def sessions(text: str) -> list[list[Block]]:
    """Returns the commands of each block ```console, whose lines begin with "$ ", and their output."""
    found = []
    for language, content in _FENCED.findall(text):
        if language == "console":
            parts = re.split(r"^\$ ", content, flags=re.MULTILINE)[1:]
            found.append([Block(part.splitlines()[0], tuple(part.splitlines()[1:])) for part in parts])
    return found


def commands(text: str) -> Iterator[str]:
    """Yields every command of segconv in a block, fenced or indented; none of code and diffs."""
    for language, content in _FENCED.findall(text):
        if language in ("console", "bash", ""):
            yield from re.findall(r"^(?:\$ )?(segconv .*)$", content, re.MULTILINE)
    outside = _FENCED.sub("", text)
    for line in re.findall(r"^ {4,}(?:\$ )?(segconv [a-z]+ .*)$", outside, re.MULTILINE):
        yield from re.split(r" {2,}(?=segconv )", line)


def fault_of_command(line: str) -> str:
    """Returns why click would refuse a whole command line, "" where it would not; paths need not exist."""
    words = shlex.split(re.split(r" {2,}|\s#\s|\|\||;", line)[0])[1:]
    if not words or words[0].startswith("-"):
        return ""
    command = segconv.commands.get(words[0])
    if command is None:
        return f"there is no command {words[0]}"
    context = click.Context(command, info_name=words[0])
    try:
        values, rest, _ = command.make_parser(context).parse_args(words[1:])
        if rest:
            return f"takes no {rest}"
        for parameter in command.params:
            given = values.get(parameter.name or "")
            is_given = given is not None and given != () and "UNSET" not in str(given)
            if parameter.required and not is_given:
                return f"lacks {parameter.name}"
            if is_given and isinstance(parameter, click.Option) and not isinstance(parameter.type, click.Path):
                parameter.type_cast_value(context, _number_for_variable(given))
    except (click.UsageError, click.BadParameter) as error:
        return error.format_message()
    return ""


def _number_for_variable(value: object) -> object:
    """Returns a value with shell variables replaced by 1, which is a number and a name."""
    if isinstance(value, str):
        return re.sub(r"\$\{[^}]*\}|\$\w+", "1", value)
    return value


def links(text: str) -> list[str]:
    """Returns where the links of a document lead, within the project."""
    text = re.sub(r"`[^`\n]*`", "", _FENCED.sub("", text))
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target for target in found if "://" not in target]


def anchors(text: str) -> set[str]:
    """Returns the anchors that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def matches(shown: tuple[str, ...], printed: list[str]) -> bool:
    """Whether lines that are shown are those that were printed: "..." stands for any lines, or for the rest of one.

    A number stands for any number, with as many blanks as it needs in a table, and a bar for a bar of any length.
    """
    pattern = ""
    for line in shown:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
            continue
        line, has_more = line.removesuffix(" ..."), line.endswith(" ...")
        for part in re.split(r"(\d[\d,.]*|\s+|##+)", line.rstrip()):
            is_number, is_blank, is_bar = part[:1].isdigit(), part[:1].isspace(), part[:2] == "##"
            pattern += r"[\d,.]+" if is_number else r"\s+" if is_blank else "#+" if is_bar else re.escape(part)
        pattern += r".*\n" if has_more else r"\n"
    return re.fullmatch(pattern, "".join(line.rstrip() + "\n" for line in printed)) is not None
