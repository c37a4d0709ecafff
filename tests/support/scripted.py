"""The command `fairtune run` inside the test, with trainings that follow a script."""

import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest import mock

import psutil

from studies.cli import main
from studies.engines import Task
from studies.engines.inline import InlineEngine
from studies.home import Home
from studies.mirrors.mirroring import Mirroring
from studies.records import EpochReport, Outcome, TrialEnd
from studies.records.deliveries import Deliveries, MirrorStatus, statuses, store_name

TRIALS, EPOCHS = 4, 4
FILE = """
study: {study}
data: iris
model: {{name: mlp, hidden: [4]}}
optimizer: {{name: adam, lr: {{values: [0.1, 0.03, 0.01, 0.003]}}}}
trainer: {{epochs: 4}}
search: {{method: grid}}
"""
PATIENCE = 60.0
"""Seconds after which something that has to happen is missed."""
Blow = Callable[[int, int], None]
"""What happens to a trial, by its number, at the end of an epoch."""


def metrics(seed: int, epoch: int) -> dict[str, float]:
    return {"val/accuracy": (seed % 89) / 100 + epoch / 1000, "val/loss": 1 / epoch}


@dataclass
class Scripted:
    """A study of four trials of four epochs, one after the other; its mirrors run from the start
    unless `begin_after` says otherwise."""

    home: Home
    study: str
    begin_after: float = 0.0
    trained: int = 0
    """Epochs."""

    def run(self, blow: Blow = lambda trial, epoch: None) -> int:
        """Run the command; its exit code."""

        def perform(task: Task, ask: Callable[[EpochReport], bool]) -> TrialEnd:
            for epoch in range(1, EPOCHS + 1):
                blow(int(task.trial.rpartition("-")[2]), epoch)
                self.trained += 1
                if not ask(EpochReport(epoch, metrics(task.seed, epoch))):
                    return TrialEnd(Outcome.pruned, epochs=epoch)
            best = metrics(task.seed, EPOCHS)
            return TrialEnd(Outcome.completed, epochs=EPOCHS, best_epoch=EPOCHS, best=best)

        file = Path(self.home.path).with_suffix(".yaml")
        file.write_text(FILE.format(study=self.study))
        mirroring = partial(Mirroring, begin_after=self.begin_after)
        with (
            mock.patch("studies.running.run_study.LocalEngine", lambda *_: Inline(perform)),
            mock.patch("studies.running.run_study.Mirroring", mirroring),
            mock.patch("studies.mirrors.mirroring.LOOK_SECONDS", 0.0),
            mock.patch("studies.mirrors.mirroring.RESTART_SECONDS", 0.0),
        ):
            return main(["run", str(file), "--home", str(self.home.path)])

    def wait_for_trials(self, mirror: str, count: int = 1) -> None:
        """Wait until a mirror has so many trials."""
        store = {"optuna": self.home.optuna_url, "mlflow": self.home.mlflow_uri}[mirror]

        def has_them(_: MirrorStatus) -> bool:
            with closing(Deliveries.open(self.home, self.study)) as deliveries:
                found = deliveries.revisions(mirror, store_name(store, self.home))
            return sum(key != "" and at >= 0 for key, at in found.items()) >= count

        self.wait_for(mirror, has_them)

    def wait_for(self, mirror: str, said: Callable[[MirrorStatus], bool]) -> None:
        """Wait until a mirror comes along or fails so."""
        end = time.monotonic() + PATIENCE
        while not said(statuses(self.home, self.study).get(mirror, MirrorStatus(mirror))):
            assert time.monotonic() < end, f"{mirror} does not do what was waited for"
            time.sleep(0.01)


def mirror_processes() -> list[psutil.Process]:
    """The process of the mirrors that this driver has started, and its child."""
    found = []
    for each in psutil.Process().children():
        with suppress(psutil.Error):  # it has ended meanwhile
            if "studies.mirrors.process" in each.cmdline():
                found += [each, *each.children()]
    return found


class Inline(InlineEngine):
    """One slot, in this process."""

    def start(self) -> None: ...
