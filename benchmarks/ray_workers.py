"""Actors of Ray on this machine, and the driver that answers them: how many epochs a second, how
long a worker waits for its go or stop, what an actor takes of the memory.

    python benchmarks/ray_workers.py --workers 16 --output ray.json
    python benchmarks/ray_workers.py --workers 64 --without-torch --output ray.json

The driver is the real one, with home, record and mirrors, and so are Ray, its actors and their
worker processes. Each trains epochs of a second at least (`--epoch-seconds`), of a small network or
of nothing (`--without-torch`). The waits are what the workers see: from the report of an epoch,
through actor, client and driver, to the answer. The memory is the part of it that a process would
take alone (PSS): what several share is divided among them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from machine import machine
from ray_trainings import Paced, no_training

from studies.engines.ray.engine import RayEngine
from studies.engines.ray.joining import terms_of
from studies.engines.ray.messages import Wanted
from studies.engines.training import PRELOAD, train_task
from studies.home import Home
from studies.running.display import Display
from studies.running.run_study import run_study
from studies.study_file import document, resolve

STUDY = """\
study: crowded
data: {{name: digits, batch_size: 64}}
model: {{name: mlp, hidden: [64]}}
optimizer: {{name: adam, lr: {{min: 1e-4, max: 1e-1, log: true}}}}
trainer: {{epochs: 20, accelerator: cpu}}
objective: {{metric: val/accuracy}}
search: {{method: {sampler}, trials: 100000, pruner: {pruner}}}
"""
MIB = 2**20
COLUMNS = (
    "| workers | trains | epochs/s | answer, median | 99 % | longest | all ready | actor "
    "| fork server | worker | client | driver | load |"
)


@dataclass(frozen=True)
class Notes:
    """What a worker noted: when it began, and the moment and length of each of its waits."""

    began: float
    waits: Sequence[tuple[float, float]]

    @classmethod
    def read(cls, text: str) -> Notes:
        """A last line that is still being written is left out."""
        first, *lines = text[: text.rfind("\n") + 1].splitlines()
        pairs = (line.split() for line in lines)
        return cls(float(first), [(float(at), float(wait)) for at, wait in pairs])


def answers(notes: Sequence[Notes], first: float, last: float) -> dict[str, float]:
    """Epochs per second between two moments, and the milliseconds until their answers came."""
    waits = [wait for each in notes for at, wait in each.waits if first <= at < last]
    points = quantiles(waits, n=100, method="inclusive")
    return {
        "epochs_per_second": len(waits) / (last - first),
        "median_ms": 1000 * points[49],
        "p99_ms": 1000 * points[98],
        "longest_ms": 1000 * max(waits),
    }


def kinds_of(processes: Sequence[tuple[int, int, str, bool]]) -> dict[int, str]:
    """What every process below the driver is for.

    Args:
        processes: Parents before their children; of each the id, that of the parent, the command
            line, and whether it leads a group.
    """
    lines = {pid: line for pid, _, line, _ in processes}
    found = {}
    for pid, parent, line, leads in processes:
        of_actor = "SlotActor" in lines.get(parent, "") or found.get(parent) == "fork server"
        if "SlotActor" in line:
            found[pid] = "actor"
        elif "studies.engines.ray.client" in line:
            found[pid] = "client"
        elif "studies.mirrors" in line:
            found[pid] = "mirrors"
        elif of_actor and "forkserver" in line:
            found[pid] = "worker" if leads else "fork server"
        else:
            found[pid] = "tracker" if of_actor else "Ray"
    return found


def memory() -> dict[str, dict[str, float]]:
    """How many processes of each kind there are below this one, and what they hold, MiB each."""
    here = psutil.Process()
    seen = list(looked_at(here.children(recursive=True)))
    held: dict[str, list[float]] = defaultdict(list)
    held["driver"].append(pss(here.pid))
    for pid, kind in kinds_of(seen).items():
        with suppress(OSError):
            held[kind].append(pss(pid))
    return {
        kind: {"processes": len(each), "mib_each": sum(each) / len(each), "mib": sum(each)}
        for kind, each in held.items()
    }


def looked_at(processes: Sequence[psutil.Process]) -> Iterator[tuple[int, int, str, bool]]:
    """What `kinds_of` needs of them."""
    for each in processes:
        with suppress(psutil.Error, ProcessLookupError):
            yield each.pid, each.ppid(), " ".join(each.cmdline()), os.getpgid(each.pid) == each.pid


def cpu_seconds() -> float:
    """What this process has used of the processors."""
    times = psutil.Process().cpu_times()
    return times.user + times.system


def pss(pid: int) -> float:
    """The memory of a process, what is shared with others in equal parts; MiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    (kib,) = [int(line.split()[1]) for line in lines if line.startswith("Pss:")]
    return kib * 1024 / MIB


class Window:
    """The time in which is measured: it begins `settle` seconds after all workers are busy."""

    def __init__(self, folder: Path, workers: int, settle: float, seconds: float) -> None:
        self.folder, self.workers, self.settle, self.seconds = folder, workers, settle, seconds
        self.began = time.monotonic()
        self.first: float | None = None
        self.last: float | None = None
        self.used = 0.0
        """Seconds of a processor that the driver had used when all workers were busy."""
        self.found: dict[str, Any] = {}

    def is_over(self) -> bool:
        """Whether the study can stop; polled by the driver."""
        now = time.monotonic()
        if self.first is None:
            if sum(1 for _ in self.folder.iterdir()) >= self.workers:
                self.first, self.used = now + self.settle, cpu_seconds()
        elif self.last is None and now >= self.first + self.seconds:
            self.last = now
            cores = (cpu_seconds() - self.used) / (self.settle + self.seconds)
            load = round(os.getloadavg()[0], 2)
            self.found = {"driver_cores": cores, "load_average": load, "memory": memory()}
        return self.last is not None

    def measured(self) -> dict[str, Any]:
        """What was found, once it is over."""
        assert self.first is not None and self.last is not None
        notes = [Notes.read(file.read_text()) for file in self.folder.iterdir()]
        ready = sorted(each.began for each in notes)[self.workers - 1] - self.began
        answered = answers(notes, self.first, self.last)
        return {"seconds": self.last - self.first, "ready_s": ready, **answered, **self.found}


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure a number of actors."""
    text = STUDY.format(sampler=options.sampler, pruner=options.pruner)
    spec = resolve(document.parse(text, "crowded.yaml"))
    with TemporaryDirectory(prefix="crowded-") as folder:
        home, notes = Home.at(Path(folder) / "home"), Path(folder) / "notes"
        notes.mkdir()
        perform = no_training if options.without_torch else train_task
        preload = () if options.without_torch else PRELOAD
        paced = Paced(perform, str(notes), options.epoch_seconds)
        wanted = Wanted(None, "", options.workers, 1, None, 1, "cpu")
        window = Window(notes, options.workers, options.settle, options.seconds)
        # the client of the engine finds what is trained here
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        engine = partial(RayEngine, wanted, paced, preload, partial(terms_of, spec, home))
        run_study(spec, home, workers=1, display=Display(), stopping=window.is_over, engine=engine)
        return window.measured()


def row(workers: int, trains: str, found: dict[str, Any]) -> str:
    """A line of the table."""
    each = [f"{found['memory'].get(kind, {}).get('mib_each', 0):.0f} MiB"
            for kind in ("actor", "fork server", "worker", "client", "driver")]  # fmt: skip
    waits = [f"{found[name]:.0f} ms" for name in ("median_ms", "p99_ms", "longest_ms")]
    cells = [workers, trains, f"{found['epochs_per_second']:.1f}", *waits,
             f"{found['ready_s']:.0f} s", *each, found["load_average"]]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--without-torch", action="store_true", help="train nothing")
    parser.add_argument("--epoch-seconds", type=float, default=1.0)
    parser.add_argument("--sampler", default="random")
    parser.add_argument("--pruner", default="none")
    parser.add_argument("--settle", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    found = run(options)
    trains = "nothing" if options.without_torch else "torch"
    print(COLUMNS)
    print("|--:|---|" + "--:|" * (COLUMNS.count("|") - 3))
    print(row(options.workers, trains, found))
    if options.output:
        given = {name: value for name, value in vars(options).items() if name != "output"}
        told = {"machine": machine(), **given, "found": found}
        options.output.write_text(json.dumps(told, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
