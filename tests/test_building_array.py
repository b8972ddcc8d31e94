"""Array: tasks of separate processes, in any order and twice at once, give the bytes of a build on one machine."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from converter.building.array import MARK, Share, SharedFolder, build_share
from converter.building.build import build
from converter.building.report import RefusedPairsError
from converter.errors import MachineError, UsageError
from converter.schema import MANIFEST
from tests.builds import config, hidden
from tests.command_line import COMMAND, SMALL, assert_one_line
from tests.conftest import visible, write_dataset

ROOT = Path(__file__).parent.parent
DOC = (ROOT / "docs/cluster.md").read_text()
SHARDS = ("--shards", "4", *SMALL)


@pytest.fixture
def dataset(tmp_path):
    return write_dataset(tmp_path / "dataset", train=12, val=4)


@pytest.fixture
def local(dataset, tmp_path):
    """The bytes of a build on one machine."""
    build(config(dataset, tmp_path / "local", shards=4))
    return visible(tmp_path / "local")


def run_build(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "build", "--src", "dataset", "--out", "out", *SHARDS, *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def run_bash(text: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a script in which `segconv` is the command under test."""
    script = f'segconv() {{ {sys.executable} -c "from converter.cli import main; main()" "$@"; }}\n{text}'
    environment = {**os.environ, **variables}
    return subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def test_eight_tasks_in_random_order_two_of_them_twice_at_once_and_one_again_give_the_bytes_of_a_local_build(
    dataset, local, tmp_path
):
    order = [number for number in range(8) if number != 5]
    random.Random(1).shuffle(order)  # noqa: S311
    order = [*order[:2], *order]  # four at a time: the first two tasks run beside themselves
    with ThreadPoolExecutor(4) as pool:
        for done in pool.map(lambda number: run_build(tmp_path, "--task", f"{number}/8"), order):
            assert done.returncode == 0, done.stderr
    assert visible(tmp_path / "out") == {}
    refused = run_build(tmp_path, "--finalize")
    assert refused.returncode == 4
    line = refused.stderr.splitlines()[-1]
    assert "out: lacks 1 of 8 shards: the share of task 5 of 8. Run again, then finalize: segconv build" in line
    done = run_bash(line.partition("then finalize: ")[2], tmp_path)
    assert (done.returncode, done.stdout) == (0, "out: task 5/8: 1 shards built, 0 reused, 1 records\n"), done.stderr
    finished = run_build(tmp_path, "--finalize")
    assert finished.returncode == 0, finished.stderr
    assert visible(tmp_path / "out") == local
    assert all(name.endswith(".receipt") for name in hidden(tmp_path / "out"))


def bash_blocks() -> list[str]:
    return re.findall(r"```bash\n(.*?)```", DOC, re.DOTALL)


@pytest.mark.slow
def test_the_scripts_for_slurm_build_the_dataset_as_plain_processes(dataset, tmp_path):
    array, finalize = bash_blocks()
    for number in range(8):
        done = run_bash(array, tmp_path, SLURM_ARRAY_TASK_ID=str(number), SLURM_CPUS_PER_TASK="1")
        assert done.returncode == 0, done.stderr
    assert run_bash(finalize, tmp_path).returncode == 0
    assert json.loads((tmp_path / "records" / MANIFEST).read_text())["options"]["shards"] == 8


@pytest.mark.slow
def test_the_command_for_kubernetes_is_done_where_pairs_were_left_out(dataset, tmp_path):
    (command,) = re.findall(r"args:\n\s+- \|\n\s+(segconv .*)\n", DOC)
    (dataset / "png/m0.png").write_bytes(b"no mask")
    codes = [run_bash(command, tmp_path, JOB_COMPLETION_INDEX=str(number)).returncode for number in range(8)]
    assert sorted(codes) == [0] * 7 + [1]  # the task with the bad pair says so
    skipping = command.replace("build", "build --on-error skip")
    codes = [run_bash(skipping, tmp_path, JOB_COMPLETION_INDEX=str(number)).returncode for number in range(8)]
    assert codes == [0] * 8
    finalize = bash_blocks()[1].replace("build", "build --on-error skip")
    assert run_bash(finalize, tmp_path).returncode == 3


def test_a_source_that_changed_between_the_tasks_is_refused_and_the_named_task_fixes_it(dataset, tmp_path):
    wanted = config(dataset, tmp_path / "out", shards=2)
    for number in range(2):
        build_share(wanted, Share(number, 2))
    (dataset / "png/m0.png").write_bytes((dataset / "png/m1.png").read_bytes())
    with pytest.raises(UsageError, match="holds 1 of 4 shards that were built from other sources") as caught:
        build(wanted, only_publish=True)
    assert visible(tmp_path / "out") == {}
    number = int(re.search(r"share of task (\d) of 2", caught.value.what)[1])
    assert build_share(wanted, Share(number, 2)).built == 1
    build(wanted, only_publish=True)
    build(config(dataset, tmp_path / "fresh", shards=2))
    assert visible(tmp_path / "out") == visible(tmp_path / "fresh")


def test_a_pair_that_came_between_the_tasks_is_told_as_a_change_even_where_the_names_of_shards_differ(tmp_path):
    dataset = write_dataset(tmp_path / "dataset", train=32, val=2)
    wanted = config(dataset, tmp_path / "out")
    build_share(wanted, Share(0, 1))
    for number in range(32, 64):
        for kind, name in (("jpg", f"p{number}.jpg"), ("png", f"m{number}.png")):
            (dataset / kind / name).write_bytes((dataset / kind / f"{name[0]}1.{kind}").read_bytes())
    with (dataset / "train.txt").open("a") as file:
        file.writelines(f"p{number}.jpg;m{number}.png\n" for number in range(32, 64))
    with pytest.raises(UsageError, match="holds 1 of another plan: the source or the options changed"):
        build(wanted, only_publish=True)


def test_a_task_of_other_options_is_refused_by_name(dataset, tmp_path):
    for number in range(2):
        build_share(config(dataset, tmp_path / "out", shards=2, size=(16, 16)), Share(number, 2))
    with pytest.raises(
        UsageError, match="holds 4 of 4 shards that were built from other sources or with other options"
    ):
        build(config(dataset, tmp_path / "out", shards=2), only_publish=True)


@pytest.mark.slow
def test_finalizing_an_empty_folder_names_a_command_that_builds_it(segconv, dataset, tmp_path):
    done = segconv("build", "--src", "dataset", "--out", "out", *SHARDS, "--finalize")
    assert_one_line(done, 4, "out: lacks 8 of 8 shards. Run again, then finalize: segconv build --src dataset")
    command = done.stderr.strip().rpartition("finalize: ")[2]
    assert run_bash(command, tmp_path).returncode == 0
    assert (tmp_path / "out" / MANIFEST).exists()
    done = segconv("build", "--src", "dataset", "--out", "out", *SHARDS, "--finalize")
    assert "up to date" in done.stderr


@pytest.mark.slow
def test_several_missing_tasks_are_one_command(dataset, tmp_path):
    wanted = config(dataset, tmp_path / "out", shards=4)
    build_share(wanted, Share(1, 8))
    with pytest.raises(MachineError, match="lacks 7 of 8 shards: the share of tasks 0,2-7 of 8") as caught:
        build(wanted, only_publish=True)
    command = caught.value.fix.partition("finalize: ")[2]
    assert run_bash(command, tmp_path).returncode == 0
    build(wanted, only_publish=True)


def test_a_damaged_shard_is_missing(dataset, tmp_path):
    wanted = config(dataset, tmp_path / "out", shards=2)
    build_share(wanted, Share(0, 1))
    name = next(name for name in hidden(tmp_path / "out") if name.endswith("train.tfrecord-00001-of-00002"))
    with (tmp_path / "out" / name).open("r+b") as file:
        file.seek(100)
        file.write(b"\0\0\0\0")
    with pytest.raises(MachineError, match="lacks 1 of 4 shards"):
        build(wanted, only_publish=True)


def test_a_task_again_touches_nothing_and_neither_does_one_of_a_finished_dataset(dataset, tmp_path):
    wanted = config(dataset, tmp_path / "out", shards=2)

    def state():
        return {path.name: (path.stat().st_ino, path.read_bytes()) for path in (tmp_path / "out").iterdir()}

    build_share(wanted, Share(0, 1))
    before = state()
    report = build_share(wanted, Share(0, 1))
    assert (report.built, report.reused, state()) == (0, 4, before)
    build(wanted, only_publish=True)
    before = state()
    build_share(wanted, Share(1, 3))
    assert state() == before


def test_a_change_of_a_finished_dataset_is_built_by_the_task_that_has_its_share(dataset, tmp_path):
    wanted = config(dataset, tmp_path / "out", shards=2)
    build(wanted)
    (dataset / "png/m0.png").write_bytes((dataset / "png/m1.png").read_bytes())
    before = visible(tmp_path / "out")
    built = [build_share(wanted, Share(number, 4)).built for number in range(4)]
    assert sorted(built) == [0, 0, 0, 1]
    assert visible(tmp_path / "out") == before  # until it is finalized
    build(wanted, only_publish=True)
    build(config(dataset, tmp_path / "fresh", shards=2))
    assert visible(tmp_path / "out") == visible(tmp_path / "fresh")


def test_more_tasks_than_shards_is_no_fault(dataset, tmp_path):
    report = build_share(config(dataset, tmp_path / "out", shards=1), Share(7, 8))
    assert "no shard is its share" in report.to_text()


def test_a_bad_pair_is_named_by_its_task_and_by_the_end(dataset, tmp_path):
    (dataset / "png/m0.png").write_bytes(b"no mask")
    wanted = config(dataset, tmp_path / "out", shards=2)
    refused = []
    for number in range(2):
        try:
            build_share(wanted, Share(number, 2))
        except RefusedPairsError as error:
            refused += error.rejects
            assert "so nothing can be published" in error.what
    assert [reject.line for reject in refused] == [1]
    with pytest.raises(RefusedPairsError, match="1 of 16 pairs"):
        build(wanted, only_publish=True)


def test_tasks_share_their_lock_and_builds_keep_out(dataset, tmp_path):
    wanted = config(dataset, tmp_path / "out", shards=2)
    store = SharedFolder(tmp_path / "out")
    with store.lock():
        build_share(wanted, Share(0, 1))
        with pytest.raises(UsageError) as caught:
            build(wanted, only_publish=True)
    assert caught.value.code == "E_LOCKED"
    build(wanted, only_publish=True)


def test_what_a_killed_task_left_is_removed_by_the_end(dataset, tmp_path):
    wanted = config(dataset, tmp_path / "out", shards=2)
    build_share(wanted, Share(0, 1))
    (tmp_path / "out/.segconv-dataset-train.tfrecord-00000-of-00002.0123456789abcdef").write_bytes(b"half")
    assert (tmp_path / "out" / MARK).read_bytes() == b"1"
    build(wanted, only_publish=True)
    assert all(name.endswith(".receipt") for name in hidden(tmp_path / "out"))


@pytest.mark.parametrize("text", ["8/8", "0/0", "1", "-1/4", "1/4/2", "a/b", "0/1000001", "٣/8"])
def test_a_task_that_is_none_is_refused(text):
    with pytest.raises(UsageError, match="is not a task"):
        Share.parse(text)


def test_options_that_contradict_each_other_are_refused(segconv):
    done = segconv("build", "--src", "dataset", "--task", "0/2", "--finalize")
    assert_one_line(done, 2, "--task: and --finalize contradict each other")


def test_two_processes_that_stage_the_same_file_do_not_meet(tmp_path):
    store = SharedFolder(tmp_path)
    with store.stage("d-train.tfrecord-00000-of-00001") as first:
        first.write(b"whole")
        with store.stage("d-train.tfrecord-00000-of-00001") as second:
            second.write(b"who")
            assert len(hidden(tmp_path)) == 2
        with store.open(".segconv-d-train.tfrecord-00000-of-00001") as file:
            assert file.read() == b"who"
        first.write(b" and long")
    assert (tmp_path / ".segconv-d-train.tfrecord-00000-of-00001").read_bytes() == b"whole and long"
    with pytest.raises(MachineError, match="cannot be written"):
        SharedFolder(tmp_path / "nowhere").put(MARK, b"8")
