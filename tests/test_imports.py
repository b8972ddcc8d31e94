"""What each command imports, since its user waits for that at every start."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"numpy", "PIL", "tqdm", "tensorflow", "keras", "google_crc32c", "obstore"}


def loaded(code: str) -> set[str]:
    """Returns the top-level modules in a fresh interpreter that has run `code`."""
    probe = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_help_loads_nothing_heavy():
    code = "from converter.cli import segconv\nsegconv.main(['--help'], standalone_mode=False)"
    assert not loaded(code) & HEAVY


@pytest.mark.parametrize(
    "command",
    [
        "sample",
        "check",
        "classes",
        "split",
        "build",
        "inspect",
        "verify",
        "train",
        "evaluate",
        "predict",
        "export",
        "report",
        "compare",
        "bench",
    ],
)
def test_help_of_a_command_loads_nothing_heavy(command):
    code = f"from converter.cli import segconv\nsegconv.main(['{command}', '--help'], standalone_mode=False)"
    assert not loaded(code) & HEAVY


def test_only_an_address_loads_what_speaks_to_object_stores():
    assert "obstore" not in loaded("import converter.building.build, converter.building.array, converter.dataset.cache")


def test_the_converter_never_loads_tensorflow():
    root = Path(__file__).parent.parent
    paths = sorted((root / "converter").rglob("*.py"))
    modules = [".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    assert not loaded(f"import {', '.join(modules)}") & {"tensorflow", "keras"}


# A file of published weights is a pickle; its hash is pinned, and what it may name is four names.
READS_PICKLES = ("trainer", "models", "state_dict.py")
ALLOWED = {
    READS_PICKLES: {"pickle"},
    ("converter", "engines", "beam_engine.py"): {"pickle"},  # of its own workers, sealed with a key of the run
    ("converter", "engines", "ray_cluster.py"): {"socket"},  # asks whether the cluster that the user named is there
}


@pytest.mark.parametrize("package", ["converter", "trainer"])
def test_nothing_of_ours_opens_a_socket_starts_a_shell_or_runs_what_it_has_read(package):
    forbidden = {"socket", "ssl", "http", "urllib", "ftplib", "pickle", "shelve", "marshal", "subprocess", "code"}
    for path in sorted((Path(__file__).parent.parent / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                allowed = ALLOWED.get(path.parts[-3:], set())
                assert not {alias.name.partition(".")[0] for alias in node.names} & forbidden - allowed, path
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").partition(".")[0] not in forbidden, path
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"eval", "exec", "compile", "__import__"}, path
            elif isinstance(node, ast.Attribute):
                name = ast.unparse(node)
                assert not name.startswith(("os.system", "os.popen", "os.exec", "os.spawn", "os.posix_spawn")) or (
                    name == "os.execv" and path.parts[-3:] == ("converter", "cli", "__init__.py")
                ), path


def test_the_one_module_that_reads_pickles_has_no_other_way_to_do_it_than_its_own():
    """A subclass of the unpickler that resolves names itself; neither pickle.load, nor the unpickler as it is."""
    text = Path(__file__).parent.parent.joinpath(*READS_PICKLES).read_text()
    (reader,) = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef) and node.bases[:1] and ast.unparse(node.bases[0]) == "pickle.Unpickler"
    ]
    assert {node.name for node in reader.body if isinstance(node, ast.FunctionDef)} == {"find_class", "persistent_load"}
    used = [ast.unparse(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)]
    assert [name for name in used if name == "pickle.Unpickler"] == ["pickle.Unpickler"]
    assert {name for name in used if name.startswith("pickle.")} == {"pickle.Unpickler", "pickle.UnpicklingError"}
    assert "super()" not in text


def test_the_only_program_that_is_started_is_this_command_itself():
    text = (Path(__file__).parent.parent / "converter/cli/__init__.py").read_text()
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    started = [ast.unparse(node) for node in calls if ast.unparse(node.func) == "os.execv"]
    assert started == ["os.execv(sys.executable, [sys.executable, '-X', 'utf8', *sys.orig_argv[1:]])"]


def test_a_dataset_is_built_and_verified_where_there_is_no_network(dataset):
    offline = ("unshare", "--net", "--map-root-user")
    if not shutil.which("unshare") or subprocess.run([*offline, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no namespace without a network can be made here")
    code = "from converter.cli import main; main()"
    for arguments in (("check", "--src", dataset), ("build", "--src", dataset, "--size", "24"), ("verify", "records")):
        command = [*offline, sys.executable, "-c", code, *map(str, arguments)]
        done = subprocess.run(command, cwd=dataset.parent, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
