"""The house stands: no import runs up, every room is on the list, and every room has its tests."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOR_TRAINER = {
    "errors",
    "schema",
    "console",
    "manifest",
    "images",
    "masks",
    "source",
    "pictures",
    "storage",
    "processors",
}


def rooms(package: str) -> list[str]:
    """Returns the rooms in the order of the list in the package's docstring."""
    docstring = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text())) or ""
    return re.findall(r"^    (\w+) +\S", docstring, re.MULTILINE)


def modules(package: str) -> list[Path]:
    return sorted(path for path in (ROOT / package).rglob("*.py") if path != ROOT / package / "__init__.py")


def room_of(path: Path) -> str:
    """Returns the room of a module: its own name, or that of the folder that it lies in."""
    return path.relative_to(ROOT).parts[1].removesuffix(".py")


def imports(path: Path) -> set[tuple[str, str]]:
    """Returns (package, room) of everything of ours that a module imports, at its top or inside."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if "." in node.module else [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            package, _, rest = name.partition(".")
            if package in ("converter", "trainer") and not rest.startswith("__"):
                found.add((package, rest.split(".")[0]))
    return found


@pytest.mark.parametrize("package", ["converter", "trainer"])
def test_the_list_of_rooms_is_the_folder(package):
    assert sorted(rooms(package)) == sorted({room_of(path) for path in modules(package)})


@pytest.mark.parametrize("package", ["converter", "trainer"])
def test_no_import_runs_up(package):
    order = rooms(package)
    for path in modules(package):
        own = room_of(path)
        for target, room in imports(path):
            if target == package and room != own:
                assert order.index(room) < order.index(own), f"{package}/{own} imports {room}, which stands below it"


def test_trainer_takes_from_the_converter_only_the_contract_and_what_it_must_share():
    for path in modules("trainer"):
        taken = {room for package, room in imports(path) if package == "converter"}
        assert taken <= FOR_TRAINER, path


def test_of_the_converter_only_the_command_line_knows_the_trainer():
    knowing = {room_of(path) for path in modules("converter") for package, _ in imports(path) if package == "trainer"}
    assert knowing == {"cli"}


@pytest.mark.parametrize("room", ["errors", "schema", "console", "config", "manifest"])
def test_the_contract_needs_the_standard_library_alone(room):
    tree = ast.parse((ROOT / "converter" / f"{room}.py").read_text())
    top = {name.name for node in tree.body if isinstance(node, ast.Import) for name in node.names}
    top |= {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert not {name.partition(".")[0] for name in top} & {"numpy", "PIL", "click", "tqdm", "google_crc32c"}


@pytest.mark.parametrize("package", ["converter", "trainer"])
def test_every_room_has_its_tests(package):
    prefix = "" if package == "converter" else "trainer_"
    missing = [room for room in rooms(package) if not (ROOT / "tests" / f"test_{prefix}{room}.py").is_file()]
    assert not missing
