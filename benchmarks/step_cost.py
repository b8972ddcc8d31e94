"""Cost of a training step of `segconv train`, compared with bare loops of the same network in Keras and in PyTorch.

    python benchmarks/step_cost.py [--rounds R] [--turn SECONDS] [--programs a,b]

The network is unet_small at 128x160 with 12 classes and batches of 8, in float32, on as many threads as there are
processors. segconv's step includes augmentation, scores, and the check for numbers that are not finite; the others are
forward pass, crossentropy, backward pass and Adam on a batch that stays on the device (`peers/train_keras.py`,
`peers/train_torch.py`). Every program gets one process for the whole run, and they take turns, as the readers of
`read.py` do, in a different order each round. Figures are medians of the rounds, ratios medians of the ratios of each
round. Compilation does not count.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from convert import machine
from converters import BENCHMARKS, PEER_VARIABLES, our_variables, ratio
from environments import FOLDER, Environment, make_environment
from goals import Row, at_most, print_goals
from read import Turns

OURS_ENVIRONMENT = "segconv"
OURS, OURS_PLAIN = "segconv", "segconv unaugmented"
LOOPS = ("keras loop", "keras loop xla")
TORCH = ("torch", "torch channels_last", "torch compiled")
LOOP_GOAL = 1.05  # times the step of the faster bare loop
TORCH_GOAL = 1.0  # times the step of PyTorch in its fastest layout


@dataclass(frozen=True)
class Program:
    """A program that takes training steps: its environment, its script in peers/, and a variant of it."""

    environment: str
    script: str
    variant: str


PROGRAMS = {
    OURS: Program(OURS_ENVIRONMENT, "train_segconv.py", "light"),
    OURS_PLAIN: Program(OURS_ENVIRONMENT, "train_segconv.py", "none"),
    LOOPS[0]: Program(OURS_ENVIRONMENT, "train_keras.py", "graph"),
    LOOPS[1]: Program(OURS_ENVIRONMENT, "train_keras.py", "xla"),
    TORCH[0]: Program("torch", "train_torch.py", "default"),
    TORCH[1]: Program("torch", "train_torch.py", "channels_last"),
    TORCH[2]: Program("torch", "train_torch.py", "compiled"),
}


def rows_of(wall_ms: dict[str, list[float]]) -> list[Row]:
    """Returns the rows of the goals: both compare wall time, since a step that leaves processors idle is no faster."""
    rows = []
    for text, names, goal in (
        ("step, the faster bare Keras loop", LOOPS, LOOP_GOAL),
        ("step, PyTorch's fastest layout", TORCH, TORCH_GOAL),
    ):
        best = min((name for name in names if name in wall_ms), key=lambda n: statistics.median(wall_ms[n]), default="")
        rows.append(at_most(text, goal, ratio(wall_ms, OURS, best), note=best))
    return rows


class Steps:
    """Starts the programs and lets them train in turns.

    Attributes:
      cpu_ms: program -> CPU time per image, one entry per round.
      wall_ms: program -> wall time per image.
      turns: program -> its process, and its epochs per turn.
      failures: program -> why it could not be measured.
    """

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.cpu_ms: dict[str, list[float]] = {}
        self.wall_ms: dict[str, list[float]] = {}
        self.turns: dict[str, tuple[Turns, int]] = {}
        self.failures: dict[str, str] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def open(self, name: str, environment: Environment, stack: ExitStack, turn_s: float) -> None:
        """Starts a program, and sets its epochs per turn."""
        if environment.failure:
            self.failures[name] = environment.failure
            return
        program = PROGRAMS[name]
        command = [environment.python, BENCHMARKS / "peers" / program.script, program.variant]
        variables = our_variables() if program.environment == OURS_ENVIRONMENT else PEER_VARIABLES
        try:
            process = stack.enter_context(Turns(command, variables, self.logs / f"{name}.log"))
            for _ in range(2):  # the first compiles
                answer = process.read(1)
        except RuntimeError as error:
            self.failures[name] = str(error)[:200]
            return
        self.turns[name] = process, max(1, round(turn_s / answer["wall_s"]))

    def round(self, number: int) -> None:
        """Runs every program for one turn, in a different order each round."""
        names = list(self.turns)
        for name in [*names[number % len(names) :], *names[: number % len(names)]]:
            process, epochs = self.turns[name]
            answer = process.read(epochs)
            self.cpu_ms.setdefault(name, []).append(answer["cpu_s"] * 1e3 / answer["pairs"])
            self.wall_ms.setdefault(name, []).append(answer["wall_s"] * 1e3 / answer["pairs"])

    def print_table(self) -> None:
        """Prints the speed of every program."""
        print(f"{'':22}{'images/s':>9}{'of ours':>9}{'CPU ms/image':>14}")
        for name in sorted(self.wall_ms, key=lambda name: statistics.median(self.wall_ms[name])):
            share = ratio(self.wall_ms, OURS, name)
            wall, cpu = statistics.median(self.wall_ms[name]), statistics.median(self.cpu_ms[name])
            print(f"{name:22}{1e3 / wall:9.1f}{'' if share is None else f'{share:.3f}':>9}{cpu:14.2f}")
        for name, failure in self.failures.items():
            print(f"{name}: not measured: {failure}")


def main() -> None:
    """Measures, then prints the table and the goals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--turn", type=float, default=3.0, help="Wall seconds of a program per round, approximately.")
    parser.add_argument("--programs", default=",".join(PROGRAMS), help="Comma-separated programs to run.")
    parser.add_argument("--work", type=Path, default=Path("build/bench"), help="Folder for logs.")
    parser.add_argument("--environments", type=Path, default=FOLDER, help="Folder for the peers' environments.")
    arguments = parser.parse_args()
    names = arguments.programs.split(",")
    if not set(names) <= set(PROGRAMS):
        parser.error(f"--programs: choose from {', '.join(PROGRAMS)}")
    environments = {OURS_ENVIRONMENT: Environment(OURS_ENVIRONMENT, Path(sys.executable))}
    for peer in {PROGRAMS[name].environment for name in names} - set(environments):
        environments[peer] = make_environment(peer, arguments.environments)
    steps = Steps(arguments.work.resolve() / "scratch" / "steps")
    with ExitStack() as stack:
        for name in names:
            steps.open(name, environments[PROGRAMS[name].environment], stack, arguments.turn)
        for number in range(arguments.rounds if steps.turns else 0):
            steps.round(number)
    steps.print_table()
    print_goals("training step", rows_of(steps.wall_ms), {**machine(), "rounds": str(arguments.rounds)})


if __name__ == "__main__":
    main()
