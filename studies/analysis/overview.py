"""What a home holds, a row for each study: how far it has come and what it has found."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from lightning_modules.configuration import Configuration
from lightning_modules.errors import StorageError, UserError
from studies.analysis.best_configuration import Recommendation, recommended
from studies.home import Home
from studies.records import RecordReader
from studies.records.connection import as_foreign_content
from studies.records.reader import recorded_studies
from studies.results import StudyResults, outcome_counts
from studies.study_file import confirm_seeds, document, resolve

State = Literal["running", "finished", "interrupted"]


@dataclass(frozen=True)
class StudyEntry:
    """A study of a home, found without reading its trials."""

    study: str
    factors: tuple[str, ...]
    changed: datetime | None
    """When its last trial started or ended."""
    token: str
    """Changes when a trial of the study starts or ends."""

    def compares(self, factor: str) -> bool:
        """Whether the study compares alternatives of a factor, or of a part of it."""
        return any(each == factor or each.startswith(f"{factor}.") for each in self.factors)


def study_entries(home: Home) -> list[StudyEntry]:
    """The studies of a home, the last changed first; those that cannot be read are left out."""
    found = []
    for study in recorded_studies(home):
        with suppress(StorageError):
            found += _entry(home, study)
    return sorted(found, key=lambda each: (each.changed or datetime.min, each.study), reverse=True)


def _entry(home: Home, study: str) -> list[StudyEntry]:
    """A study of a home; none where it was never begun."""
    with RecordReader.open(home, study) as record, as_foreign_content(record.path):
        notes = record.notes()
        if not notes.get("study_file"):
            return []
        file = str(notes["study_file"])
        token = f"{notes['record']} {record.revision}"
        return [StudyEntry(study, _factors(file), record.changed(), token)]


def unreadable(home: Home) -> dict[str, str]:
    """The studies of a home whose records cannot be read, each with what is wrong and the way
    out."""
    found = {}
    for study in recorded_studies(home):
        try:
            _entry(home, study)
        except StorageError as error:
            found[study] = str(error)
    return found


def change_token(home: Home) -> str:
    """Changes when a record of the home does: it tells whether what was read is still the truth."""
    files = [home.record(study) for study in recorded_studies(home)]
    files += [file.with_name(f"{file.name}-wal") for file in files]
    return " ".join(filter(None, map(_look, files)))


def _look(file: Path) -> str:
    """When a file was written and its size; empty where it is not there or not for us."""
    try:
        found = file.stat()
    except OSError:
        return ""
    return f"{file.name}:{found.st_mtime_ns}:{found.st_size}"


@lru_cache(maxsize=256)
def _factors(file: str) -> tuple[str, ...]:
    """None where the file says something that this version does not understand."""
    try:
        return resolve(document.parse(file, "the stored file"), recorded=True).factors
    except UserError:
        return ()


@dataclass(frozen=True)
class StudyRow:
    """A study of a home, in the words and numbers of a table of studies."""

    study: str
    description: str
    state: State
    progress: float | None
    """The share of the budget that is spent, 0 to 1; None where the file sets no total."""
    factors: tuple[str, ...]
    arms: tuple[str, ...]
    metric: str
    goal: str
    best: float | None
    """What to expect of the configuration to use, else the best of the search."""
    best_metric: str
    """The metric of that; with repeats it may be of the test part."""
    best_arm: str
    fresh_seeds: int
    searches: int
    """Searches of each arm that are planned."""
    outcomes: Mapping[str, int]
    epochs: int
    seconds: float
    """Those in which any trial was being trained."""
    changed: datetime | None


def row(results: StudyResults) -> StudyRow:
    """The row of a study in a table of studies."""
    best, spec, ended = recommended(results), results.spec, results.ended
    times = [time for trial in results.trials for time in (trial.started, trial.ended) if time]
    return StudyRow(
        study=results.study,
        description=spec.description,
        state=state(results),
        progress=progress(results),
        factors=spec.factors,
        arms=tuple(arm for arm in results.arms if arm),
        metric=spec.objective.metric if best is None else best.metric,
        goal=spec.objective.goal,
        best=None if best is None else best.value,
        best_metric=spec.objective.metric if best is None else best.metric,
        best_arm="" if best is None else best.trial.arm,
        fresh_seeds=0 if best is None else best.seeds,
        searches=spec.repeats,
        outcomes=outcome_counts(ended),
        epochs=sum(trial.epochs for trial in ended),
        seconds=results.seconds,
        changed=max(times, default=None),
    )


def state(results: StudyResults) -> State:
    """Whether a driver runs the study now, and if not, whether it has anything left to do."""
    if results.home.driver(results.study):
        return "running"
    return "finished" if results.finished else "interrupted"


def progress(results: StudyResults) -> float | None:
    """The share of the trials of search and confirmation, or of the epochs, that are done."""
    if results.finished:
        return 1.0
    spec, searches = results.spec, len(results.arms) * results.spec.repeats
    each = spec.design.top * confirm_seeds(spec) if spec.confirm is not None else 0
    if results.planned is not None:
        ended = sum(trial.phase != "cross" for trial in results.ended)
        return min(1.0, ended / (results.planned + each * searches))
    if spec.epochs is not None and not each:
        spent = sum(trial.epochs for trial in results.search)
        return min(1.0, spent / (spec.epochs * searches))
    return None


def summary(results: StudyResults) -> dict[str, Any]:
    """The JSON object of `run` and `status`."""
    ended = results.ended
    best = recommended(results)
    return {
        "study": results.study,
        "home": str(results.home.path),
        "finished": results.finished,
        "note": results.annotation.note or None,
        "tags": dict(results.annotation.tags),
        "seconds": round(results.seconds, 3),
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


def _best_summary(results: StudyResults, best: Recommendation) -> dict[str, Any]:
    return {
        "value": best.value,
        "metric": best.metric,
        "trial": best.trial.key,
        "arm": best.trial.arm,
        "repeat": best.trial.repeat,
        "split": best.trial.split_seed,
        "configuration": Configuration.of(best.trial.configuration).shown(),
        "seed": best.trial.seed,
        "mlflow_run_id": best.trial.run_id,
        "note": best.trial.annotation.note or None,
        "tags": dict(best.trial.annotation.tags),
        "fresh_seeds": best.seeds,
        "searches": best.repeats or 1,
    }
