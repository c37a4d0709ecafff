"""The read side: what a study found, as frozen records, for the command line and the dashboard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean
from typing import Any

from lightning_modules.data.preparation.summary import DataSummary
from lightning_modules.errors import StorageError, UserError
from studies.home import Home
from studies.records import Annotation, Outcome, RecordReader, Trial, merit
from studies.records.annotations import OF_STUDY, annotation_of
from studies.records.connection import as_foreign_content, damaged
from studies.records.deliveries import run_ids
from studies.records.garbage_collection import gc_paused
from studies.records.reader import known_studies, recorded_studies, require_study
from studies.records.types import QUEUED, REMARKS, SUPERSEDED
from studies.results.code_versions import Codes, code_versions, mixed_code
from studies.results.devices import Devices, mixed_devices
from studies.results.failures import counted
from studies.results.wording import plural
from studies.statistics import sign_of
from studies.study_file import Spec, document, resolve


@dataclass(frozen=True)
class Look:
    """A design whose verdict was given; another one after it is another look at the data."""

    repeats: int
    trials: int | None
    epochs: int | None
    seeds: int
    top: int = 1


@dataclass(frozen=True, eq=False)
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
    """The machine of the last run, as `studies.inputs.environment` tells it."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The identities of the files that trials read and ran, by name."""
    data: Sequence[DataSummary] = ()
    """What the data became, as the last run has read it."""
    looks: Sequence[Look] = ()
    """The designs at which verdicts were given, in their order."""
    remarks: Sequence[str] = ()
    """What seems wrong with the networks, by their outputs."""
    command: Sequence[str] = ()
    """The options of `fairtune run` by which the study was started: file, overrides, modules."""
    seconds: float = 0.0
    """Seconds in which any trial was being trained; the pauses between runs are none of them."""
    redrawn: Sequence[str] = ()
    """The parts that every repeat divides anew; empty where none does."""
    superseded: Sequence[Trial] = ()
    """Trials whose place others have taken: they were queued again, or the study began anew."""
    fixed_parts: str = ""
    """Why some rows stay where they are in every split; empty where all are divided anew."""
    annotation: Annotation = field(default_factory=Annotation)
    """What people have written about the study."""

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
            return self.spec.repeats * sum(arm.space.grid_size() for arm in self.spec.arms)
        each = self.spec.trials_asked
        return None if each is None else self.spec.repeats * each * len(self.arms)

    @cached_property
    def ended(self) -> list[Trial]:
        """Trials that have ended, interrupted ones among them."""
        return [trial for trial in self.trials if trial.outcome is not None]

    @cached_property
    def codes(self) -> Codes:
        """The versions of the user's own code that trials have ended with."""
        return code_versions(self.ended)

    @cached_property
    def devices(self) -> Devices:
        """The kinds of device that trials have trained on."""
        return Devices.of(self.ended)

    @cached_property
    def search(self) -> list[Trial]:
        """Trials of the searches that have ended."""
        return [trial for trial in self.ended if trial.phase == "search"]

    @cached_property
    def ranking(self) -> list[Trial]:
        """Completed trials of the search, the best first; of equals the earlier one."""
        return self.ranked(self.search)

    def ranked(self, trials: Sequence[Trial]) -> list[Trial]:
        """Those of some trials that completed, the best first."""
        done = [t for t in trials if t.outcome == Outcome.completed and t.value is not None]
        return sorted(done, key=lambda t: merit(t.value, t.best, self.spec.objective))

    def searched(self, arm: str, repeat: int) -> list[Trial]:
        """The trials of a search that have ended."""
        return self._by_search.get((arm, repeat), [])

    @cached_property
    def _ranked_by_search(self) -> dict[tuple[str, int], list[Trial]]:
        return {search: self.ranked(trials) for search, trials in self._by_search.items()}

    @cached_property
    def _by_search(self) -> dict[tuple[str, int], list[Trial]]:
        found: dict[tuple[str, int], list[Trial]] = {}
        for trial in self.search:
            found.setdefault((trial.arm, trial.repeat), []).append(trial)
        return found

    def candidates(self, arm: str, repeat: int = 1) -> list[Trial]:
        """The configurations of a search that train on fresh seeds, the best first."""
        found: dict[str, Trial] = {}
        for trial in self._ranked_by_search.get((arm, repeat), []):
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
        sign = sign_of(self.spec.objective.goal)
        values = [run.value for run in runs if run.value is not None]
        return len(values), sign * fmean(values) if values else 0.0

    @property
    def arms(self) -> list[str]:
        """The names of the arms in the order of the file; one empty name without `compare`."""
        return [arm.name for arm in self.spec.arms]

    @property
    def warnings(self) -> list[str]:
        """What a person should know before trusting the numbers."""
        counts = outcome_counts(self.ended)
        done = self.ranked([trial for trial in self.ended if trial.phase == "confirm"])
        untested = [
            "the runs on fresh seeds have no test metrics: the model tests nothing, or the data "
            "has no test part"
        ] * (bool(done) and not any(trial.test for trial in done))
        mixed = [] if self.spec.factors else [*mixed_code(self.codes), *mixed_devices(self.devices)]
        return (
            untested
            + self._put_aside()
            + mixed
            + [
                f"{count} of {len(self.ended)} trials ended with {outcome}"
                + (f": {reasons}" if reasons else "")
                for outcome, count in counts.items()
                if outcome not in (Outcome.completed, Outcome.pruned, Outcome.interrupted)
                for reasons in [counted([t.reason for t in self.ended if t.outcome == outcome])]
            ]
        )

    def _put_aside(self) -> list[str]:
        """That trials were queued again, or begun anew."""
        if not self.superseded:
            return []
        waiting = sum(trial.reason == QUEUED for trial in self.trials)
        text = f"{plural(len(self.superseded), 'earlier trial')} put aside, which the record keeps"
        return [f"{text}; {waiting} to be trained again" if waiting else text]


def outcome_counts(trials: Sequence[Trial]) -> dict[str, int]:
    """How many trials ended in which way, in the order of the outcomes."""
    counts = Counter(trial.outcome for trial in trials)
    return {outcome.value: counts[outcome] for outcome in Outcome if counts[outcome]}


def names(home: Home) -> list[str]:
    """The studies of a home; UserError where it has none."""
    return known_studies(home)


def exists(home: Home) -> bool:
    """Whether the home has any study."""
    return bool(recorded_studies(home))


def load_results(home: Home, study: str) -> StudyResults:
    """Read everything that the record of a study says.

    Args:
        home: The home that holds the study.
        study: The name of the study.

    Returns:
        The study file, all of its trials and what was noted of its runs.

    Raises:
        UserError: The home has no such study.
        StorageError: Its record cannot be read.

    Example:
        >>> len(load_results(Home.at(Path("mlruns")), "quickstart").ended)
        12
    """
    require_study(home, study)
    with RecordReader.open(home, study) as record, as_foreign_content(record.path):
        return read_results(record, home, study)


def read_results(record: RecordReader, home: Home, study: str) -> StudyResults:
    """The same of a record that is open; `home` is where the files of the study are."""
    notes = record.notes()
    if "study_file" not in notes:
        raise UserError(f"{record.path}: study {study} was not begun; run it again")
    with gc_paused():
        trials = record.trials(run_ids=run_ids(home, study))
    file = str(notes["study_file"])
    spec = resolve(document.parse(file, f"the stored file of {study}"), recorded=True)
    if spec.study != study:
        raise StorageError(
            f"{record.path}: is the record of another study, {spec.study!r}; {damaged(record.path)}"
        )
    with as_foreign_content(record.path):
        spec = spec.with_sequence(notes.get("sequence"))
        return StudyResults(
            home,
            spec,
            [trial for trial in trials if _counts(trial, spec)],
            superseded=[trial for trial in trials if trial.phase == SUPERSEDED],
            finished=notes.get("finished") == file,
            versions=_noted(notes, "version:"),
            hardware=_noted(notes, "hardware:"),
            files=notes.get("files", {}),
            data=[DataSummary.of(values) for values in notes.get("data", ())],
            looks=[Look(**look) for look in notes.get("looks", ())],
            remarks=notes.get(REMARKS, ()),
            command=notes.get("command", ()),
            seconds=record.training_seconds(),
            redrawn=notes.get("redrawn", ()),
            fixed_parts=notes.get("fixed_parts", ""),
            annotation=annotation_of(record, OF_STUDY),
        )


def _counts(trial: Trial, spec: Spec) -> bool:
    """Whether a trial belongs to what the study claims: from arms to configurations, the further
    repeats stay in the record and are no part of it."""
    if trial.phase == SUPERSEDED:
        return False
    return trial.repeat <= spec.repeats and (spec.repeats > 1 or trial.phase != "cross")


def _noted(notes: Mapping[str, Any], prefix: str) -> dict[str, str]:
    """What the driver noted of a run under names that begin so."""
    return {
        name.removeprefix(prefix): str(value)
        for name, value in sorted(notes.items())
        if name.startswith(prefix)
    }
