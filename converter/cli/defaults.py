"""Defaults: segconv.toml in the current folder, whose tables [build], [train], ... set options of these commands.

The command line comes before the environment, that before the file, and the file before recipes and our own defaults.
`--show-config` of every command prints all options in the form of the file, each with where its value comes from.
"""

from __future__ import annotations

import copy
import difflib
import functools
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from converter.errors import SegconvError, UsageError
from converter.limits import MAX_DEFAULTS_BYTES
from converter.options import FILE, RUN_GIVEN, file_defaults
from converter.system.files import read_regular

SHOW = "segconv.show_config"
NOT_IN_FILE = ("config", "resume", "show_config", "help")  # they ask for something; none of them is a default


class WithDefaults(click.Group):
    """A group whose commands take defaults from segconv.toml and have `--show-config`, in the order of use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names of the commands in the order of use, not of the alphabet."""
        return list(self.commands)

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Adds a copy of a command that has `--show-config`."""
        command = copy.copy(cmd)
        command.params = [*cmd.params, _show_option()]
        command.callback = _unless_shown(cmd.callback)
        super().add_command(command, name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Returns the command, with the defaults of its table, and its words."""
        name, found, words = super().resolve_command(ctx, args)
        if found is None:
            return name, found, words
        try:
            table = read_defaults(self).get(found.name or "", {})
        except UsageError:
            if not ctx.resilient_parsing and not {"--help", "-h"} & set(words):
                raise
            table = {}  # a faulty file keeps nobody from the help, nor from the completion in a shell
        if table:
            ctx.meta[FILE] = table
            command = copy.copy(found)
            settings = found.context_settings
            command.context_settings = {**settings, "default_map": {**settings.get("default_map", {}), **table}}
            found = command
        return name, found, words


def read_defaults(group: click.Group, path: Path = Path(FILE)) -> dict[str, dict[str, Any]]:
    """Returns the defaults of each command by the names of its parameters; none where there is no such file.

    Raises:
      UsageError: the file is no TOML, names no command or option of ours, or a value does not fit its option.
    """
    try:
        tables = tomllib.loads(read_regular(path, MAX_DEFAULTS_BYTES).decode("utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as error:  # ValueError: also an integer of thousands of digits
        raise _refused("", f"is not TOML ({error})", "Correct it, or delete it.") from None
    except OSError as error:
        raise _refused("", f"cannot be read ({error.strerror})", "Make it a readable file, or delete it.") from None
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise _refused("", f"has {name!r} outside of any table", f"Write it below [build] or {_known(group)}.")
        if name not in group.commands:
            raise _refused(f"[{name}]", f"names no command{_closest(name, group.commands)}", _known(group, "Use "))
    return {name: _values(group.commands[name], table) for name, table in tables.items()}


def _known(group: click.Group, lead: str = "") -> str:
    names = [f"[{name}]" for name in group.commands]
    return f"{lead}{', '.join(names)}." if lead else f"the table of another command, such as {names[-1]}"


def _values(command: click.Command, table: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values of a table by the names of the parameters."""
    options = _options(command)
    found = {}
    for key, value in table.items():
        option = options.get(key.replace("_", "-"))
        if option is None:
            what = f"is no option of segconv {command.name}{_closest(key, options)}"
            raise _refused(f"[{command.name}] {key}", what, f"segconv {command.name} --help lists its options.")
        found[option.name or ""] = _checked(command, option, key, value)
    return found


def _options(command: click.Command) -> dict[str, click.Option]:
    """Returns the options that may have a default, by their long names without hyphens in front."""
    options = (each for each in command.params if isinstance(each, click.Option) and each.name not in NOT_IN_FILE)
    return {_key(option): option for option in options}


def _key(option: click.Parameter) -> str:
    return max(option.opts, key=len).lstrip("-")


def _checked(command: click.Command, option: click.Option, key: str, value: Any) -> Any:
    """Returns a value as click takes it."""
    where = f"[{command.name}] {key}"
    wanted = _wanted(option)
    values = value if isinstance(value, list) else [value]
    is_list = option.multiple or option.nargs > 1
    if isinstance(value, list) != is_list or not all(_fits(wanted, each) for each in values):
        expected = f"an array, each {wanted}" if is_list else wanted
        raise _refused(where, f"is {_shown(value)}", f"Write {expected}: {key} = {_example(option, wanted)}")
    texts = [str(each) if wanted == TEXT else each for each in values]
    ready = texts if is_list else texts[0]
    try:
        option.type_cast_value(click.Context(command), ready)
    except click.BadParameter as error:
        raise _refused(where, error.message.rstrip("."), f"Change it, or delete the line `{key}`.") from None
    except SegconvError as error:
        raise _refused(where, error.what, error.fix) from None
    except OverflowError:
        raise _refused(where, "is too large", f"Change it, or delete the line `{key}`.") from None
    return ready


TEXT, WHOLE, NUMBER, SWITCH = "a text in quotes", "a whole number", "a number", "true or false"


def _wanted(option: click.Option) -> str:
    """Returns what kind of value an option takes."""
    if option.is_flag:
        return SWITCH
    if isinstance(option.type, (click.IntRange, click.types.IntParamType)):
        return WHOLE
    return NUMBER if isinstance(option.type, (click.FloatRange, click.types.FloatParamType)) else TEXT


def _fits(wanted: str, value: object) -> bool:
    """Whether a TOML value is of a kind; a number may stand for a text, as in `size = 512`."""
    kinds: dict[str, tuple[type, ...]] = {SWITCH: (bool,), WHOLE: (int,), NUMBER: (int, float), TEXT: (str, int, float)}
    return isinstance(value, kinds[wanted]) and isinstance(value, bool) == (wanted == SWITCH)


def _example(option: click.Option, wanted: str) -> str:
    if option.multiple or option.nargs > 1:
        return '["..."]'
    if wanted == TEXT:
        return json.dumps(option.type.choices[0]) if isinstance(option.type, click.Choice) else '"..."'
    return {SWITCH: "true", WHOLE: "8", NUMBER: "0.5"}[wanted]


def _shown(value: object) -> str:
    return _toml(value) if isinstance(value, (str, bool, int, float, list)) else f"of the type {type(value).__name__}"


def _closest(name: str, known: Mapping[str, object]) -> str:
    found = difflib.get_close_matches(name, known, 1)
    return f"; the closest is {found[0]!r}" if found else ""


def _refused(where: str, what: str, fix: str) -> UsageError:
    return UsageError(f"{FILE} {where}".rstrip(), what, fix, "E_DEFAULTS")


def _show_option() -> click.Option:
    return click.Option(
        ["--show-config"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_ask_to_show,
        help="Print all options with where their values come from, and stop.",
    )


def _ask_to_show(ctx: click.Context, parameter: click.Parameter, is_asked: bool) -> None:
    """Remembers that options are only to be shown, for which none of them is required."""
    if is_asked and not ctx.resilient_parsing:
        ctx.meta[SHOW] = True
        required = [each for each in ctx.command.params if each.required]
        _set_required(required, False)
        ctx.call_on_close(lambda: _set_required(required, True))


def _set_required(parameters: list[click.Parameter], is_required: bool) -> None:
    for parameter in parameters:
        parameter.required = is_required


def _unless_shown(run: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """Returns what a command calls: `run`, or with --show-config what shows the options."""
    if run is None:
        return None

    @functools.wraps(run)
    def call(*args: Any, **values: Any) -> Any:
        ctx = click.get_current_context()
        if SHOW not in ctx.meta:
            return run(*args, **values)
        from converter.system.console import print_result

        print_result("\n".join(_lines(ctx)))
        return None

    return call


def _lines(ctx: click.Context) -> Iterator[str]:
    """Yields the table of a command in the form of segconv.toml, each value with its origin."""
    adapt: Callable[[click.Context], dict[str, tuple[object, str]]] = getattr(ctx.command, "adapted", lambda _: {})
    adapted = adapt(ctx)
    rows = []
    for key, option in _options(ctx.command).items():
        name = option.name or ""
        value, origin = adapted.get(name, (ctx.params.get(name), _origin(ctx, name)))
        is_unset = value is None or value == ()
        rows.append(
            (f"# {key}" if is_unset else f"{key} = {_toml(_written(option, value))}", "not set" if is_unset else origin)
        )
    width = max((len(row) for row, _ in rows), default=0)
    yield f"[{ctx.info_name}]"
    yield from (f"{row.ljust(width)}  # {origin}" for row, origin in rows)


def _origin(ctx: click.Context, name: str) -> str:
    """Returns where the value of an option comes from."""
    source = ctx.get_parameter_source(name)
    if source == ParameterSource.DEFAULT_MAP:
        if RUN_GIVEN in ctx.meta:
            return "--config"
        return FILE if name in file_defaults(ctx) else f"recipe {ctx.params.get('recipe') or 'default'}"
    return {ParameterSource.COMMANDLINE: "command line", ParameterSource.ENVIRONMENT: "environment"}.get(
        source or ParameterSource.DEFAULT, "default"
    )


def _written(option: click.Option, value: Any) -> object:
    """Returns a value as one would write it: a size as HEIGHTxWIDTH, a list of a split as SPLIT=FILE."""
    if option.multiple or option.nargs > 1:
        return [each if option.nargs > 1 else _as_text(each) for each in value]
    return _as_text(value)


def _as_text(value: object) -> object:
    if not isinstance(value, tuple):
        return value
    return "=".join(filter(None, value)) if isinstance(value[0], str) else "x".join(map(str, value))


def _toml(value: object) -> str:
    """Returns a value in TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
