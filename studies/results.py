"""The read side: what a study found, as frozen records, for the command line and the dashboard."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from lightning_modules.components import unknown
from lightning_modules.errors import UserError
from studies import document
from studies.archive import FILES, Archive, end_of
from studies.archive_reader import SQLITE, ArchiveReader
from studies.arms import arms
from studies.garbage import uncollected
from studies.home import Home
from studies.records import Outcome, merit
from studies.spec import Spec, resolve
from studies.spool import Spool


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
    default: bool
    """Whether it has the components' defaults."""
    params: Mapping[str, Any]
    """What the sampler chose, by the names in Optuna."""
    curve: Mapping[int, float]
    """The objective after every epoch, counted from 1."""
    started: datetime | None
    ended: datetime | None
    device: str = ""
    """What it was trained on: `cpu` or the name of a GPU."""
    traceback: str = ""
    """Where an error happened."""
    data_hash: str = ""
    """Identity of the data that it saw."""
    weights_hash: str = ""
    """Identity of the file of weights that it started from."""
    repeat: int = 1
    """The independent search of its arm that it belongs to, counted from 1."""
    split: int | None = None
    """The seed of its split, where that is not the configuration's own."""
    number: int = 0
    """Its number in its Optuna study."""
    rows: Mapping[str, int] = field(default_factory=dict)
    """Rows of `train`, `validation` and `test`, as far as they are known."""

    @property
    def split_seed(self) -> int | None:
        """The seed by which its rows were divided; None where only the user's code knows."""
        known = self.configuration.get("data", {}).get("split_seed")
        return known if self.split is None else self.split


@dataclass(frozen=True)
class Best:
    """The configuration of a study to use, by the trial of the search that found it."""

    trial: Trial
    value: float
    """What to expect of it: the mean over its fresh runs, or the trial's own value where there are
    none; with repeats the mean over the winners of its arm."""
    metric: str
    runs: Sequence[Trial] = ()
    """Its fresh runs that completed, on all splits, the best first."""
    repeats: int = 0
    """Searches of its arm that `value` is the mean of; 0 where there was one."""

    @property
    def seeds(self) -> int:
        """How many fresh runs it has."""
        return len(self.runs)


@dataclass(frozen=True)
class Look:
    """A design whose verdict was given; another one after it is another look at the data."""

    repeats: int
    trials: int | None
    epochs: int | None
    seeds: int
    top: int = 1


@dataclass(frozen=True)
class StudyResults:
    """A study of a home: its file and all of its trials that have started."""

    home: Home
    spec: Spec
    trials: Sequence[Trial]
    finished: bool
    """Whether the last run left nothing to do."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Packages that the last run used, by name."""
    hardware: Mapping[str, str] = field(default_factory=dict)
    """The machine of the last run, as `studies.hardware` tells it."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The identities of the files that trials read and ran, by name."""
    looks: Sequence[Look] = ()
    """The designs at which verdicts were given, in their order."""
    command: Sequence[str] = ()
    """The options of `fairtune run` by which the study was started: file, overrides, modules."""
    redrawn: Sequence[str] = ()
    """The parts that every repeat divides anew; empty where none does."""
    fixed_parts: str = ""
    """Why some rows stay where they are in every split; empty where all are divided anew."""

    @property
    def fixed_test(self) -> bool:
        """Whether every split has the same test part."""
        return bool(self.redrawn) and "test" not in self.redrawn

    @property
    def study(self) -> str:
        """The study's name."""
        return self.spec.study

    @property
    def planned(self) -> int | None:
        """Trials that the search will have; None where a budget in epochs decides."""
        if self.spec.sampler.name == "grid":
            return self.spec.repeats * sum(arm.space.grid_size() for arm in arms(self.spec))
        each = self.spec.trials_asked
        return None if each is None else self.spec.repeats * each * len(self.arms)

    @property
    def ended(self) -> list[Trial]:
        """Trials that were told."""
        return [trial for trial in self.trials if trial.outcome is not None]

    @property
    def search(self) -> list[Trial]:
        """Trials of the search that were told."""
        return [trial for trial in self.ended if trial.phase == "search"]

    @property
    def ranking(self) -> list[Trial]:
        """Completed trials of the search, the best first; of equals the earlier one."""
        return self.ranked(self.search)

    def ranked(self, trials: Sequence[Trial]) -> list[Trial]:
        """The completed ones, the best first."""
        done = [t for t in trials if t.outcome == Outcome.completed and t.value is not None]
        return sorted(done, key=lambda t: merit(t.value, t.best, self.spec.objective))

    def searched(self, arm: str, repeat: int) -> list[Trial]:
        """The trials of a search that were told."""
        return self._by_search.get((arm, repeat), [])

    @cached_property
    def _by_search(self) -> dict[tuple[str, int], list[Trial]]:
        found: dict[tuple[str, int], list[Trial]] = {}
        for trial in self.search:
            found.setdefault((trial.arm, trial.repeat), []).append(trial)
        return found

    def candidates(self, arm: str, repeat: int = 1) -> list[Trial]:
        """The configurations of a search that train on fresh seeds, the best first."""
        found: dict[str, Trial] = {}
        for trial in self.ranked(self.searched(arm, repeat)):
            if self.spec.design.at is None or not trial.default:
                found.setdefault(trial.config_hash, trial)
        return list(found.values())[: self.spec.design.top if self.spec.confirm else 1]

    def winner(self, arm: str, repeat: int = 1) -> tuple[Trial | None, list[Trial]]:
        """The best configuration of a search by its trial, and its runs on fresh seeds.

        Where several configurations were confirmed it is the one with most seeds and then the best
        mean, where none was it is the best of the search.
        """
        best = self.candidates(arm, repeat)
        runs = {trial.config_hash: self.confirmations(trial) for trial in best}
        best.sort(key=lambda trial: self._merit(runs[trial.config_hash]), reverse=True)
        return (best[0], runs[best[0].config_hash]) if best else (None, [])

    @cached_property
    def best(self) -> Best | None:
        """The configuration to use, see `studies.choice`; None where no trial has completed."""
        from studies.choice import best

        return best(self)

    def confirmations(self, trial: Trial) -> list[Trial]:
        """Runs of a trial's configuration on fresh seeds of its repeat that have ended."""
        return self._by_fresh.get((trial.arm, trial.repeat, trial.config_hash), [])

    @cached_property
    def _by_fresh(self) -> dict[tuple[str, int, str], list[Trial]]:
        found: dict[tuple[str, int, str], list[Trial]] = {}
        for run in self.ended:
            if run.phase == "confirm" and run.outcome != Outcome.interrupted:
                found.setdefault((run.arm, run.repeat, run.config_hash), []).append(run)
        return found

    def _merit(self, runs: Sequence[Trial]) -> tuple[int, float]:
        sign = 1 if self.spec.objective.goal == "maximize" else -1
        values = [run.value for run in runs if run.value is not None]
        return len(values), sign * fmean(values) if values else 0.0

    @property
    def arms(self) -> list[str]:
        """The names of the arms in the order of the file; one empty name without `compare`."""
        return [arm.name for arm in arms(self.spec)]

    @property
    def warnings(self) -> list[str]:
        """What a person should know before trusting the numbers."""
        counts = outcome_counts(self.ended)
        done = self.ranked([trial for trial in self.ended if trial.phase == "confirm"])
        untested = [
            "the runs on fresh seeds have no test metrics: the model tests nothing, or the data "
            "has no test part"
        ] * (bool(done) and not any(trial.test for trial in done))
        return untested + [
            f"{count} of {len(self.ended)} trials ended with {outcome}"
            + (f": {reason}" if reason else "")
            for outcome, count in counts.items()
            if outcome not in (Outcome.completed, Outcome.pruned, Outcome.interrupted)
            for reason in [next((t.reason for t in self.ended if t.outcome == outcome), "")]
        ]


def outcome_counts(trials: Sequence[Trial]) -> dict[str, int]:
    """How many trials ended in which way, in the order of the outcomes."""
    counts = Counter(trial.outcome for trial in trials)
    return {outcome.value: counts[outcome] for outcome in Outcome if counts[outcome]}


def names(home: Home) -> list[str]:
    """The studies of a home."""
    return _names(open_archive(home))


def open_archive(home: Home) -> ArchiveReader:
    """The home's storage, for reading; UserError where the home has none."""
    if not exists(home):
        raise UserError(f"{home.path} holds no studies yet; start one with `fairtune run`")
    return ArchiveReader.open(home)


def exists(home: Home) -> bool:
    """Whether the home has a storage; a database server is believed to."""
    path = _database(home)
    return path is None or path.exists()


def change_token(home: Home) -> str:
    """Changes when the home's storage does: it tells whether what was read is still the truth.

    A database server says nothing of the kind; its token changes every five seconds.
    """
    path = _database(home)
    if path is None:
        return str(int(time.time() / 5))
    files = (path, path.with_name(path.name + "-wal"))
    found = [file.stat() for file in files if file.exists()]
    return " ".join(f"{stat.st_mtime_ns}:{stat.st_size}" for stat in found)


def _database(home: Home) -> Path | None:
    """The SQLite file of the home; None where its storage is a server."""
    url = home.optuna_url
    return Path(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else None


def load(home: Home, study: str) -> StudyResults:
    """Everything that the home says of a study; UserError where the home has no such study."""
    return read(open_archive(home), home, study)


def read(archive: Archive | ArchiveReader, home: Home, study: str) -> StudyResults:
    """Everything that an opened storage says of a study; `home` is where its files are."""
    parts = {
        name: archive.attributes(name)
        for name in archive.names()
        if name == study or name.startswith((f"{study}/", f"{study}:"))
    }
    file = next((text for part in parts.values() if (text := part.get("study_file"))), None)
    if file is None:
        raise UserError(f"{home.path}: {unknown('study', study, _names(archive))}")
    runs = Spool(home, study).run_ids()
    with uncollected():
        trials = [
            _trial(trial, attributes, runs)
            for name, attributes in parts.items()
            for trial in archive.trials(name)
        ]
    spec = resolve(document.parse(file, f"the stored file of {study}"), recorded=True)
    spec = spec.with_sequence(_first(parts, "sequence", None))
    return StudyResults(
        home,
        spec,
        [trial for trial in trials if trial and _counts(trial, spec)],
        finished=any(part.get("finished") == file for part in parts.values()),
        versions=_noted(parts, "version:"),
        hardware=_noted(parts, "hardware:"),
        files=_first(parts, FILES, {}),
        looks=[Look(**look) for look in _first(parts, "looks", ())],
        command=_first(parts, "command", ()),
        redrawn=_first(parts, "redrawn", ()),
        fixed_parts=_first(parts, "fixed_parts", ""),
    )


def _names(archive: Archive | ArchiveReader) -> list[str]:
    found = {archive.attributes(name).get("study") for name in archive.names()}
    return sorted(name for name in found if name)  # other Optuna studies may live there too


def _counts(trial: Trial, spec: Spec) -> bool:
    """Whether a trial belongs to what the study claims: from arms to configurations, the further
    repeats stay in the storage and are no part of it."""
    return trial.repeat <= spec.repeats and (spec.repeats > 1 or trial.phase != "cross")


def _first(parts: Mapping[str, Mapping[str, Any]], key: str, default: Any) -> Any:
    """An attribute of the first part that has it."""
    return next((part[key] for part in parts.values() if key in part), default)


def _noted(parts: Mapping[str, Mapping[str, Any]], prefix: str) -> dict[str, str]:
    """What the driver noted of a run under names that begin so; the first part knows best."""
    return {
        key.removeprefix(prefix): str(value)
        for attributes in reversed(list(parts.values()))
        for key, value in sorted(attributes.items())
        if key.startswith(prefix)
    }


def _trial(
    trial: FrozenTrial, attributes: Mapping[str, Any], runs: Mapping[str, str]
) -> Trial | None:
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
        number=trial.number,
        repeat=told.get("repeat", attributes.get("repeat", 1)),
        split=told.get("split", attributes.get("split")),
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
        run_id=runs.get(told["key"], told.get("mlflow_run_id")),
        twin=told.get("twin"),
        default=bool(told.get("default")),
        params=trial.params,
        curve=trial.intermediate_values,
        started=trial.datetime_start,
        ended=trial.datetime_complete,
        device=end.device if end else "",
        traceback=(end.traceback or "") if end else "",
        data_hash=end.data_hash if end else "",
        weights_hash=end.weights_hash if end else "",
        rows=end.rows if end else {},
    )


def summary(results: StudyResults) -> dict[str, Any]:
    """The JSON object of `run` and `status`."""
    ended = results.ended
    starts = [trial.started for trial in results.trials if trial.started]
    ends = [trial.ended for trial in ended if trial.ended]
    seconds = (max(ends) - min(starts)).total_seconds() if starts and ends else 0.0
    best = results.best
    return {
        "study": results.study,
        "home": str(results.home.path),
        "finished": results.finished,
        "seconds": round(seconds, 3),
        "epochs": sum(trial.epochs for trial in ended),
        "trials": outcome_counts(ended),
        "arms": {arm: _arm_summary(results, arm) for arm in results.arms if arm},
        "best": None if best is None else _best_summary(results, best),
        "warnings": results.warnings,
    }


def _arm_summary(results: StudyResults, arm: str) -> dict[str, Any]:
    trials = [trial for trial in results.search if trial.arm == arm]
    best = next(iter(results.ranked(trials)), None)
    return {
        "trials": len(trials),
        "epochs": sum(trial.epochs for trial in trials),
        "best": best.value if best else None,
    }


def _best_summary(results: StudyResults, best: Best) -> dict[str, Any]:
    return {
        "value": best.value,
        "metric": best.metric,
        "trial": best.trial.key,
        "arm": best.trial.arm,
        "repeat": best.trial.repeat,
        "split": best.trial.split_seed,
        "configuration": dict(best.trial.configuration),
        "seed": best.trial.seed,
        "mlflow_run_id": best.trial.run_id,
        "fresh_seeds": best.seeds,
        "searches": best.repeats or 1,
    }
