"""fairtune beside its peers: the same work, whole process and tuning phase, and what each records.

    python benchmarks/peers.py --repeat 5 --output peers.json --page docs/peers.md
    python benchmarks/peers.py --workloads search --ways today ray-mlflow fairtune-2

Two workloads. `fixed`: the 12 trainings of `overhead.py`, 10 epochs each. `search`: TPE over
learning rate and weight decay with pruning, until `--epochs` epochs have been trained; the plain
loop, which has no search, draws at random and trains every trial to its end. A way ends within less
than one training of the budget, else its time is refused, as is one that was not spent on all of
the 12 trainings; ratios are of seconds per epoch, so that who trained fewer has no advantage.

Every way has a fresh process in a fresh folder, in turn with the others, and one thread for each
training. Those that can train two trials side by side. What a way records is counted in what it has
written. Where Ray is missing, its ways are left out, and named.

Ratios are medians over the rounds of the ratios within a round. docs/peers.md says more.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import raw_loop
from machine import machine
from peers_records import Records, records
from peers_tables import RATIOS, Measured, ratios_table, records_table, times_table
from rich.console import Console
from rounds import ratios, turn
from whole_runs import FIXED, Timing, check_fixed, run_fairtune, run_script

ENVIRONMENT = {"OMP_NUM_THREADS": "1"}
MARKS = ("<!-- measured -->", "<!-- end -->")
GONE = 20.0
"""Seconds that processes of a way may take to end after it."""

progress = Console(stderr=True)


@dataclass(frozen=True)
class Work:
    """What every way has to do; without a budget in epochs the 12 trainings."""

    budget: int | None
    seed: int

    @property
    def options(self) -> list[str]:
        """Of a script."""
        if self.budget is None:
            return []
        return ["--epochs", str(self.budget), "--seed", str(self.seed)]

    @property
    def study(self) -> str:
        """The study file."""
        return FIXED if self.budget is None else search_study(self.budget, self.seed)


@dataclass(frozen=True)
class Way:
    """How the work is done; with Ray, what is to be installed for it."""

    label: str
    run: Callable[[Path, Work], Timing]
    ray: str | None = None


def search_study(budget: int, seed: int) -> str:
    ranges = ", ".join(
        f"{name}: {{min: {low:g}, max: {high:g}, log: true}}"
        for name, (low, high) in raw_loop.SPACE.items()
    )
    return f"""\
study: peers
data: {{name: digits, batch_size: {raw_loop.BATCH_SIZE}}}
model: {{name: mlp, hidden: {list(raw_loop.HIDDEN)}, activation: relu}}
optimizer: {{name: adam, {ranges}}}
trainer: {{epochs: {raw_loop.EPOCHS}, accelerator: cpu}}
objective: {{metric: val/accuracy, goal: maximize}}
search:
  method: tpe
  epochs: {budget}
  pruner: {{name: median, warmup: {raw_loop.WARMUP}}}
  seed: {seed}
"""


def script(label: str, name: str, *options: str, ray: str | None = None) -> Way:
    """A way by a script of this folder."""

    def run(folder: Path, work: Work) -> Timing:
        return run_script(folder, name, *options, *work.options, environment=ENVIRONMENT)

    return Way(label, run, ray)


def fairtune(label: str, *options: str, ray: str | None = None) -> Way:
    """A way by `fairtune run`."""

    def run(folder: Path, work: Work) -> Timing:
        return run_fairtune(folder, work.study, *options, environment=ENVIRONMENT)

    return Way(label, run, ray)


RAY_TUNE = "ray_tune_script.py"
TUNE = "ray[tune]"
WAYS = {
    "raw": script("plain loop", "raw_loop.py"),
    "today": script("today's script", "todays_script.py"),
    "today-2": script("today's script, `n_jobs=2`", "todays_script.py", "--jobs", "2"),
    "ray": script("Ray Tune", RAY_TUNE, ray=TUNE),
    "ray-mlflow": script("Ray Tune with MLflow", RAY_TUNE, "--mlflow", ray=TUNE),
    "ray-default": script(
        "Ray Tune with MLflow, new actors", RAY_TUNE, "--mlflow", "--new-actors", ray=TUNE
    ),
    "fairtune-1": fairtune("fairtune, 1 worker", "--workers", "1"),
    "fairtune-2": fairtune("fairtune, 2 workers", "--workers", "2"),
    "fairtune-ray": fairtune(
        "fairtune on Ray, 2 workers", "--workers", "2", "--engine", "ray", ray="fairtune[ray]"
    ),
}
LABELS = {name: way.label for name, way in WAYS.items()}


def installed(ways: Sequence[str]) -> list[str]:
    """The ways that can be taken here; says which are left out."""
    found = []
    for name in ways:
        wanted = WAYS[name].ray
        if wanted is None or find_spec("ray") is not None:
            found.append(name)
            continue
        said = f'left out: {LABELS[name]}: Ray is not installed (pip install "{wanted}")'
        progress.print(said, markup=False, soft_wrap=True)
    return found


def check(name: str, work: Work, timing: Timing) -> None:
    """Refuse a time that was not spent on the whole work."""
    if work.budget is None:
        check_fixed(name, timing)
    elif abs(timing.epochs - work.budget) >= raw_loop.EPOCHS:
        raise SystemExit(
            f"{name} trained {timing.epochs} epochs, expected {work.budget} with a difference of "
            f"less than one training of {raw_loop.EPOCHS}"
        )


def measure(name: str, work: Work) -> tuple[Timing, Records]:
    """Do the work in one way in a fresh folder, and see that nothing of it goes on running."""
    with TemporaryDirectory(prefix="peers-") as place:
        folder = Path(place).resolve()
        timing = WAYS[name].run(folder, work)
        check(LABELS[name], work, timing)
        found = records(folder)
        if left := left_running(folder):
            raise SystemExit(f"{LABELS[name]} left processes running: {', '.join(left)}")
    return timing, found


def left_running(folder: Path) -> list[str]:
    """Processes that work in the folder or were given a path in it, once they had time to end."""
    _, alive = psutil.wait_procs([p for p in psutil.process_iter() if at(p, folder)], GONE)
    return [f"{process.name()} ({process.pid})" for process in alive]


def at(process: psutil.Process, folder: Path) -> bool:
    try:
        said = [process.cwd(), *process.cmdline()]
    except psutil.Error:
        return False  # it has ended, or is somebody else's
    return any(str(folder) in each for each in said)


def measure_rounds(ways: Sequence[str], budget: int | None, repeat: int) -> Mapping[str, Measured]:
    """Do the work in all ways in turn, `repeat` times."""
    timings: dict[str, list[Timing]] = {name: [] for name in ways}
    found: dict[str, Records] = {}
    for number in range(repeat):
        for name in turn(ways, number):
            timing, found[name] = measure(name, Work(budget, seed=number))
            timings[name].append(timing)
            progress.print(
                f"round {number + 1} of {repeat}: {LABELS[name]}: tuning {timing.tuning:.1f} s, "
                f"process {timing.process:.1f} s, {timing.trials} trials, {timing.epochs} epochs",
                soft_wrap=True,
            )
    return {name: Measured(LABELS[name], timings[name], found[name]) for name in ways}


def as_json(measured: Mapping[str, Measured]) -> dict[str, Any]:
    """The measurements of a workload, and the ratios of every round."""
    pairs = [pair for pair in RATIOS if set(pair) <= set(measured)]
    return {
        "ways": {name: asdict(way) for name, way in measured.items()},
        "ratios": {
            f"{a} / {b}": {
                "tuning": ratios(measured[a].tuning, measured[b].tuning),
                "process": ratios(measured[a].process, measured[b].process),
            }
            for a, b in pairs
        },
    }


def page_text(found: Mapping[str, Mapping[str, Measured]], budget: int) -> str:
    """All tables, as Markdown."""
    titles = {"fixed": "12 trainings of 10 epochs", "search": f"A search with {budget} epochs"}
    tables = (times_table, ratios_table, records_table)
    parts = []
    for workload, measured in found.items():
        parts += [f"**{titles[workload]}**", *("\n".join(table(measured)) for table in tables)]
    return "\n\n".join(filter(None, parts))


def write_page(page: Path, text: str) -> None:
    """Write the tables between the two marks of a page."""
    before, _, rest = page.read_text().partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    page.write_text(f"{before}{MARKS[0]}\n\n{text}\n\n{MARKS[1]}{after}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    workloads = ("fixed", "search")
    parser.add_argument("--workloads", nargs="+", choices=workloads, default=workloads)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="rounds (default 3)")
    parser.add_argument("--epochs", type=int, default=240, metavar="N", help="budget of a search")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write JSON here")
    parser.add_argument("--page", type=Path, help="write the tables between the marks of this page")
    options = parser.parse_args(arguments)
    if options.repeat < 1 or options.epochs < raw_loop.EPOCHS:
        parser.error(f"--repeat must be at least 1, --epochs at least {raw_loop.EPOCHS}")
    for name in ("FAIRTUNE_STORAGE", "MLFLOW_TRACKING_URI"):
        os.environ.pop(name, None)  # the mirrors are those of the home
    ways, about = installed(options.ways), machine()
    found: dict[str, Mapping[str, Measured]] = {}
    for name in options.workloads:
        budget = options.epochs if name == "search" else None
        found[name] = measure_rounds(ways, budget, options.repeat)
        text = page_text(found, options.epochs)
        if options.page:
            write_page(options.page, text)
        if options.output:
            result = {"benchmark": "peers", "repeat": options.repeat, "epochs": options.epochs}
            result |= {"machine": about, "left_out": sorted(set(options.ways) - set(ways))}
            result |= {"workloads": {name: as_json(each) for name, each in found.items()}}
            options.output.write_text(json.dumps(result, indent=2) + "\n")
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
