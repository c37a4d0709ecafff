"""Records written by hand, without a driver, and mirrors brought up to them in this process."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import optuna

from lightning_modules.configuration import Configuration
from studies.home import Home
from studies.mirrors.backlog import Until
from studies.mirrors.follower import Follower
from studies.mirrors.mlflow.mirror import MlflowMirror
from studies.mirrors.optuna.mirror import OptunaMirror
from studies.records import Outcome, Record, Search, Trial, TrialEnd
from studies.running.continuing import design_notes
from studies.study_file import Spec, document, resolve, splits_of

FILE = """
study: which.optimizer
description: Which optimizer should a small network on iris use?
data: iris
model: {name: mlp, hidden: [4]}
optimizer:
  - {name: sgd, lr: {min: 1e-3, max: 1.0, log: true}}
  - {name: adam, lr: {min: 1e-4, max: 1e-1, log: true}}
trainer: {epochs: 3}
search: {method: random, trials: 6, pruner: median}
compare: {factor: optimizer, claim: configurations}
"""
STUDY = "which.optimizer"
LR = optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True)
MIRRORS = {"optuna": OptunaMirror, "mlflow": MlflowMirror}


def spec_of(text: str = FILE) -> Spec:
    return resolve(document.parse(text, "study.yaml"))


def configuration(lr: float = 0.01, **parts: Any) -> Configuration:
    tree = {"data": "iris", "model": {"name": "mlp", "hidden": [4]}, "trainer": {"epochs": 3}}
    return Configuration.resolve({**tree, "optimizer": {"name": "adam", "lr": lr}, **parts})


def metrics(epoch: int) -> dict[str, float]:
    return {"val/accuracy": epoch / 10, "val/loss": 1 / epoch, "optim/lr": 0.01}


def ended(outcome: Outcome = Outcome.completed, epochs: int = 3, **changes: Any) -> TrialEnd:
    end = TrialEnd(outcome, "", epochs, epochs, metrics(epochs), data_hash="ab12cd")
    return replace(end, **changes)


@dataclass
class Recording:
    """A study whose trials a test tells one by one."""

    record: Record
    spec: Spec

    def search(self, arm: str = "adam", repeat: int = 1, phase: str = "search") -> Search:
        name = f"{self.spec.study}/{arm}"
        if repeat > 1:
            name += f"/r{repeat}"
        if phase != "search":
            name, arm = f"{self.spec.study}:{phase}", ""
        return self.record.add_search(
            name,
            arm=arm,
            repeat=repeat,
            phase=phase,
            split=7 if repeat > 1 else None,
            goal=self.spec.objective.goal,
        )

    def start(self, number: int = 0, arm: str = "adam", repeat: int = 1, **changes: Any) -> Trial:
        """A trial of a search begins, or goes on where it was interrupted."""
        phase = changes.get("phase", "search")
        search = self.search(arm, repeat, phase)
        known = {trial.number: trial for trial in self.record.trials(search.id)}
        if number in known:
            return self.record.begin(known[number])
        lr = 0.01 * (number + 1)
        chosen: Configuration = changes.pop("configuration", configuration(lr))
        middle = f"r{repeat}-" * (repeat > 1) + f"{phase}-" * (phase != "search")
        begun: dict[str, Any] = {
            "key": f"{arm}-{middle}{number:04d}", "arm": arm, "phase": phase, "outcome": None,
            "value": None, "seed": 7 + number, "configuration": chosen.to_dict(),
            "config_hash": chosen.hash, "epochs": 0, "best_epoch": None, "best": {}, "test": {},
            "reason": "", "seconds": 0.0, "run_id": None, "duplicate_of": None,
            "default": number == 0, "params": {"optimizer.lr": lr}, "curve": {}, "started": None,
            "ended": None, "repeat": repeat, "split": search.split, "number": number,
            "search": search.id,
            "distributions": {
                "optimizer.lr": optuna.distributions.distribution_to_json(LR)
            },
        }  # fmt: skip
        return self.record.begin(Trial(**{**begun, **changes}))

    def epoch(self, trial: Trial, epoch: int, values: Mapping[str, float] | None = None) -> None:
        told = metrics(epoch) if values is None else values
        self.record.epoch(trial.id, epoch, told, told["val/accuracy"])

    def end(self, trial: Trial, end: TrialEnd | None = None) -> Trial:
        end = ended() if end is None else end
        value = end.best.get("val/accuracy")
        return self.record.finish(trial.finished(end, value, datetime.now()))

    def train(self, number: int = 0, end: TrialEnd | None = None, **changes: Any) -> Trial:
        """A whole trial."""
        end = ended() if end is None else end
        trial = self.start(number, **changes)
        for epoch in range(1, end.epochs + 1):
            self.epoch(trial, epoch)
        return self.end(trial, end)

    def finish(self) -> None:
        """Nothing is left to do."""
        self.record.note({"finished": self.spec.text})


@contextmanager
def recording(home: Home, spec: Spec | None = None) -> Iterator[Recording]:
    """The record of a study, as its driver holds it."""
    spec = spec_of() if spec is None else spec
    home.create(spec.study)
    with Record.writing(home, spec.study) as record:
        notes = design_notes(spec, splits_of(spec))
        record.note({**notes, "source": "fairtune", "version:fairtune": "0.1.0"})
        yield Recording(record, spec)


def rebuild(home: Home, study: str = STUDY) -> None:
    """Make a study in Optuna's storage anew, as `sync --rebuild` does."""
    with follower(home, "optuna", study) as one:
        one.backlog.doubt()
        one.bring_up(OptunaMirror(home, study, rebuild=True), "finish")


def bring_up(home: Home, *names: str, study: str = STUDY, until: Until = "finish") -> None:
    """Bring mirrors up to the record, all of them unless some are named."""
    for name in names or MIRRORS:
        with follower(home, name, study) as one:
            one.bring_up(MIRRORS[name](home, study), until)


def follower(home: Home, name: str, study: str = STUDY) -> Follower:
    """Follows the record of a study for one mirror."""
    url = home.optuna_url if name == "optuna" else home.mlflow_uri
    return Follower(home, study, name, url)


def of_every_kind(told: Recording) -> None:
    """Trials with every outcome, of several arms, repeats and phases."""
    nan = float("nan")
    told.train(0)
    told.train(1, ended(Outcome.pruned, epochs=2, reason="below the median"))
    diverged = told.start(2)
    told.epoch(diverged, 1, {"val/accuracy": nan, "val/loss": float("inf")})
    told.end(diverged, ended(Outcome.diverged, epochs=1, best={}, best_epoch=None))
    told.train(3, ended(Outcome.error, epochs=1, traceback="Traceback: no such luck"))
    told.train(4, ended(Outcome.interrupted, epochs=2, best={}, best_epoch=None))
    copied = told.start(5, configuration=configuration(0.01), params={"optimizer.lr": 0.01})
    told.record.copy_epochs(1, copied.id)
    told.end(replace(copied, duplicate_of=0), ended(reason="same configuration", seconds=0.0))
    for number, outcome in enumerate((Outcome.timeout, Outcome.crashed, Outcome.out_of_memory)):
        told.train(number, ended(outcome, epochs=1, best={}, best_epoch=None), arm="sgd")
    told.train(0, repeat=2)
    told.train(0, ended(test={"test/accuracy": 0.25}), phase="confirm", seed_index=0)
