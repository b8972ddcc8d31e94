"""The reference of all commands, from click: what `--help` prints, as Markdown.

`python docs/commands.py` prints it; the site adds it to docs/commands.md.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator

import click

from converter.cli import segconv


def reference() -> str:
    """Returns a section for each command: usage, help, and a list of its options."""
    parent = click.Context(segconv, info_name="segconv", auto_envvar_prefix="SEGCONV", show_default=True)
    return "\n".join(line for name in segconv.list_commands(parent) for line in _section(parent, name))


def _section(parent: click.Context, name: str) -> Iterator[str]:
    command = segconv.commands[name]
    ctx = click.Context(command, parent=parent, info_name=name, **command.context_settings)
    usage = " ".join(command.collect_usage_pieces(ctx))
    yield from (f"## segconv {name}", "", "```text", f"segconv {name} {usage}", "```", "")
    yield from _help(inspect.cleandoc(command.help or ""))
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if isinstance(parameter, click.Option) and record is not None and "--help" not in parameter.opts:
            yield from _option(record)
    yield ""


def _help(text: str) -> Iterator[str]:
    """Yields the paragraphs of a help text; those that click must not rewrap are blocks."""
    for paragraph in text.split("\n\n"):
        if paragraph.startswith("\b"):
            lines = paragraph.splitlines()[1:]
            yield from ("```text", *lines, "```", "")
        else:
            yield from (" ".join(paragraph.split()), "")


def _option(record: tuple[str, str]) -> Iterator[str]:
    """Yields a term and what it means, in the syntax of definition lists."""
    names, text = record
    yield from (f"`{names}`", f": {_escaped(' '.join(text.split()))}", "")


def _escaped(text: str) -> str:
    """Returns a help text in which nothing is markup, so that it reads as click prints it."""
    return "".join(f"\\{char}" if char in "\\`*_<[]|" else char for char in text)


if __name__ == "__main__":
    sys.stdout.write(reference() + "\n")
