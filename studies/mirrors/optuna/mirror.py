"""Brings Optuna's storage up to the record: one study there for every search."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from optuna.storages import RDBStorage

from lightning_modules.errors import StorageError
from studies.home import Home
from studies.home.deleted import deleted_studies
from studies.home.home import RECORD
from studies.mirrors.backlog import Backlog, Until, is_live
from studies.mirrors.left import sync_command
from studies.mirrors.optuna import database as optuna_database
from studies.mirrors.optuna import trial as optuna_trial
from studies.mirrors.optuna.attributes import ANNOTATION, STUDY
from studies.mirrors.optuna.owner import Claim, remove_earlier, remove_former, remove_record
from studies.mirrors.optuna.study import OptunaStudy
from studies.records import RecordReader, Search, Trial
from studies.records.reader import IDENTITY

ATTEMPTS = 3
"""How often a study is made anew to which another program adds trials meanwhile."""


class OptunaMirror:
    """Optuna's storage of a home, as far as it is about one study."""

    name = "optuna"
    store = "Optuna's storage"

    def __init__(self, home: Home, study: str, *, rebuild: bool = False) -> None:
        self.home = home
        self.url = home.optuna_url
        self.study = study
        self.rebuild = rebuild
        """Whether studies that are there are to be made again."""
        self._made: set[int] = set()
        """The searches whose studies were found or made here."""
        self._removed = False
        """Whether what an earlier record has left was looked for."""
        self._former_removed = False
        """Whether studies of searches were deleted that the record has no more."""
        self._storage: RDBStorage | None = None
        self._studies: dict[int, OptunaStudy] = {}
        self._noted = -1
        """The revision of the record whose notes are there."""

    def usable(self) -> AbstractContextManager[None]:
        """Say what is wrong with the storage."""
        return optuna_database.usable(self.url)

    def forget(self) -> None:
        """Something failed: look again before the next writing."""
        if self._storage is not None:
            optuna_database.close(self._storage)
        self._storage, self._noted = None, -1
        self._studies.clear()

    def prefetch(self) -> None:
        """Nothing else is needed at the end."""

    def bring_up(self, record: RecordReader, backlog: Backlog, until: Until) -> bool:
        """Write what is missing; whether nothing is left to do."""
        revision = record.revision
        backlog.update(record, until)
        if self._storage is None:
            with backlog.progress.computing():
                self._storage = optuna_database.open_storage(self.url)
        searches = record.searches()
        if self.rebuild and not self._removed:
            remove_earlier(self._storage, self._claim(record))
            self._removed = True
        if not self._former_removed:
            remove_former(self._storage, self._claim(record), record)
            for folder in deleted_studies(self.home, self.study):  # whose names are free now
                with RecordReader.at(folder / RECORD) as deleted:
                    remove_record(self._storage, self.home, self.study, deleted)
            self._former_removed = True
        for search in sorted(searches, key=lambda search: backlog.failures[search.id]):
            try:
                self._bring_up(record, search, backlog, until, first=search == searches[0])
            except BaseException as error:
                backlog.failures[search.id] += 1
                if isinstance(error, KeyError):
                    text = f"the Optuna study {search.name}, or a trial of it, was deleted just now"
                    raise StorageError(text) from error
                raise
        self._noted = revision
        backlog.flush()
        return bool(until) and not backlog.pending  # more may come while the study runs

    def _bring_up(
        self, record: RecordReader, search: Search, backlog: Backlog, until: Until, *, first: bool
    ) -> None:
        for _ in range(ATTEMPTS):
            held = self._studies.get(search.id)
            if held is None:
                held = self._open(record, search, backlog, first=first)
            if self._noted != backlog.seen:
                stamp = self._claim(record).stamp
                wanted = stamp | _attributes(record, search, first)
                gone = [n for n in held.noted if n.startswith(ANNOTATION) and n not in wanted]
                if held.note({name: {} for name in gone} | wanted):
                    backlog.progress()
            waiting = [trial for trial in backlog.pending.values() if trial.search == search.id]
            added = [
                self._trial(record, held, trial, backlog)
                for trial in sorted(waiting, key=lambda trial: trial.number)
                if not held.shifted
            ]
            if not held.shifted and not ((until or any(added)) and held.has_more):
                return
            del self._studies[search.id]  # somebody added trials: it is looked at once more
        raise StorageError(
            f"another program adds trials to the Optuna study {search.name}, which is a copy of "
            f"the record; end it and run `{sync_command(self.home, self.study)}`"
        )

    def _open(
        self, record: RecordReader, search: Search, backlog: Backlog, *, first: bool
    ) -> OptunaStudy:
        assert self._storage is not None
        trials, wanted = record.trials(search.id), _attributes(record, search, first)
        anew = self.rebuild and search.id not in self._made
        backlog.progress.is_incomplete()  # a study there may be made again
        with backlog.progress.computing():
            found = OptunaStudy.find(
                self._storage, search, self._claim(record), wanted, trials, anew=anew
            )
        self._studies[search.id] = found
        self._made.add(search.id)
        for trial in trials:  # what was noted as delivered may have been lost there
            noted = backlog.delivered.get(trial.key) == trial.revision
            if trial.number >= found.count:
                backlog.pending.setdefault(trial.id, trial)
            elif trial.number not in found.open and not noted:
                backlog.mark_delivered(trial, str(trial.number), written=False)
            elif trial.number in found.open and noted:
                found.update(trial)
        return found

    def _claim(self, record: RecordReader) -> Claim:
        return Claim.of(self.home, self.study, record.notes(), rebuild=self.rebuild)

    def _trial(
        self, record: RecordReader, held: OptunaStudy, trial: Trial, backlog: Backlog
    ) -> bool:
        """Write what is missing of a trial; whether something was."""
        runs = trial.outcome is None
        if runs and (trial.number in held.open or is_live(trial)):
            trial = optuna_trial.with_curve(trial, _curve(record, trial))
        elif runs:
            return False  # it is added in one call at its end, most probably
        if trial.number > held.count:
            return False  # one before it is missing
        changed = trial.number == held.count
        if changed:
            held.add(trial)
        elif trial.number in held.open:
            changed = held.update(trial)
        if changed:
            backlog.progress.works()
        if not runs:
            backlog.mark_delivered(trial, str(trial.number), written=changed)
        return changed


def _attributes(record: RecordReader, search: Search, first: bool) -> dict[str, Any]:
    """What the attributes of a study say; the first one says what is noted of all."""
    notes = record.notes()
    found = {**notes} if first else {IDENTITY: notes[IDENTITY], STUDY: notes.get("study", "")}
    if first and (said := record.annotations()):
        keys = {trial.id: trial.key for trial in record.trials()}
        found |= {f"{ANNOTATION}{keys.get(row, '')}": each.texts for row, each in said.items()}
    found |= {"arm": search.arm, "phase": search.phase}
    if search.repeat > 1 and search.phase == "search":
        found |= {"repeat": search.repeat, "split": search.split}
    return found


def _curve(record: RecordReader, trial: Trial) -> dict[int, float]:
    """The objective after every epoch so far."""
    metric = record.notes()["metric"]
    return {row.epoch: row.metrics[metric] for row in record.epochs(trial.id)}
