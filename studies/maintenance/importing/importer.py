"""Makes the record of a study from an Optuna storage that fairtune wrote, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning_modules.errors import StorageError
from studies.home import Home, sqlite_file
from studies.maintenance.importing.sources import EarlierSearch, StorageReader
from studies.maintenance.importing.spool import read_ledger, read_trial
from studies.maintenance.importing.trials import (
    KnownEpochs,
    epochs_of,
    has_started,
    settled,
    trial_of,
)
from studies.mirrors.optuna.attributes import ANNOTATION, STUDY, WRITER
from studies.records import Annotation, Record, RecordReader, Search, Trial
from studies.records.annotations import NOTE, OF_STUDY, Annotations
from studies.records.deliveries import Deliveries, store_name, url_hash
from studies.records.types import EpochRow
from studies.study_file import Spec, document, resolve

if TYPE_CHECKING:
    from studies.maintenance.importing.mlflow_runs import StudyRuns

OF_SEARCHES = (STUDY, "arm", "phase", "repeat", "split", WRITER)
"""What every Optuna study says of itself; the rest is said of the study as a whole."""


@dataclass(frozen=True)
class Imported:
    """The result of an import: the study and how many trials its record got."""

    study: str
    trials: int
    sparse: int
    """Trials of whose epochs the objective alone is known."""
    skipped: bool = False
    """Whether the home has a record of it already, which stays as it is."""


def import_study(home: Home, study: str, source: StorageReader) -> Imported:
    """Make the record of a study; one that is there stays as it is.

    Raises BusyError where the study is being run, UserError where the storage has no such study
    and StorageError where something cannot be read or written.
    """
    path = home.record(study)
    if path.exists():
        RecordReader.open(home, study).close()  # one that is damaged is no reason to skip it
        return Imported(study, 0, 0, skipped=True)
    searches = source.searches(study)
    home.create(study)
    with home.lock(study):
        if path.exists():  # another process was faster
            return Imported(study, 0, 0, skipped=True)
        job = _Import(home, study, searches, _folders(home, study, source.url))
        with Record.new(path) as record:
            job.fill(record)
            job.note_deliveries()  # first, so that a record that is there has what belongs to it
    return Imported(study, len(job.trials), job.sparse)


@dataclass
class _Import:
    """The import of one study: what is known of it, and the record that is filled."""

    home: Home
    study: str
    searches: Sequence[EarlierSearch]
    folders: Sequence[Path]
    """Where earlier versions may have noted the epochs of its trials."""
    trials: dict[str, Trial] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    """How large the files of the spool are, by the trial's key."""
    found_runs: dict[str, str] = field(default_factory=dict)
    """The runs that MLflow itself has shown, by the trial's key."""
    sparse: int = 0

    def fill(self, record: Record) -> None:
        """Write notes, searches, trials and epochs."""
        record.note(self.notes)
        Annotations(record.connection, record.path).write(OF_STUDY, self._annotation("").texts)
        for earlier in self.searches:
            search = self._add_search(record, earlier)
            epochs: dict[int, Mapping[int, EpochRow]] = {}
            for number, frozen in enumerate(filter(has_started, earlier.trials)):
                if frozen.number != number:
                    raise StorageError(
                        f"trial {number} of {earlier.name} was not begun by fairtune, but later "
                        "ones were; delete that Optuna study there, or import from a copy"
                    )
                trial = trial_of(frozen, earlier, search)
                known = self._known_epochs(trial)
                if trial.duplicate_of is not None and not known.epochs:
                    known = replace(known, epochs=epochs.get(trial.duplicate_of, {}))
                epochs[number] = known.epochs
                self._add(record, trial, known, int(frozen.user_attrs.get("failed_attempts", 0)))

    def _add(self, record: Record, trial: Trial, known: KnownEpochs, failed: int) -> None:
        trial = replace(settled(trial, known), annotation=self._annotation(trial.key))
        rows, values = epochs_of(trial, known.epochs, self.spec.objective.metric)
        self.sparse += any(row.epoch not in known.epochs for row in rows)
        self.trials[trial.key] = record.add(
            trial, rows, values, failed=failed, version=known.version
        )

    @cached_property
    def notes(self) -> dict[str, Any]:
        """What is said of the study as a whole; the first search that says something counts."""
        found: dict[str, Any] = {"finished": ""}
        for earlier in reversed(self.searches):
            found |= {
                n: v
                for n, v in earlier.notes.items()
                if n not in OF_SEARCHES and not n.startswith(ANNOTATION)
            }
        file = self.study_file
        finished = any(earlier.notes.get("finished") == file for earlier in self.searches)
        found |= {"study": self.study, "study_file": file, "finished": file if finished else ""}
        spec = self.spec
        said = {"sampler": str(spec.sampler), "pruner": str(spec.pruner),
                "metric": spec.objective.metric, "goal": spec.objective.goal}  # fmt: skip
        return {**said, **found}

    def _annotation(self, key: str) -> Annotation:
        """What people have written about a trial; with an empty key about the study."""
        name = f"{ANNOTATION}{key}"
        found = [each.notes[name] for each in self.searches if name in each.notes]
        tags = {each: str(text) for texts in found for each, text in dict(texts).items()}
        return Annotation(tags.pop(NOTE, ""), tags)

    @cached_property
    def study_file(self) -> str:
        """The text of the study file, as it was stored."""
        notes = (earlier.notes for earlier in self.searches)
        return next(str(each["study_file"]) for each in notes if "study_file" in each)

    @cached_property
    def spec(self) -> Spec:
        """The study file, as it was stored."""
        source = document.parse(self.study_file, f"the stored file of {self.study}")
        return resolve(source, recorded=True)

    @cached_property
    def runs(self) -> StudyRuns:
        """What MLflow has, asked for where the spool lacks something."""
        from studies.maintenance.importing.mlflow_runs import find_runs  # MLflow takes seconds

        return find_runs(self.home, self.study)

    def note_deliveries(self) -> None:
        """Write down which MLflow runs the trials have; what a run may lack is delivered again."""
        here, written = store_name(self.home.mlflow_uri, self.home), url_hash(self.home.mlflow_uri)
        rows = {(here, key): (run, False) for key, run in self._noted_runs()}
        for each in (each for folder in self.folders for each in read_ledger(folder)):
            whole = self.sizes.get(each.trial) == each.size
            store = here if each.store == written else each.store
            rows[store, each.trial] = each.run, whole
        rows |= {(here, key): (run, True) for key, run in self.found_runs.items()}
        deliveries = Deliveries.open(self.home, self.study)
        try:
            for (store, key), (run, whole) in rows.items():
                trial = self.trials.get(key)
                if trial is not None:
                    revision = trial.revision if whole and trial.has_ended else 0
                    deliveries.note("mlflow", store, [(key, revision, run)])
        finally:
            deliveries.close()

    def _noted_runs(self) -> Iterator[tuple[str, str]]:
        """The runs that the trials themselves name."""
        for key, trial in self.trials.items():
            if trial.run_id is not None:
                yield key, trial.run_id

    def _add_search(self, record: Record, earlier: EarlierSearch) -> Search:
        return record.add_search(
            earlier.name,
            arm=earlier.notes.get("arm", ""),
            repeat=earlier.notes.get("repeat", 1),
            phase=earlier.notes.get("phase", "search"),
            split=earlier.notes.get("split"),
            goal=earlier.goal,
            sampler_state=earlier.sampler_state,
        )

    def _known_epochs(self, trial: Trial) -> KnownEpochs:
        """The epochs of a trial with all of their metrics, as far as anybody has them."""
        for folder in self.folders:
            found = read_trial(folder, trial.key)
            if found is not None and found.is_of(trial.config_hash, trial.seed):
                self.sizes[trial.key] = found.size
                version = found.tags.get("fairtune.version", "")
                return KnownEpochs(found.epochs, found.last, version)
        run = self.runs.find(trial)
        if run is None:
            return KnownEpochs()
        self.found_runs[trial.key] = run.info.run_id
        rows = {row.epoch: row for row in self.runs.epochs(trial.key)}
        return KnownEpochs(rows, version=run.data.tags.get("fairtune.version", ""))


def _folders(home: Home, study: str, url: str) -> list[Path]:
    """The folders of a study: in the home, and beside a storage that is a file."""
    path = sqlite_file(url)
    beside = [] if path is None else [path.absolute().parent / "studies" / study]
    return list(dict.fromkeys([home.study(study), *beside]))
