"""One measurement of `many_workers.py`, in a process of its own: the last line of output is JSON.

The driver is the real one: checks, home and record on disk, sampler, pruner, the display of a
terminal, results, and with mirrors their process. Only the workers are simulated.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any, Protocol
from unittest import mock

import psutil
from driver_ways import NoMirrors, peak_mb
from rich.console import Console
from rich.live import Live
from simulated_workers import EPOCHS, SimulatedWorkers, Waits

from studies.api.progress import LiveDisplay
from studies.engines import Engine
from studies.home import Home
from studies.running import run_study
from studies.study_file import document, resolve

STUDY = """\
study: crowded
data: {{name: digits, batch_size: {{values: [16, 32, 64, 128]}}}}
model: {{name: mlp, hidden: {{values: [[32], [64], [64, 64], [128, 64]]}}}}
optimizer:
  - {{name: sgd, lr: {{min: 1e-4, max: 1.0, log: true}}}}
  - {{name: momentum, lr: {{min: 1e-4, max: 1.0, log: true}}, momentum: {{min: 0.5, max: 0.99}}}}
  - {{name: adam, lr: {{min: 1e-5, max: 1e-1, log: true}}}}
  - name: adamw
    lr: {{min: 1e-5, max: 1e-1, log: true}}
    weight_decay: {{min: 1e-4, max: 1.0, log: true}}
schedule: {{name: cosine, warmup: {{min: 0.0, max: 0.3}}}}
regularization: {{dropout: {{min: 0.0, max: 0.6}}}}
trainer: {{epochs: {epochs}}}
objective: {{metric: val/accuracy}}
search: {{method: {sampler}, trials: 100000, pruner: {pruner}}}
compare: {{factor: optimizer, claim: configurations}}
"""


class MeasuredEngine(Engine, Protocol):
    """An engine that keeps how long its workers have waited."""

    answers: Waits
    refills: Waits
    busy_since: float | None


@dataclass
class Usage:
    """What has been used of the processor at a moment, seconds; and when that was."""

    at: float
    driver: float
    others: float
    """By everything on the machine but the driver, its mirrors included."""

    @classmethod
    def now(cls) -> Usage:
        """What has been used up to now."""
        times, driver = psutil.cpu_times(), time.process_time()
        everything = sum(times) - times.idle - getattr(times, "iowait", 0.0)
        return cls(time.monotonic(), driver, everything - driver)


class Window:
    """The time in which is measured: it begins `settle` seconds after all workers are busy."""

    def __init__(self, settle: float, seconds: float, home: Home) -> None:
        self.settle, self.seconds, self.home = settle, seconds, home
        self.engine: MeasuredEngine | None = None
        self.began: Usage | None = None
        self.ended: Usage | None = None
        self.at_end: dict[str, Any] = {}

    def is_over(self) -> bool:
        """Whether the study can stop; polled by the driver."""
        if self.engine is None or self.engine.busy_since is None or self.ended is not None:
            return self.ended is not None
        now = time.monotonic()
        if self.began is None:
            if now >= self.engine.busy_since + self.settle:
                self.began = Usage.now()
        elif now >= self.began.at + self.seconds:
            self.ended = Usage.now()
            record = self.home.record("crowded").parent.glob("record.db*")
            size = sum(file.stat().st_size for file in record)
            self.at_end = {"record_mb": size / 2**20, "peak_mb": peak_mb()}
        return self.ended is not None

    def found(self) -> dict[str, Any]:
        """What was measured."""
        engine, began, ended = self.engine, self.began, self.ended
        assert engine is not None and began is not None and ended is not None
        answers = engine.answers.between(began.at, ended.at)
        refills = engine.refills.between(began.at, ended.at)
        wall = ended.at - began.at
        return {
            "seconds": wall,
            "epochs_per_second": len(answers) / wall,
            "trials_per_second": len(refills) / wall,
            "answer_ms": spread(answers),
            "refill_ms": spread(refills),
            "driver_cores": (ended.driver - began.driver) / wall,
            "other_cores": (ended.others - began.others) / wall,
            "load_average": round(os.getloadavg()[0], 2),
            **self.at_end,
        }


def spread(waits: Sequence[float]) -> dict[str, float]:
    """The middle, the 99 % point and the longest of some waits, in milliseconds."""
    if len(waits) < 2:
        return {}
    points = quantiles(waits, n=100)
    return {"median": 1000 * points[49], "p99": 1000 * points[98], "max": 1000 * max(waits)}


def measured(
    make: Callable[[], MeasuredEngine], text: str, window: Window, *, mirrored: bool
) -> dict[str, Any]:
    """What the driver of a study does while the workers of an engine are busy."""

    def engine() -> Engine:
        window.engine = make()
        return window.engine

    spec = resolve(document.parse(text, "crowded.yaml"))
    shown = LiveDisplay(spec)
    mirroring = run_study.Mirroring if mirrored else NoMirrors
    with Path(os.devnull).open("w") as nowhere:
        screen = Console(file=nowhere, force_terminal=True, width=120, height=50)
        with (
            mock.patch.object(run_study, "Mirroring", mirroring),
            Live(shown, console=screen, refresh_per_second=4, transient=True),
        ):
            run_study.run_study(
                spec, window.home, workers=1, display=shown, stopping=window.is_over,
                engine=engine,
            )  # fmt: skip
    return window.found()


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("workers", type=int)
    parser.add_argument("sampler")
    parser.add_argument("pruner")
    parser.add_argument("--stagger", type=float, default=20.0)
    parser.add_argument("--settle", type=float, default=25.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--no-mirrors", action="store_true")
    parser.add_argument("--profile", action="store_true", help="say where the driver's time goes")
    options = parser.parse_args()
    text = STUDY.format(epochs=EPOCHS, sampler=options.sampler, pruner=options.pruner)
    profile = cProfile.Profile() if options.profile else None
    with TemporaryDirectory(prefix="crowded-") as folder:
        window = Window(options.settle, options.seconds, Home.at(Path(folder) / "home"))
        with profile or nullcontext():
            found = measured(
                lambda: SimulatedWorkers(options.workers, options.stagger), text, window,
                mirrored=not options.no_mirrors,
            )  # fmt: skip
    if profile is not None:
        pstats.Stats(profile, stream=sys.stderr).sort_stats("cumulative").print_stats(60)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
