"""The read side: what a study found, as frozen records, for the command line and the dashboard."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from lightning_modules.errors import UserError
from studies import document
from studies.archive import Archive, end_of
from studies.home import Home
from studies.records import Outcome
from studies.spec import Spec, resolve


@dataclass(frozen=True)
class Trial:
    """One trial as it was told; `value` is the objective at its best epoch."""

    key: str
    arm: str
    phase: str
    outcome: Outcome | None
    """None while it runs or waits."""
    value: float | None
    seed: int
    configuration: Mapping[str, Any]
    config_hash: str
    epochs: int
    best_epoch: int | None
    best: Mapping[str, float]
    test: Mapping[str, float]
    reason: str
    seconds: float
    run_id: str | None
    twin: int | None
    """The trial whose result this one repeats, by number."""
    started: datetime | None
    ended: datetime | None


@dataclass(frozen=True)
class StudyResults:
    """A study of a home: its file and all of its trials."""

    home: Home
    spec: Spec
    trials: Sequence[Trial]
    planned: int | None
    """Trials that the search and the confirmation will have together, where that is known."""
    warnings: Sequence[str] = ()

    @property
    def ended(self) -> list[Trial]:
        """Trials that were told."""
        return [trial for trial in self.trials if trial.outcome is not None]

    @property
    def best(self) -> Trial | None:
        """The best completed trial of the search."""
        return self.best_of([trial for trial in self.trials if trial.phase == "search"])

    def best_of(self, trials: Sequence[Trial]) -> Trial | None:
        """The best completed trial, the earlier one of equals."""
        done = [t for t in trials if t.outcome == Outcome.completed and t.value is not None]
        if not done:
            return None
        sign = 1 if self.spec.objective.goal == "maximize" else -1
        return max(done, key=lambda trial: sign * (trial.value or 0.0))

    @property
    def arms(self) -> list[str]:
        """The names of the arms in the order of the file."""
        return list(dict.fromkeys(trial.arm for trial in self.trials if trial.phase == "search"))


def names(home: Home) -> list[str]:
    """The studies of a home."""
    archive = open_archive(home)
    found = (archive.attributes(name).get("study", name) for name in archive.names())
    return sorted(set(found))


def open_archive(home: Home) -> Archive:
    """The home's storage; UserError where the home has none, since reading must not make one."""
    if home.optuna_url.startswith("sqlite:///"):
        from pathlib import Path

        path = Path(home.optuna_url.removeprefix("sqlite:///"))
        if not path.exists():
            raise UserError(f"{home.path} holds no studies yet; start one with `fairtune run`")
    return Archive.open(home)


def load(home: Home, study: str) -> StudyResults:
    """Everything that the storage says of a study."""
    archive = open_archive(home)
    existing = archive.names()
    parts = [
        name for name in existing if name == study or name.startswith((f"{study}/", f"{study}:"))
    ]
    if not parts:
        from lightning_modules.components import unknown

        known = sorted({archive.attributes(name).get("study", name) for name in existing})
        raise UserError(unknown("study", study, known) + f" in {home.path}")
    file = next(text for name in parts if (text := archive.attributes(name).get("study_file")))
    spec = resolve(document.parse(file, f"the stored file of {study}"))
    trials = [
        _trial(trial, archive.attributes(name)) for name in parts for trial in archive.trials(name)
    ]
    return StudyResults(home, spec, [trial for trial in trials if trial], None)


def _trial(trial: FrozenTrial, attributes: Mapping[str, Any]) -> Trial | None:
    told = trial.user_attrs
    if "configuration" not in told or "key" not in told:
        return None  # queued, not started
    end = end_of(trial)
    outcome = end.outcome if end else None
    running = trial.state == TrialState.RUNNING
    return Trial(
        key=told["key"],
        arm=told.get("arm", attributes.get("arm", "")),
        phase=attributes.get("phase", "search"),
        outcome=None if running else outcome,
        value=trial.value if trial.state == TrialState.COMPLETE else None,
        seed=told["seed"],
        configuration=json.loads(told["configuration"]),
        config_hash=told["config_hash"],
        epochs=end.epochs if end else 0,
        best_epoch=end.best_epoch if end else None,
        best=end.best if end else {},
        test=end.test if end else {},
        reason=end.reason if end else "",
        seconds=end.seconds if end else 0.0,
        run_id=told.get("mlflow_run_id"),
        twin=told.get("twin"),
        started=trial.datetime_start,
        ended=trial.datetime_complete,
    )


def summary(results: StudyResults) -> dict[str, Any]:
    """The JSON object of `run` and `status`."""
    ended = results.ended
    starts = [trial.started for trial in results.trials if trial.started]
    ends = [trial.ended for trial in ended if trial.ended]
    seconds = (max(ends) - min(starts)).total_seconds() if starts and ends else 0.0
    best = results.best
    return {
        "study": results.spec.study,
        "home": str(results.home.path),
        "finished": len(ended) == len(results.trials) and len(ended) == results.planned,
        "seconds": round(seconds, 3),
        "epochs": sum(trial.epochs for trial in ended),
        "trials": dict(Counter(trial.outcome.value for trial in ended if trial.outcome)),
        "arms": {arm: _arm_summary(results, arm) for arm in results.arms},
        "best": None if best is None else _best_summary(results, best),
        "warnings": list(results.warnings),
    }


def _arm_summary(results: StudyResults, arm: str) -> dict[str, Any]:
    trials = [t for t in results.ended if t.arm == arm and t.phase == "search"]
    best = results.best_of(trials)
    return {
        "trials": len(trials),
        "epochs": sum(trial.epochs for trial in trials),
        "best": best.value if best else None,
    }


def _best_summary(results: StudyResults, best: Trial) -> dict[str, Any]:
    return {
        "value": best.value,
        "metric": results.spec.objective.metric,
        "arm": best.arm,
        "configuration": dict(best.configuration),
        "seed": best.seed,
        "mlflow_run_id": best.run_id,
    }
