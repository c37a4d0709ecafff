"""What an outage of both mirrors costs the training: paired runs, with the mirrors and without.

Each pair trains the same study twice, in turn: with both mirrors there all the time, and with both
away for `--seconds`, from some seconds after the start on. `--how away`: the MLflow server is
killed and Optuna's SQLite database is locked by another program; `--how killed`: the process of the
mirrors is killed whenever it is there. Compared are the times between epochs, as the driver sees
them, in the same seconds of both runs. One worker, so that a core is left for the servers. What a
run could not deliver any more is delivered by `sync`; then record, Optuna and MLflow are compared
trial by trial and point by point.

    python benchmarks/outage.py --pairs 10 --seconds 60
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import machine
from studies.home import Home
from studies.mirrors.sync import sync
from studies.running.run_study import run_study
from studies.running.trial_loop import Display
from studies.study_file import document, resolve
from tests.support.agreement import check_agreement
from tests.support.servers import MlflowServer, free_port

FILE = """
study: {study}
data: {{name: digits, batch_size: 16}}
model: {{name: mlp, hidden: [64, 64]}}
optimizer: {{name: adam, lr: {{min: 1e-4, max: 1e-2, log: true}}}}
trainer: {{epochs: {epochs}}}
search: {{method: random, trials: {trials}}}
"""
BEGINS = 15.0
"""Seconds after the first epoch: the mirrors have come up by then."""
KILL_SECONDS = 0.5
"""Between two looks for a process of the mirrors to kill."""
RESAMPLES = 10_000


class Outage(threading.Thread):
    """Both mirrors away, for some seconds."""

    def __init__(self, how: str, server: MlflowServer, seconds: float) -> None:
        super().__init__()
        self.how, self.server, self.seconds = how, server, seconds

    def run(self) -> None:
        if self.how == "killed":
            self._kill_mirrors()
            return
        path = Home.at(self.server.home).path / "optuna.db"
        locking = sqlite3.connect(path, timeout=60, isolation_level=None)
        self.server.kill()
        locking.execute("BEGIN IMMEDIATE")
        time.sleep(self.seconds)
        locking.close()
        self.server.start()

    def _kill_mirrors(self) -> None:
        over = time.monotonic() + self.seconds
        while time.monotonic() < over:
            for child in psutil.Process().children():
                with suppress(psutil.Error):
                    if "studies.mirrors.process" in child.cmdline():
                        child.kill()
            time.sleep(KILL_SECONDS)


class Clock(Display):
    """Notes when epochs ended, and begins an outage where there is one."""

    def __init__(self, outage: Outage | None) -> None:
        self.outage = outage
        self.times: dict[str, list[float]] = {}
        self.began: float | None = None

    def epoch(self, asked: Any, epoch: int, value: float) -> None:
        now = time.perf_counter()
        self.began = self.began or now
        self.times.setdefault(asked.key, []).append(now)
        if self.outage is not None and self.outage.ident is None and now > self.began + BEGINS:
            self.outage.start()

    def epochs(self, seconds: float) -> list[float]:
        """Seconds between the epochs of a trial, while there is an outage in one of the runs."""
        assert self.began is not None
        begins = self.began + BEGINS
        pairs = [pair for ends in self.times.values() for pair in pairwise(ends)]
        return [b - a for a, b in pairs if begins <= a and b <= begins + seconds]


def train(server: MlflowServer, study: str, arguments: Any, outage: Outage | None) -> Any:
    """One run of the study."""
    clock, home = Clock(outage), Home.at(server.home)
    text = FILE.format(study=study, epochs=arguments.epochs, trials=arguments.trials)
    run_study(resolve(document.parse(text, "outage.yaml")), home, workers=1, display=clock)
    if outage is not None:
        if outage.ident is None:
            raise SystemExit("the study ended before the outage began; give it more --epochs")
        outage.join()
    by_sync = sync(home, study).delivered
    check_agreement(home, study)
    epochs = clock.epochs(arguments.seconds)
    if len(epochs) < 2:
        raise SystemExit("no epochs while the mirrors were away; give the study more --epochs")
    return {
        "median": statistics.median(epochs),
        "mean": statistics.fmean(epochs),
        "epochs": len(epochs),
        "delivered_by_sync": dict(by_sync),
    }


def interval(ratios: Sequence[float]) -> tuple[float, float]:
    """95 % of the medians of as many pairs drawn again."""
    drawn = np.random.default_rng(0).choice(ratios, (RESAMPLES, len(ratios)))
    low, high = np.quantile(np.median(drawn, axis=1), [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    """Run the pairs and print them as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--how", choices=["away", "killed"], default="away")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long they are away")
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=500)
    arguments = parser.parse_args()
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    os.environ.pop("FAIRTUNE_STORAGE", None)  # it is the home's own that is locked
    pairs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        server = MlflowServer(Path(folder), free_port())
        os.environ["MLFLOW_TRACKING_URI"] = server.url
        server.start()
        try:
            for number in range(arguments.pairs):
                pair: dict[str, Any] = {}
                for way in ("there", "away") if number % 2 == 0 else ("away", "there"):
                    outage = Outage(arguments.how, server, arguments.seconds)
                    given = None if way == "there" else outage
                    pair[way] = train(server, f"{way}-{number}", arguments, given)
                pair["ratio"] = pair["away"]["median"] / pair["there"]["median"]
                pairs.append(pair)
                print(json.dumps(pair), file=sys.stderr, flush=True)
        finally:
            server.kill()
    ratios = [pair["ratio"] for pair in pairs]
    found = {"ratio": statistics.median(ratios), "interval": interval(ratios)}
    print(json.dumps({"machine": machine(), "how": arguments.how, "pairs": pairs, **found}))


if __name__ == "__main__":
    main()
