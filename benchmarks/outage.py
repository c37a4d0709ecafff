"""What an outage of MLflow costs the training: paired runs, with the server up and with it killed.

Each pair trains the same study twice in one go, first with the server up all the time and then
with the server killed in the first epochs and back after `--seconds`. Printed are the times between
epochs, as the driver sees them, the ratio of their medians, and what the driver waited for
tracking. One worker, so that a core is left for the servers. What the run could not deliver any
more is delivered by `sync`; every point is counted at the end.

    python benchmarks/outage.py --pairs 3 --seconds 60
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import sys
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import machine
from studies import document
from studies.driver import run_study
from studies.home import Home
from studies.mirrors.sync import sync
from studies.runner import Display
from studies.spec import resolve
from studies.tracking import MlflowTracker
from tests.faults.servers import MlflowServer, free_port
from tests.integration.accounts import Runs

FILE = """
study: {study}
data: {{name: digits, batch_size: 16}}
model: {{name: mlp, hidden: [64, 64]}}
optimizer: {{name: adam, lr: {{min: 1e-4, max: 1e-2, log: true}}}}
trainer: {{epochs: {epochs}}}
search: {{method: random, trials: {trials}}}
"""


class Clock(Display):
    """Notes when epochs ended, and kills and revives a server where it is told to."""

    def __init__(self, server: MlflowServer, seconds: float | None) -> None:
        self.server = server
        self.seconds = seconds
        self.times: dict[str, list[float]] = {}
        self.revival = threading.Thread(target=self._revive)

    def epoch(self, asked: Any, epoch: int, value: float) -> None:
        self.times.setdefault(asked.record.key, []).append(time.perf_counter())
        if self.seconds is not None and self.server.process is not None and epoch == 3:
            seconds, self.seconds = self.seconds, None
            self.outage = seconds
            self.server.kill()
            self.revival.start()

    def _revive(self) -> None:
        time.sleep(self.outage)
        self.server.start()

    @property
    def epochs(self) -> list[float]:
        """Seconds between the epochs of a trial."""
        return [b - a for ends in self.times.values() for a, b in pairwise(ends)]


def train(server: MlflowServer, study: str, arguments: Any, seconds: float | None) -> Any:
    """One run of the study."""
    clock = Clock(server, seconds)
    text = FILE.format(study=study, epochs=arguments.epochs, trials=arguments.trials)
    home = Home.at(server.home)
    waited = 0.0

    def timed(call: Any) -> Any:
        def measured(*args: Any, **options: Any) -> Any:
            nonlocal waited
            begun = time.perf_counter()
            try:
                return call(*args, **options)
            finally:
                waited += time.perf_counter() - begun

        return measured

    calls = ("start_trial", "epoch", "finish_trial", "run_id")
    patches = [mock.patch.object(MlflowTracker, c, timed(getattr(MlflowTracker, c))) for c in calls]
    for patch in patches:
        patch.start()
    spec = resolve(document.parse(text, "outage.yaml"))
    run_study(spec, home, workers=1, display=clock)
    for patch in patches:
        patch.stop()
    if clock.revival.ident is not None:
        clock.revival.join()
    by_sync = sync(home, study).delivered
    runs = Runs.of(home, study)
    points = [runs.steps(run)["val/accuracy"] for run in runs.children]
    exact = points == [list(range(1, arguments.epochs + 1))] * arguments.trials
    return {
        "median": statistics.median(clock.epochs),
        "mean": statistics.fmean(clock.epochs),
        "waited": waited,
        "every_point_once": exact,
        "trials_delivered_by_sync": by_sync,
    }


def main() -> None:
    """Run the pairs and print them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the server is away")
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=400)
    arguments = parser.parse_args()
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        server = MlflowServer(Path(folder), free_port())
        os.environ["MLFLOW_TRACKING_URI"] = server.url
        server.start()
        try:
            for pair in range(arguments.pairs):
                up = train(server, f"up-{pair}", arguments, None)
                away = train(server, f"away-{pair}", arguments, arguments.seconds)
                ratio = away["median"] / up["median"]
                pairs.append({"up": up, "away": away, "ratio": ratio})
                print(json.dumps(pairs[-1]), file=sys.stderr, flush=True)
        finally:
            server.kill()
    ratios = [pair["ratio"] for pair in pairs]
    print(json.dumps({"machine": machine(), "pairs": pairs, "ratio": statistics.median(ratios)}))


if __name__ == "__main__":
    main()
