"""Reader environments: libraries that read records and that segconv itself does not need, each in a folder of its own.

    python tests/reader_environments.py [NAME ...]    installs them into build/readers/NAME, or SEGCONV_READERS/NAME

What cannot be installed on this machine is named with the reason; the tests that need it are then skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDER = Path(os.environ.get("SEGCONV_READERS", ROOT / "build" / "readers"))
PACKAGES = {  # name -> (packages to install, the module that they are imported by, size)
    "torch": (("torch==2.13.0",), "torch", "760 MB or, with NVIDIA's libraries, 5 GB"),
    "grain": (("grain==0.2.18",), "grain", "97 MB"),
    "datasets": (("datasets==5.2.0",), "datasets", "380 MB"),
    "croissant": (("mlcroissant==1.1.1",), "mlcroissant", "340 MB"),
    "dali": (("nvidia-dali-cuda120==2.4.0",), "nvidia.dali", "700 MB"),
}


def is_installed(name: str) -> bool:
    """Returns whether an environment has its library."""
    return (FOLDER / name / PACKAGES[name][1].replace(".", "/")).is_dir()


def reason(name: str) -> str:
    """Returns why tests of a library are skipped."""
    return f"{PACKAGES[name][0][0]} is not installed, {PACKAGES[name][2]}: make test-readers"


def python(name: str, script: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs a script with a library of an environment, and segconv's own sources."""
    path = os.pathsep.join(map(str, (ROOT, FOLDER / name)))
    settings = {"PYTHONPATH": path, "HF_HOME": str(script.parent / "hugging-face"), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, str(script), *arguments],
        cwd=cwd,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=300,
    )


def main() -> None:
    """Installs the environments that are named, or all."""
    for name in sys.argv[1:] or PACKAGES:
        if not is_installed(name):
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]
            done = subprocess.run([*pip, str(FOLDER / name), *PACKAGES[name][0]], capture_output=True, text=True)
            lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            if done.returncode:
                print(f"{name:10} cannot be installed: {lines[-1] if lines else done.stderr[-200:]}")  # noqa: T201
                continue
        print(f"{name:10} {' '.join(PACKAGES[name][0])} in {FOLDER / name}")  # noqa: T201


if __name__ == "__main__":
    main()
