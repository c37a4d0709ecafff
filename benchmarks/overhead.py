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
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from machine import machine
from overhead_epochs import measure_epochs
from rich.console import Console
from rich.table import Table
from rounds import medians, ratio, spread, turn
from whole_runs import FIXED, TRIAL_EPOCHS, TRIALS, Timing, check_fixed, run_fairtune, run_script

console = Console()
progress = Console(stderr=True)


WAYS: dict[str, Callable[[Path], Timing]] = {
    "raw": lambda folder: run_script(folder, "raw_loop.py"),
    "today": lambda folder: run_script(folder, "todays_script.py"),
    "fairtune-1": lambda folder: run_fairtune(folder, FIXED, "--workers", "1"),
    "fairtune-2": lambda folder: run_fairtune(folder, FIXED, "--workers", "2"),
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


def measure(way: str) -> Timing:
    """Execute one way in a fresh folder."""
    with TemporaryDirectory(prefix="overhead-") as folder:
        timing = WAYS[way](Path(folder))
    check_fixed(LABELS[way], timing)
    return timing


def measure_ways(ways: Sequence[str], repeat: int) -> dict[str, Any]:
    """Execute all ways in turn, `repeat` times, and print seconds and ratios."""
    timings: dict[str, list[Timing]] = {way: [] for way in ways}
    for number in range(repeat):
        for way in turn(ways, number):
            timing = measure(way)
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
        "study": FIXED,
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
