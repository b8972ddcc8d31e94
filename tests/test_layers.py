"""The architecture: the docstring of each folder lists its modules in dependency order, and every import follows it.

A list is read from the docstring of each `__init__.py`, one line each: four blanks, the name, what it is. An import is
an arrow between two names of one list: those of the deepest folder that holds both modules. It may only run to a name
further up in the list. Three dots as the name stand for all modules that the folder's registry names by import strings
and no list does: to add one is one file and one line of the registry. The functions here work on a mapping from modules
to what they import, and the last tests show that each of them finds what it must on a tree made up for it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("converter", "trainer")
FOR_TRAINER = {
    "version",
    "errors",
    "limits",
    "schema",
    "system",
    "pixels",
    "pages",
    "config",
    "dataset",
    "sources",
    "classes",
    "options",
}
# Tables of many small modules whose entries pass the same tests, which may stand in the one file of the folder.
ONE_TEST_FILE = {"converter.classes.formats", "converter.classes.presets"}
TEST_FILES = {"converter": "public", "trainer": "trainer_public", "trainer.models": "trainer_models_table"}
REGISTERED = "..."  # in a list: all modules that the registry of the folder names
IMPORT_STRING = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+:[A-Za-z_]\w*")
OF_THE_WHOLE = {  # test files about the whole program or the project, which belong to no one module
    "additions",
    "azure",
    "benchmarks",
    "camvid",
    "cli_recommended",
    "docs",
    "docs_sessions",
    "fast_set",
    "fuzz",
    "imports",
    "layers",
    "machines",
    "measures",
    "mutations",
    "peers",
    "pytorch_example",
    "readers",
    "readme",
    "release",
    "safeguards",
    "serve",
    "trainer_backends",
    "wild",
}


class Module(NamedTuple):
    """What this file asks of one module.

    Attributes:
      imports: full names of all that it imports from our packages, at its top and inside functions.
      listed: names in the list of its docstring; None for a module that is no folder.
      has_code: there is more in it than a docstring.
      named: import strings in it, "package.module:name".
      defined: names at its top.
    """

    imports: frozenset[str]
    listed: tuple[str, ...] | None = None
    has_code: bool = True
    named: frozenset[str] = frozenset()
    defined: frozenset[str] = frozenset()


Tree = dict[str, Module]


def read_tree(root: Path, packages: tuple[str, ...] = PACKAGES) -> Tree:
    """Returns every module of the packages by its full name; a folder has the name of its `__init__.py`."""
    paths = {}
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    tree = {}
    for name, path in paths.items():
        is_folder = path.name == "__init__.py"
        parsed = ast.parse(path.read_text())
        listed = tuple(names_listed(ast.get_docstring(parsed) or "")) if is_folder else None
        folder = name if is_folder else name.rpartition(".")[0]
        found = frozenset(target for target in targets(parsed, folder, set(paths)) if target.split(".")[0] in packages)
        has_code = len(parsed.body) > (ast.get_docstring(parsed) is not None)
        tree[name] = Module(found, listed, has_code, frozenset(import_strings(parsed)), frozenset(definitions(parsed)))
    return tree


def names_listed(docstring: str) -> list[str]:
    """Returns the names in the list of a docstring, in its order."""
    return re.findall(r"^    (\w+|\.\.\.) +\S", docstring, re.MULTILINE)


def targets(parsed: ast.Module, folder: str, known: set[str]) -> Iterator[str]:
    """Yields the full name of everything imported, wherever the import stands: of a module if it is one of ours."""
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = folder.split(".")
                base = ".".join([*above[: len(above) - node.level + 1], *filter(None, [node.module])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                # `from package import x` names a module, or else something in the package's __init__.py.
                yield full if full in known or base not in known or alias.name.startswith("__") else base


def import_strings(parsed: ast.Module) -> Iterator[str]:
    """Yields every string that names something to import later; in an f-string, constants of the module are put in."""
    constants = {
        target.id: node.value.value
        for node in parsed.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }

    def text(node: ast.AST) -> str:
        if isinstance(node, ast.JoinedStr):
            return "".join(map(text, node.values))
        if isinstance(node, ast.FormattedValue):
            return str(constants.get(node.value.id, "?")) if isinstance(node.value, ast.Name) else "?"
        return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""

    yield from filter(IMPORT_STRING.fullmatch, map(text, ast.walk(parsed)))


def definitions(parsed: ast.Module) -> Iterator[str]:
    """Yields the names that a module defines or imports at its top."""
    for node in parsed.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets_of = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (name.id for target in targets_of for name in ast.walk(target) if isinstance(name, ast.Name))


def registered(tree: Tree, folder: str) -> set[str]:
    """Returns the names in a folder that its registry names and its list does not, where the list leaves them to it."""
    listed, registry = tree[folder].listed or (), tree.get(f"{folder}.registry")
    if REGISTERED not in listed or registry is None:
        return set()
    modules = {spec.partition(":")[0] for spec in registry.named}
    return {name.rpartition(".")[2] for name in modules if name.rpartition(".")[0] == folder} - {*listed}


def unlisted(tree: Tree) -> set[str]:
    """Returns the modules that no list and no registry names."""
    listed = {f"{folder}.{name}" for folder, module in tree.items() for name in module.listed or ()}
    listed |= {f"{folder}.{name}" for folder in tree for name in registered(tree, folder)}
    return {name for name in tree if "." in name} - listed


def missing(tree: Tree) -> set[str]:
    """Returns the names in lists which stand for no module, and those that a list names twice."""
    names = [f"{folder}.{name}" for folder, module in tree.items() for name in module.listed or ()]
    there = {*tree, *(f"{folder}.{REGISTERED}" for folder in tree if f"{folder}.registry" in tree)}
    return {name for name in names if name not in there or names.count(name) > 1}


def unresolved(tree: Tree) -> set[str]:
    """Returns the import strings that name nothing in our packages, with the module that each stands in."""
    found = {(name, *spec.split(":")) for name, module in tree.items() for spec in module.named}
    ours = {folder.partition(".")[0] for folder in tree}
    return {
        f"{name} names {module}:{attribute}"
        for name, module, attribute in found
        if module.partition(".")[0] in ours and (module not in tree or attribute not in tree[module].defined)
    }


def arrows(tree: Tree) -> Iterator[tuple[str, str, str, str]]:
    """Yields (folder, name, imported name, importing module) of all imports between two names of one folder.

    What a folder's own `__init__.py` imports from its modules is no arrow between them; what they import from it is one
    to the name "__init__".
    """
    for module, facts in tree.items():
        for target in facts.imports:
            here, there = module.split("."), target.split(".")
            depth = 0
            while depth < min(len(here), len(there)) and here[depth] == there[depth]:
                depth += 1
            if 0 < depth < len(here) and not there[-1].startswith("__"):
                folder = ".".join(here[:depth])
                yield folder, here[depth], there[depth] if depth < len(there) else "__init__", module


def upward(tree: Tree) -> set[str]:
    """Returns every import that runs up, to a name further down in the list.

    The `__init__.py` of a folder comes before the modules in it, which may import from it, unless it imports some of
    them itself: then it comes after all of them. That of a whole package is for those outside it. Modules of a registry
    stand side by side: none of them may import another.
    """
    found = set()
    for folder, name, target, module in arrows(tree):
        order = list(tree[folder].listed or ())
        ranks = {listed: order.index(listed) for listed in order}
        ranks |= dict.fromkeys(registered(tree, folder), ranks.get(REGISTERED, 0))
        if target == "__init__":
            is_upward = "." not in folder or any(full.startswith(f"{folder}.") for full in tree[folder].imports)
        else:
            is_upward = name in ranks and target in ranks and ranks[target] >= ranks[name]
        if is_upward:
            found.add(f"{module} imports {folder}.{target}")
    return found


def circles(tree: Tree) -> set[str]:
    """Returns a circle of each folder that has one, whatever the lists say."""
    graphs: dict[str, dict[str, set[str]]] = {}
    for folder, name, target, _ in arrows(tree):
        graphs.setdefault(folder, {}).setdefault(name, set()).add(target)
        if target == "__init__":
            # Whoever imports its own folder imports whatever the folder's __init__.py imports.
            inside = [full.split(".") for full in tree[folder].imports if full.startswith(f"{folder}.")]
            graphs[folder].setdefault(target, set()).update(parts[folder.count(".") + 1] for parts in inside)
    found = {folder: circle_in(graph) for folder, graph in graphs.items()}
    return {" -> ".join(f"{folder}.{name}" for name in circle) for folder, circle in found.items() if circle}


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """Returns the names of one circle, the first of them once more at the end; nothing where there is none."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for target in sorted(graph.get(name, ())):
            if circle := visit(target, [*path, name]):
                return circle
        done.add(name)
        return []

    return next((circle for name in sorted(graph) if (circle := visit(name, []))), [])


def taken(tree: Tree, package: str, other: str) -> dict[str, set[str]]:
    """Returns what each module of a package imports from the other: names of its top level, but not `__version__`."""
    found = {}
    for name, module in tree.items():
        names = {".".join(full.split(".")[1:2]) for full in module.imports if full.split(".")[0] == other}
        if name.split(".")[0] == package and (names := names - {"__version__"}):
            found[name] = names
    return found


def files_of_tests(name: str) -> set[str]:
    """Returns the names of the files, one of which must have the tests of a module."""
    folder = name.rpartition(".")[0]
    modules = {name, folder} if folder in ONE_TEST_FILE else {name}
    words = {TEST_FILES.get(module, module.removeprefix("converter.").replace(".", "_")) for module in modules}
    return {f"test_{word}.py" for word in words}


def untested(tree: Tree, tests: set[str]) -> set[str]:
    """Returns the modules with code in them that have no file of tests."""
    with_code = {name for name, module in tree.items() if module.has_code}
    return {name for name in with_code if not files_of_tests(name) & tests}


TREE = read_tree(ROOT)
TESTS = {path.name for path in (ROOT / "tests").glob("test_*.py")}


def test_every_module_stands_in_the_list_of_its_folder():
    assert not unlisted(TREE)


def test_every_name_in_a_list_is_a_module():
    assert not missing(TREE)


def test_no_import_runs_up():
    assert not upward(TREE)


def test_no_imports_run_in_a_circle():
    assert not circles(TREE)


def test_trainer_takes_from_the_converter_only_the_contract_and_what_it_must_share():
    found = taken(TREE, "trainer", "converter")
    assert not {name: names - FOR_TRAINER for name, names in found.items() if names - FOR_TRAINER}


def test_of_the_converter_only_the_command_line_knows_the_trainer():
    assert {name.split(".")[1] for name in taken(TREE, "converter", "trainer")} == {"cli"}


@pytest.mark.parametrize(
    "module", ["errors", "schema", "limits", "system.console", "config", "dataset.manifest", "dataset.parse"]
)
def test_the_contract_needs_the_standard_library_alone(module):
    waiting, seen = [f"converter.{module}"], set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        path = (ROOT / name.replace(".", "/")).with_suffix(".py")
        tree = ast.parse((path if path.is_file() else path.with_suffix("") / "__init__.py").read_text())
        top = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
        top |= {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}
        assert not {full.partition(".")[0] for full in top} & {"numpy", "PIL", "click", "tqdm", "google_crc32c"}, name
        waiting += {full for full in top if full in TREE} - seen


def test_every_import_string_names_something():
    assert not unresolved(TREE)
    registries = {name for name, module in TREE.items() if module.named}
    assert {f"converter.{folder}.registry" for folder in ("sources.layouts", "classes.formats", "classes.presets")} <= (
        registries
    )
    of_converter = {f"converter.{name}.registry" for name in ("sources.layouts", "classes.formats", "classes.presets")}
    of_converter.add("converter.annotations.registry")
    of_trainer = {f"trainer.choices.{name}" for name in ("augments", "encoders", "losses", "optimizers")}
    assert of_converter | of_trainer | {"trainer.models"} <= registries


def test_every_module_has_its_tests():
    assert not untested(TREE, TESTS)


def test_every_test_file_is_that_of_a_module_or_of_the_whole():
    assert not TESTS - {f"test_{name}.py" for name in OF_THE_WHOLE}.union(*map(files_of_tests, TREE))


def listing(*names: str) -> str:
    """Returns the docstring of a folder's `__init__.py`."""
    return "\n".join(['"""Doc.', "", "Modules:", "", *(f"    {name}  what it is" for name in names), '"""', ""])


MADE_UP = {
    "converter/__init__.py": listing("errors", "pixels", "layouts", "cli") + '__version__ = "1"\n',
    "converter/errors.py": "",
    "converter/pixels/__init__.py": listing("png", "images"),
    "converter/pixels/png.py": "from converter import __version__, errors\n",
    "converter/pixels/images.py": "from ..errors import Failure\nfrom . import png\n",
    "converter/layouts/__init__.py": listing("tree", "registry", "same", "...", "find"),
    "converter/layouts/tree.py": "",
    "converter/layouts/registry.py": (
        '_HERE, NUMBER = "converter.layouts", 1\n_TREE = "converter.layouts"\nfrom converter.layouts import tree\n'
        'RULES = {"voc": (f"{_TREE}.voc:voc", "x.y:z"), "same": "converter.layouts.same:same"}\n'
        'NAMES = ("a: b", "png:95", f"{NUMBER}.voc:voc", "package.module:name or so")\n'
    ),
    "converter/layouts/same.py": "def same(): ...\n",
    "converter/layouts/voc.py": "from converter.layouts import same, tree\nvoc = same.same\n",
    "converter/layouts/find.py": "from converter.layouts.registry import RULES\n",
    "converter/cli/__init__.py": listing("build") + "from converter.cli import build\nimport trainer.cli\n",
    "converter/cli/build.py": "def build():\n    from converter.pixels import images\n",
    "trainer/__init__.py": listing("models", "cli"),
    "trainer/models/__init__.py": listing("unet") + "from .unet import unet\n",
    "trainer/models/unet.py": "from converter.errors import Failure\n",
    "trainer/cli.py": "from trainer.models import unet\nfrom converter import __version__\n",
}
Read = Callable[..., Tree]


@pytest.fixture
def made_up(tmp_path: Path) -> Read:
    """Returns what reads the made-up tree, with (path, text) of files that are added or changed."""

    def read(*changed: tuple[str, str]) -> Tree:
        for name, text in (MADE_UP | dict(changed)).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return read_tree(tmp_path)

    return read


def test_a_tree_in_order_passes_every_check(made_up):
    tree = made_up()
    assert tree["converter.pixels.png"].imports == {"converter.__version__", "converter.errors"}
    assert tree["converter.pixels.images"].imports == {"converter.errors", "converter.pixels.png"}
    assert tree["trainer.cli"].imports == {"trainer.models.unet", "converter.__version__"}
    assert [unlisted(tree), missing(tree), upward(tree), circles(tree), unresolved(tree)] == [set()] * 5
    assert taken(tree, "trainer", "converter") == {"trainer.models.unet": {"errors"}}
    assert taken(tree, "converter", "trainer") == {"converter.cli": {"cli"}}


def test_a_module_and_a_folder_that_no_list_names_are_found(made_up):
    assert unlisted(made_up(("converter/pixels/tiff.py", ""))) == {"converter.pixels.tiff"}
    deeper = made_up(("converter/pixels/raw/__init__.py", ""), ("converter/pixels/raw/bits.py", ""))
    assert unlisted(deeper) == {"converter.pixels.tiff", "converter.pixels.raw", "converter.pixels.raw.bits"}


def test_a_folder_without_an_init_is_found(made_up):
    assert unlisted(made_up(("trainer/input/data.py", ""))) == {"trainer.input.data"}


def test_a_listed_module_that_does_not_exist_and_one_listed_twice_are_found(made_up):
    tree = made_up(("converter/pixels/__init__.py", listing("png", "images", "bmp", "png")))
    assert missing(tree) == {"converter.pixels.bmp", "converter.pixels.png"}


@pytest.mark.parametrize(
    ("module", "text", "target"),
    [
        ("converter.errors", "import converter.pixels.png\n", "converter.pixels"),
        ("converter.errors", "from converter import pixels\n", "converter.pixels"),
        ("converter.pixels", "from converter.cli import main\n", "converter.cli"),
        ("converter.pixels.png", "from converter.cli.build import x\n", "converter.cli"),
        ("converter.pixels.png", "from converter.pixels.images import x\n", "converter.pixels.images"),
        ("converter.pixels.png", "def f():\n    from . import images\n", "converter.pixels.images"),
        ("converter.cli.build", "from converter.cli import main\n", "converter.cli.__init__"),
        ("converter.cli.build", "from converter import build\n", "converter.__init__"),
        ("trainer.models.unet", "from ..cli import train\n", "trainer.cli"),
    ],
)
def test_an_import_that_runs_up_is_found(made_up, module, text, target):
    paths = {path.replace("/", ".").removesuffix(".py").removesuffix(".__init__"): path for path in MADE_UP}
    changed = (paths[module], MADE_UP[paths[module]] + text)
    assert upward(made_up(changed)) == {f"{module} imports {target}"}


def test_modules_may_import_from_a_folder_that_imports_none_of_them(made_up):
    table = ("trainer/models/__init__.py", listing("unet") + "TABLE = {}\n")
    tree = made_up(table, ("trainer/models/unet.py", "from trainer.models import TABLE\n"))
    assert (upward(tree), circles(tree)) == (set(), set())
    lazily = listing("unet") + "def f():\n    from trainer.models import unet\n"
    tree = made_up(("trainer/models/__init__.py", lazily), ("trainer/models/unet.py", "import trainer.models\n"))
    assert upward(tree) == {"trainer.models.unet imports trainer.models.__init__"}


def test_import_strings_are_found_with_the_constants_put_in(made_up):
    named = made_up()["converter.layouts.registry"].named
    assert named == {"converter.layouts.voc:voc", "converter.layouts.same:same", "x.y:z"}


def test_what_a_registry_names_has_the_place_of_the_three_dots(made_up):
    assert registered(made_up(), "converter.layouts") == {"voc"}  # same stands in the list by its name
    for name in ("tree", "same"):
        path = f"converter/layouts/{name}.py"
        tree = made_up((path, "from converter.layouts import voc\ndef same(): ...\n"))
        assert upward(tree) == {f"converter.layouts.{name} imports converter.layouts.voc"}
    down = made_up(("converter/layouts/find.py", "from converter.layouts import voc\n"))
    assert upward(down) == set()
    up = made_up(("converter/layouts/voc.py", "from converter.layouts import find\nvoc = find\n"))
    assert upward(up) == {"converter.layouts.voc imports converter.layouts.find"}


def test_modules_of_a_registry_do_not_import_one_another(made_up):
    registry = 'RULES = ("converter.layouts.voc:voc", "converter.layouts.cvat:cvat")\n'
    cvat = ("converter/layouts/cvat.py", "from converter.layouts.voc import voc\ncvat = voc\n")
    tree = made_up(("converter/layouts/registry.py", registry), cvat)
    assert upward(tree) == {"converter.layouts.cvat imports converter.layouts.voc"}
    assert (unlisted(tree), unresolved(tree)) == (set(), set())


def test_a_module_that_neither_list_nor_registry_names_is_found_and_so_are_dots_without_a_registry(made_up):
    assert unlisted(made_up(("converter/layouts/cvat.py", ""))) == {"converter.layouts.cvat"}
    dots = made_up(("converter/pixels/__init__.py", listing("png", "images", "...")), ("converter/layouts/cvat.py", ""))
    assert missing(dots) == {"converter.pixels...."}
    named = made_up(("converter/layouts/__init__.py", listing("tree", "registry", "same", "find")))
    assert unlisted(named) == {"converter.layouts.cvat", "converter.layouts.voc"}  # nothing says that there is more


@pytest.mark.parametrize("spec", ["converter.layouts.voc:cvat", "converter.layouts.cvat:cvat", "trainer.nothing:x"])
def test_an_import_string_that_names_nothing_is_found(made_up, spec):
    tree = made_up(("trainer/cli.py", f"TABLE = {{'x': '{spec}', 'y': 'keras.applications:VGG16'}}\n"))
    assert unresolved(tree) == {f"trainer.cli names {spec}"}


def test_a_circle_is_found_whatever_the_lists_say(made_up):
    up = "def f():\n    from converter.pixels import images\n"
    files = made_up(("converter/pixels/__init__.py", ""), ("converter/pixels/png.py", up))
    assert upward(files) == set()
    assert circles(files) == {"converter.pixels.images -> converter.pixels.png -> converter.pixels.images"}
    folders = made_up(("converter/pixels/png.py", "from converter.cli import build\n"))
    assert circles(folders) == {"converter.cli -> converter.pixels -> converter.cli"}
    own = made_up(("converter/pixels/png.py", ""), ("converter/cli/build.py", "from converter.cli import segconv\n"))
    assert circles(own) == {"converter.cli.__init__ -> converter.cli.build -> converter.cli.__init__"}


def test_a_circle_of_three_is_found_and_a_diamond_is_none():
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle_in({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}) == []


def test_what_one_package_takes_from_the_other_is_found(made_up):
    text = "from converter import build\nfrom converter.cli.build import x\ndef f():\n    import converter.pixels.png\n"
    tree = made_up(("trainer/cli.py", text), ("converter/pixels/png.py", "from trainer import models\n"))
    assert taken(tree, "trainer", "converter")["trainer.cli"] == {"cli", "pixels", ""}  # "" is its public face
    assert taken(tree, "converter", "trainer")["converter.pixels.png"] == {"models"}


def test_a_module_without_tests_is_found_and_a_docstring_needs_none(made_up):
    tree = made_up()
    names = {
        "public",
        "errors",
        "pixels_png",
        "cli_build",
        "trainer_models_table",
        "trainer_models_unet",
        "trainer_cli",
    }
    names |= {f"layouts_{name}" for name in ("tree", "registry", "same", "voc", "find")}
    assert untested(tree, {f"test_{name}.py" for name in names}) == {"converter.pixels.images", "converter.cli"}
