"""How large modules, functions, classes and parameter lists may grow, and that all that is public is documented.

The functions here work on parsed modules; the last tests show that each finds what it must in a module made up for it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("converter", "trainer")
MAX_TOP_LEVEL = 20  # files and folders of a package, as many as a drawing of its imports can show
MAX_MODULE_LINES = 450
MAX_MEDIAN_LINES = 200
MAX_FUNCTION_LINES = 60
MAX_CLASS_LINES = 200
MAX_PARAMETERS = 6
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(package: str) -> dict[str, str]:
    """Returns the text of each module of a package, by its path."""
    return {str(path.relative_to(ROOT)): path.read_text() for path in sorted((ROOT / package).rglob("*.py"))}


def long_functions(tree: ast.Module) -> dict[str, int]:
    """Returns the lines of each function that is too long, from `def` to its end."""
    return _too_long(tree, Function, MAX_FUNCTION_LINES)


def long_classes(tree: ast.Module) -> dict[str, int]:
    """Returns the lines of each class that is too long."""
    return _too_long(tree, ast.ClassDef, MAX_CLASS_LINES)


def _too_long(tree: ast.Module, kind: type, limit: int) -> dict[str, int]:
    lines = {name: node.end_lineno - node.lineno + 1 for name, node in named(tree) if isinstance(node, kind)}
    return {name: count for name, count in lines.items() if count > limit}


def long_parameter_lists(tree: ast.Module) -> dict[str, int]:
    """Returns the number of parameters of each function that has too many; `self` and `cls` do not count."""
    counts = {name: len(parameters(node)) for name, node in named(tree) if isinstance(node, Function)}
    return {name: count for name, count in counts.items() if count > MAX_PARAMETERS}


def parameters(function: Function) -> list[str]:
    """Returns the names of the parameters; `*args` and `**kwargs` are not counted, as linters do not either."""
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return [parameter.arg for parameter in every if parameter.arg not in ("self", "cls")]


def undocumented(tree: ast.Module) -> set[str]:
    """Returns the public classes, functions, methods and properties without a docstring; "" is the module.

    Public is what has no underscore before its name and does not stand in a function or in something private. The
    setter of a property, and what `@overload` declares, are documented where the property and the function are.
    """
    found = {
        name
        for name, node in named(tree, inside_functions=False)
        if not any(part.startswith("_") for part in name.split("."))
        and not any(_is_second(decorator) for decorator in node.decorator_list)
        and not ast.get_docstring(node)
    }
    return found if ast.get_docstring(tree) else found | {""}


def _is_second(decorator: ast.expr) -> bool:
    return ast.unparse(decorator).rpartition(".")[2] in ("overload", "setter", "deleter")


def named(tree: ast.AST, prefix: str = "", *, inside_functions: bool = True) -> Iterator[tuple[str, ast.AST]]:
    """Yields (dotted name, node) of every class and function, wherever in the module it stands."""
    for node in ast.iter_child_nodes(tree):
        inner = prefix
        if isinstance(node, Function | ast.ClassDef):
            yield prefix + node.name, node
            inner = f"{prefix}{node.name}."
        if inside_functions or not isinstance(node, Function):
            yield from named(node, inner, inside_functions=inside_functions)


def limits_assigned(tree: ast.Module) -> set[str]:
    """Returns the constants MAX_* that a module assigns, at its top or in a class or function."""
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id.lstrip("_").startswith("MAX_")
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_the_top_level_of_a_package_can_be_seen_at_a_glance(package):
    entries = {path.relative_to(ROOT / package).parts[0] for path in (ROOT / package).rglob("*.py")}
    assert len(entries - {"__init__.py"}) <= MAX_TOP_LEVEL, sorted(entries)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_is_long_and_half_of_them_are_short(package):
    lines = {path: len(text.splitlines()) for path, text in modules(package).items()}
    assert not {path: count for path, count in lines.items() if count > MAX_MODULE_LINES}
    # The __init__.py of most folders is a docstring, which would make the median smaller than the modules are.
    assert median(count for path, count in lines.items() if not path.endswith("__init__.py")) <= MAX_MEDIAN_LINES


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("measure", [long_functions, long_classes, long_parameter_lists, undocumented])
def test_every_function_and_class_is_short_has_few_parameters_and_is_documented(package, measure):
    found = {path: measure(ast.parse(text)) for path, text in modules(package).items()}
    assert not {path: names for path, names in found.items() if names}


def test_how_much_is_accepted_is_decided_in_one_module():
    found = {path: limits_assigned(ast.parse(text)) for path, text in modules("converter").items()}
    assert {path for path, names in found.items() if names} == {"converter/limits.py"}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_has_a_name_that_says_what_is_in_it(package):
    names = {part.removesuffix(".py") for path in modules(package) for part in Path(path).parts}
    assert not names & SAYS_NOTHING


def test_a_long_function_and_a_long_class_are_found_wherever_they_stand():
    body = "\n".join(["            x = 1"] * (MAX_FUNCTION_LINES - 1))
    text = f"class A:\n    def f(self):\n{body}\n    def g(self):\n{body}\n            x = 1\n"
    assert long_functions(ast.parse(text)) == {"A.g": MAX_FUNCTION_LINES + 1}
    inner = f"def outer():\n    if True:\n        async def f():\n{body}\n            x = 1\n"
    assert set(long_functions(ast.parse(inner))) == {"outer", "outer.f"}
    lines = "\n".join(["    x = 1"] * (MAX_CLASS_LINES - 1))
    assert long_classes(ast.parse(f"class A:\n{lines}\n")) == {}
    assert long_classes(ast.parse(f"class A:\n{lines}\n    x = 1\n")) == {"A": MAX_CLASS_LINES + 1}


def test_a_long_parameter_list_is_found_and_self_is_not_counted():
    six = "class A:\n    def f(self, a, /, b, c, *more, d, e, f): ...\n"
    assert long_parameter_lists(ast.parse(six)) == {}
    text = six + "    def g(cls, a, /, b, c, d, e, *, f, g, **more): ...\n"
    assert long_parameter_lists(ast.parse(text)) == {"A.g": 7}


def test_what_is_public_and_not_documented_is_found():
    text = """
class A:
    @property
    def size(self): ...
    @size.setter
    def size(self, size): ...
    def _private(self): ...
    def __init__(self): ...
    class B:
        "Documented."
        def method(self): ...
class _Private:
    def method(self): ...
def f():
    def inner(): ...
if f:
    def g(): ...
def documented():
    "Documented."
"""
    assert undocumented(ast.parse(text)) == {"", "A", "A.size", "A.B.method", "f", "g"}
    assert undocumented(ast.parse('"Documented."')) == set()


def test_a_limit_is_found_wherever_it_is_assigned():
    text = "MAX_A = 1\nMAX_B: int = 2\nfrom converter.limits import MAX_C\nx = MAX_C\nif x:\n    _MAX_D, y = 1, 2\n"
    assert limits_assigned(ast.parse(text)) == {"MAX_A", "MAX_B", "_MAX_D"}


def figures(package: str) -> dict[str, str]:
    """Returns what is measured of a package, for the table in CONTRIBUTING.md."""
    texts = modules(package)
    trees = {path: ast.parse(text) for path, text in texts.items()}
    nodes = [node for tree in trees.values() for _, node in named(tree)]
    functions = [node for node in nodes if isinstance(node, Function)]
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    lines = {path: len(text.splitlines()) for path, text in texts.items() if not path.endswith("__init__.py")}

    def longest(found: list[Function] | list[ast.ClassDef]) -> int:
        return max(node.end_lineno - node.lineno + 1 for node in found)

    return {
        "entries on the top level": str(len({Path(path).parts[1] for path in texts} - {"__init__.py"})),
        "lines of a module, median / longest": f"{median(lines.values()):g} / {max(lines.values())}",
        "lines of a function": str(longest(functions)),
        "lines of a class": str(longest(classes)),
        "parameters of a function": str(max(len(parameters(function)) for function in functions)),
        "public names without documentation": str(sum(len(undocumented(tree)) for tree in trees.values())),
    }


def test_the_table_of_figures_is_that_of_the_document():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for name in figures("converter"):
        assert f"| {name} |" in text


if __name__ == "__main__":
    for row in zip(*(figures(package).items() for package in PACKAGES), strict=True):
        print("|", row[0][0], "|", " | ".join(value for _, value in row), "|")  # noqa: T201
