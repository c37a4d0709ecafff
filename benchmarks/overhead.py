"""What fairtune costs beside a plain loop, and beside the script that one writes today.

    python benchmarks/overhead.py --repeat 3 --output overhead.json
    python benchmarks/overhead.py --epochs --repeat 3 --output epochs.json

Trains the same 12 configurations (an MLP on digits, 12 learning rates, 10 epochs each) by
`raw_loop.py`, by `todays_script.py` and by `fairtune run` with one and with two workers: in turn,
each in a fresh process and a fresh folder. The tuning phase lasts from the start of the first
trial to the end of the last one; the whole process also has imports, databases and the farewell.
fairtune loads its data within the tuning phase, the two scripts before it; its mirrors are brought
up to its record beside the training and after it. The clock of the whole process stops when both
are complete; a time at which they are not is refused.

With `--epochs`: milliseconds per epoch of fairtune's smallest networks, trained in this process,
beside the plain loop with loss and accuracy of both parts. fairtune computes F1 as well, which is
in its time.

Ratios are medians over the rounds of the ratios within a round, so that a slow minute of the
machine counts on both sides; "fastest" compares the fastest rounds, which a busy machine slowed
least.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import raw_loop
from machine import machine
from overhead_epochs import measure_epochs, medians, ratio, spread, turn
from rich.console import Console
from rich.table import Table

from studies.home import Home
from studies.records import RecordReader
from studies.records.deliveries import is_behind

HERE = Path(__file__).parent
FAIRTUNE = Path(sys.executable).with_name("fairtune")
STUDY = f"""\
study: overhead
description: The same twelve trainings as raw_loop.py and todays_script.py
data: {{name: digits, batch_size: {raw_loop.BATCH_SIZE}}}
model: {{name: mlp, hidden: {list(raw_loop.HIDDEN)}, activation: relu}}
optimizer: {{name: adam, lr: {{values: {raw_loop.LEARNING_RATES}}}}}
trainer: {{epochs: {raw_loop.EPOCHS}, accelerator: cpu}}
objective: {{metric: val/accuracy, goal: maximize}}
search: {{method: grid}}
"""
TRIALS = len(raw_loop.LEARNING_RATES)
TRIAL_EPOCHS = TRIALS * raw_loop.EPOCHS

console = Console()
progress = Console(stderr=True)


@dataclass(frozen=True)
class Timing:
    """Seconds of one execution, and what it found."""

    tuning: float
    process: float
    best: float


def run_script(name: str) -> Timing:
    """Execute a script of this folder."""
    with TemporaryDirectory(prefix="overhead-") as folder:
        report, seconds = execute([sys.executable, str(HERE / name)], Path(folder))
    check(name, report["trials"], report["epochs"])
    return Timing(report["tuning_seconds"], seconds, report["best"])


def run_fairtune(workers: int) -> Timing:
    """Execute `fairtune run` on a study of the same trainings, with full tracking."""
    if not FAIRTUNE.exists():
        raise SystemExit(f"{FAIRTUNE} does not exist; install fairtune, or choose other --ways")
    with TemporaryDirectory(prefix="overhead-") as folder:
        study = Path(folder) / "study.yaml"
        study.write_text(STUDY)
        command = [str(FAIRTUNE), "run", str(study), "--workers", str(workers), "--json"]
        home = ["--home", str(Path(folder) / "home")]
        report, seconds = execute([*command, *home], Path(folder))
        check_mirrors(Home.at(Path(folder) / "home"))
    check("fairtune", report["trials"].get("completed", 0), report["epochs"])
    return Timing(report["seconds"], seconds, report["best"]["value"])


def execute(command: Sequence[str], folder: Path) -> tuple[dict[str, Any], float]:
    """The JSON object on the last line of a command's output, and the seconds that it took."""
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("FAIRTUNE_", "MLFLOW_"))
    }
    environment["MLFLOW_DISABLE_TELEMETRY"] = "true"
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        tail = "\n".join((done.stderr or done.stdout).splitlines()[-20:])
        raise SystemExit(f"{' '.join(command)} ended with code {done.returncode}:\n{tail}")
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report, seconds


def check(name: str, trials: int, epochs: int) -> None:
    """Refuse a time that was not spent on the whole work."""
    if (trials, epochs) != (TRIALS, TRIAL_EPOCHS):
        raise SystemExit(
            f"{name} completed {trials} trials with {epochs} epochs, "
            f"expected {TRIALS} with {TRIAL_EPOCHS}"
        )


def check_mirrors(home: Home) -> None:
    """Refuse a time that leaves something to deliver."""
    with RecordReader.open(home, "overhead") as record:
        revision = record.revision
    if is_behind(home, "overhead", revision):
        raise SystemExit(f"fairtune ended before its mirrors were complete: {home.path}")


WAYS: dict[str, Callable[[], Timing]] = {
    "raw": partial(run_script, "raw_loop.py"),
    "today": partial(run_script, "todays_script.py"),
    "fairtune-1": partial(run_fairtune, 1),
    "fairtune-2": partial(run_fairtune, 2),
}
LABELS = {
    "raw": "plain loop",
    "today": "today's script",
    "fairtune-1": "fairtune, 1 worker",
    "fairtune-2": "fairtune, 2 workers",
}
RATIOS = [
    ("today", "fairtune-1"), ("today", "fairtune-2"),
    ("fairtune-1", "raw"), ("fairtune-2", "raw"), ("today", "raw"),
]  # fmt: skip


def measure_ways(ways: Sequence[str], repeat: int) -> dict[str, Any]:
    """Execute all ways in turn, `repeat` times, and print seconds and ratios."""
    timings: dict[str, list[Timing]] = {way: [] for way in ways}
    for number in range(repeat):
        for way in turn(ways, number):
            timing = WAYS[way]()
            timings[way].append(timing)
            progress.print(
                f"round {number + 1} of {repeat}: {LABELS[way]}: tuning {timing.tuning:.1f} s, "
                f"process {timing.process:.1f} s"
            )
    tuning = {way: [timing.tuning for timing in timings[way]] for way in ways}
    process = {way: [timing.process for timing in timings[way]] for way in ways}
    best = {way: [timing.best for timing in timings[way]] for way in ways}
    table = Table("way", title=f"{TRIALS} trials, {TRIAL_EPOCHS} epochs: median (min-max)")
    for column in ("tuning, s", "whole process, s", "accuracy"):
        table.add_column(column, justify="right")
    for way in ways:
        accuracy = f"{median(best[way]):.3f}"
        table.add_row(LABELS[way], spread(tuning[way]), spread(process[way]), accuracy)
    console.print(table)
    chosen = [pair for pair in RATIOS if set(pair) <= set(ways)]
    ratios = {
        f"{a} / {b}": {
            "tuning": ratio(tuning[a], tuning[b]),
            "tuning, fastest": min(tuning[a]) / min(tuning[b]),
            "process": ratio(process[a], process[b]),
            "process, fastest": min(process[a]) / min(process[b]),
        }
        for a, b in chosen
    }
    if ratios:
        table = Table("ratio", title="median of the rounds' ratios, and of the fastest rounds")
        for column in next(iter(ratios.values())):
            table.add_column(column, justify="right")
        for name, row in ratios.items():
            table.add_row(name, *(f"{value:.2f}" for value in row.values()))
        console.print(table)
    return {
        "study": STUDY,
        "seconds": {"tuning": tuning, "process": process},
        "medians": {"tuning": medians(tuning), "process": medians(process)},
        "ratios": ratios,
        "best": best,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", action="store_true", help="measure epochs in place of studies")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="rounds (default 3)")
    parser.add_argument(
        "--ways", nargs="+", choices=list(WAYS), default=list(WAYS), help="default: all"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write JSON here")
    options = parser.parse_args(arguments)
    if options.repeat < 1:
        parser.error(f"--repeat must be at least 1, got {options.repeat}")
    for name in ("FAIRTUNE_STORAGE", "MLFLOW_TRACKING_URI"):
        os.environ.pop(name, None)  # the mirrors are those of the home
    result: dict[str, Any] = {"benchmark": "epochs" if options.epochs else "overhead"}
    result |= {"repeat": options.repeat, "machine": machine()}
    if options.epochs:
        result |= measure_epochs(options.repeat, console)
    else:
        result |= measure_ways(options.ways, options.repeat)
    if options.output:
        options.output.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
