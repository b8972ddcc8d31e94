"""The command on real machines: no working folder, closed pipes, full disks, other locales, forbidden calls."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from command_line import COMMAND, SMALL, assert_one_line
from conftest import visible, write_dataset

ROOT = Path(__file__).parent.parent
GONE = "needs the working folder, which was deleted. Change to another folder with `cd`, then run the command again."
LOST = "import os, sys; os.chdir(sys.argv[1]); os.rmdir(sys.argv[1]); os.execv(sys.argv[2], sys.argv[2:])"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds dataset/, records/ built from it, and bad/, whose first shard is damaged."""
    folder = tmp_path_factory.mktemp("built")
    write_dataset(folder / "dataset")
    done = run(folder, "build", "--src", "dataset", *SMALL)
    assert done.returncode == 0, done.stderr
    shutil.copytree(folder / "records", folder / "bad")
    shard = next((folder / "bad").glob("*-train*-of-00001"))
    shard.write_bytes(shard.read_bytes()[:-1])
    return folder


def run(folder: Path, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run([*COMMAND, *map(str, arguments)], cwd=folder, text=True, timeout=120, **streams)


def run_lost(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs the command in a working folder that was deleted."""
    (folder / "gone").mkdir()
    command = [sys.executable, "-c", LOST, str(folder / "gone"), *COMMAND, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("build", "--help"), ("train", "--help")])
def test_nothing_at_import_depends_on_the_working_folder(tmp_path, arguments):
    done = run_lost(tmp_path, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize(("arguments", "where"), [
    (("check", "--src", "dataset"), "dataset"),
    (("build", "--src", "../dataset"), "../dataset"),
    (("classes", "--src", "."), "segconv"),
    (("split", "--src", "dataset"), "dataset"),
    (("verify",), "records"),
    (("inspect",), "records"),
    (("inspect", "shard", "records/x"), "records/x"),
    (("sample", "town"), "segconv"),
    (("evaluate",), "runs"),
    (("train", "--resume"), "runs"),
])  # fmt: skip
def test_a_command_that_needs_the_deleted_folder_says_so_in_one_line(tmp_path, arguments, where):
    done = run_lost(tmp_path, *arguments)
    assert_one_line(done, 2, f"Error: {where}: {GONE}")


def test_what_needs_no_working_folder_runs_without_it(built, tmp_path):
    done = run_lost(tmp_path, "inspect", built / "records")
    assert (done.returncode, done.stderr) == (0, "")
    done = run_lost(tmp_path, "check", "--src", built / "dataset", *SMALL)
    assert done.returncode == 0, done.stderr


def test_an_error_of_something_else_stays_what_it_is(built, tmp_path):
    assert_one_line(run_lost(tmp_path, "check", "--src", "/nowhere"), 2, "/nowhere: is not a folder")
    assert_one_line(run_lost(tmp_path, "build", "--src", built / "dataset", "--size", "0"), 2, "--size: ")
    done = run_lost(tmp_path, "verify", built / "bad" / "absent")
    assert_one_line(done, 2, "holds no manifest.json")


def test_an_output_in_the_deleted_folder_is_refused_before_anything_is_read(built, tmp_path):
    for arguments in (
        ("check", "--src", built / "dataset", "--html", "a.html"),
        ("inspect", built / "records", "--save", "a.png"),
    ):
        assert_one_line(run_lost(tmp_path, *arguments), 2, f": {GONE}")


COMMANDS = [
    (("verify", "records"), 0),
    (("verify", "bad"), 1),
    (("inspect", "records"), 0),
    (("inspect", "bad"), 1),
    (("check", "--src", "dataset", *SMALL), 0),
    (("check", "--src", "dataset", "--json", *SMALL), 0),
    (("classes", "--src", "dataset", "-j", "1"), 0),
    (("split", "--src", "dataset", "--dry-run", "--overwrite", "-j", "1"), 0),
    (("build", "--src", "dataset", *SMALL), 0),
    (("build", "--src", "dataset", "--dry-run", *SMALL), 0),
    (("build", "--src", "nowhere"), 2),
    (("--help",), 0),
    (("build", "--help"), 0),
    (("--version",), 0),
    ((), 2),
    (("bild",), 2),
]


def closed_pipe() -> int:
    """Returns the end for writing of a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize(
    ("arguments", "code", "both"), [*((*case, True) for case in COMMANDS), *((*case, False) for case in COMMANDS[:3])]
)
def test_a_reader_that_leaves_changes_neither_the_exit_code_nor_the_work(built, arguments, code, both):
    pipe = closed_pipe()
    done = run(built, *arguments, stdout=pipe, stderr=pipe if both else subprocess.PIPE)
    os.close(pipe)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in (done.stderr or "")
    assert "Broken pipe" not in (done.stderr or "")


def test_the_work_is_done_though_nobody_reads_the_result(built, tmp_path):
    pipe = closed_pipe()
    source = built / "dataset"
    done = run(tmp_path, "check", "--src", source, "--html", "page.html", *SMALL, stdout=pipe, stderr=pipe)
    assert done.returncode == 0
    assert (tmp_path / "page.html").read_text().rstrip().endswith("</html>")
    assert run(tmp_path, "inspect", built / "records", "--save", "s.png", stdout=pipe, stderr=pipe).returncode == 0
    assert (tmp_path / "s.png").stat().st_size
    assert run(tmp_path, "build", "--src", source, *SMALL, stdout=pipe, stderr=pipe).returncode == 0
    assert visible(tmp_path / "records") == visible(built / "records")
    assert run(tmp_path, "-v", "verify", stdout=pipe, stderr=pipe).returncode == 0
    os.close(pipe)


def test_head_after_the_first_line_ends_no_build(built, tmp_path):
    python = " ".join((sys.executable, "-c", "'from converter.cli import main; main()'"))
    command = f"set -o pipefail; {python} build --src {built}/dataset --size 24 -j 1 2>&1 | head -1"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("24 high x 24 wide")
    assert visible(tmp_path / "records") == visible(built / "records")


@pytest.mark.parametrize("arguments", [arguments for arguments, code in COMMANDS if not code])
def test_a_result_that_a_full_disk_does_not_take_is_a_machine_failure(built, arguments):
    with Path("/dev/full").open("w") as full:
        done = run(built, *arguments, stdout=full)
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1].startswith(
        "Error: stdout: cannot be written (No space left on device). Free up"
    )
    assert "Traceback" not in done.stderr


def test_errors_that_a_full_disk_does_not_take_leave_the_exit_code(built):
    with Path("/dev/full").open("w") as full:
        assert run(built, "verify", "records", stderr=full).returncode == 0
        assert run(built, "build", "--src", "nowhere", stderr=full).returncode == 2


@pytest.fixture(scope="module")
def latin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the locale de_DE in ISO-8859-1."""
    folder = tmp_path_factory.mktemp("locales")
    made = folder / "de_DE.ISO-8859-1"
    if shutil.which("localedef"):
        subprocess.run(["localedef", "-i", "de_DE", "-f", "ISO-8859-1", str(made)], capture_output=True)
    if not made.exists():
        pytest.skip("this machine cannot make the locale")
    return folder


def session(folder: Path, environment: Mapping[str, str]) -> dict[str, bytes]:
    """Runs the commands of a user in a locale; returns every text that they write, by its name."""
    dataset = write_dataset(folder / "dataset")
    text = (dataset / "classes.csv").read_text().replace("building", "Gebäude").replace("vegetation", "道路")
    (dataset / "classes.csv").write_text(text, encoding="utf-8")
    (dataset / "jpg/p0.jpg").write_bytes(b"x")  # for errors.jsonl
    found = {}
    for name, arguments in {
        "check": ("check", "--src", "dataset", "--html", "page.html", *SMALL),
        "split": ("split", "--src", "dataset", "--overwrite", "-j", "1"),
        "build": ("build", "--src", "dataset", "--on-error", "skip", *SMALL),
        "verify": ("verify", "--src", "dataset", "-j", "1"),
        "inspect": ("inspect",),
        "classes": ("classes", "--src", "dataset", "-j", "1"),
        "write": ("classes", "--src", "dataset", "--write", "--overwrite", "-j", "1"),
    }.items():
        done = subprocess.run([*COMMAND, *arguments], cwd=folder, env=environment, capture_output=True, timeout=120)
        assert done.returncode in (0, 1, 3), done.stderr
        seconds = re.compile(rb"in \d+\.\d s, [\d,]+ pairs?/s")
        found |= {f"{name} stdout": seconds.sub(b"", done.stdout), f"{name} stderr": done.stderr}
    texts = [path for path in folder.rglob("*") if path.suffix in (".txt", ".csv", ".json", ".jsonl", ".html")]
    return found | {str(path.relative_to(folder)): seconds.sub(b"", path.read_bytes()) for path in texts}


@pytest.mark.slow
def test_every_text_is_utf_8_and_the_same_in_every_locale(tmp_path, latin):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    clean["PYTHONPATH"] = str(ROOT)
    locales = {
        "utf-8": {"LC_ALL": "C.UTF-8"},
        "c": {"LC_ALL": "C"},
        "ascii": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        "latin": {"LC_ALL": "de_DE.ISO-8859-1", "LOCPATH": str(latin), "PYTHONUTF8": "0"},
    }
    found = {name: session(tmp_path / name, clean | locale) for name, locale in locales.items()}
    assert "Gebäude" in found["utf-8"]["records/manifest.json"].decode()
    assert {"dataset/train.txt", "dataset/classes.csv", "records/errors.jsonl"} <= found["utf-8"].keys()
    assert "Gebäude".encode() in found["utf-8"]["inspect stdout"]
    for texts in found.values():
        assert texts == found["utf-8"]


FORBIDDEN = {
    "setrlimit": "resource.setrlimit = fail(ValueError('not allowed to raise maximum limit'))",
    "getrlimit": "resource.getrlimit = fail(PermissionError(errno.EPERM, 'Operation not permitted'))",
    "both": "resource.getrlimit = resource.setrlimit = fail(PermissionError(errno.EPERM, 'Operation not permitted'))",
    "flock": "fcntl.flock = fail(OSError(errno.ENOLCK, os.strerror(errno.ENOLCK)))",
}


def forbidding(folder: Path, what: str) -> dict[str, str]:
    """Returns an environment in which a call fails, in workers as well."""
    folder.mkdir()
    code = "import errno, fcntl, os, resource\n\n\ndef fail(error):\n    def call(*arguments):\n        raise error\n\n"
    (folder / "sitecustomize.py").write_text(f"{code}    return call\n\n\n{FORBIDDEN[what]}\n")
    return os.environ | {"PYTHONPATH": f"{folder}:{ROOT}"}


@pytest.mark.parametrize("what", ["setrlimit", "getrlimit", "both"])
def test_where_a_container_forbids_limits_workers_run_without_them(built, tmp_path, what):
    environment = forbidding(tmp_path / "site", what)
    done = run(tmp_path, "build", "--src", built / "dataset", *SMALL, env=environment)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert visible(tmp_path / "records") == visible(built / "records")
    for command in (("check", "--src", built / "dataset", *SMALL), ("verify", "-j", "2")):
        assert run(tmp_path, *command, env=environment).returncode == 0


def test_where_a_file_system_has_no_locks_one_line_names_the_folder_and_what_to_do(built, tmp_path):
    environment = forbidding(tmp_path / "site", "flock")
    done = run(tmp_path, "build", "--src", built / "dataset", *SMALL, env=environment)
    told = (
        "records: cannot be locked: its file system has no locks (No locks available). Work in a folder on a local disk"
    )
    assert_one_line(done, 4, told)
    assert not (tmp_path / "records").exists()
    shutil.copytree(built / "bad", tmp_path / "bad")
    done = run(tmp_path, "verify", "bad", "--repair", "--src", built / "dataset", env=environment)
    assert_one_line(done, 4, "bad: cannot be locked")


def test_no_output_option_replaces_a_file_of_the_source(built, tmp_path):
    shutil.copytree(built / "dataset", tmp_path / "dataset")
    (tmp_path / "dataset/notes.html").write_text("mine")
    (tmp_path / "alias").symlink_to("dataset")
    (tmp_path / "link.html").symlink_to("dataset/train.txt")
    (tmp_path / "link.png").symlink_to("dataset/png/m0.png")
    before = {path: path.read_bytes() for path in (tmp_path / "dataset").rglob("*") if path.is_file()}
    check = ("check", "--src", "dataset", *SMALL, "--html")
    build = ("build", "--src", "dataset", *SMALL, "--overwrite", "-o")
    inspect = ("inspect", built / "records", "--save")
    for arguments in (
        (*check, "dataset/train.txt"),
        (*check, "dataset/notes.html"),
        (*check, "alias/../dataset/notes.html"),
        (*check, "alias/classes.csv"),
        (*check, "link.html"),
        (*inspect, "dataset/png/m0.png"),
        (*inspect, "alias/jpg/p0.jpg"),
        (*inspect, "link.png"),
        (*build, "dataset"),
        (*build, "alias"),
        (*build, "dataset/jpg"),
        (*build, "dataset/train.txt"),
        (*build, "alias/../dataset"),
        ("sample", "dataset"),
        ("sample", "alias/jpg"),
        ("sample", "dataset/train.txt"),
        ("classes", "--src", "dataset", "--write"),
    ):
        done = run(tmp_path, *arguments)
        assert_one_line(done, 2, "")
        assert (tmp_path / "link.png").is_symlink()
        assert (tmp_path / "link.html").is_symlink()
    assert {path: path.read_bytes() for path in (tmp_path / "dataset").rglob("*") if path.is_file()} == before
