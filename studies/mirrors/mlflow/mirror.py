"""Brings MLflow up to the record: the study's run, a run below it per trial, and the results."""

from __future__ import annotations

from contextlib import AbstractContextManager

from studies.home import Home
from studies.mirrors.backlog import ATTEMPTED, Backlog, Until, is_live
from studies.mirrors.mlflow.client import is_database, usable
from studies.mirrors.mlflow.study import Known, MlflowStudy, run_or_deleted
from studies.mirrors.mlflow.trial import TrialRun, find, former_key, is_of_trial, tags_of
from studies.records import RecordReader, Trial
from studies.records.types import SUPERSEDED

STUDY = ""
"""The study's own run, among the keys of trials that were delivered."""


class MlflowMirror:
    """MLflow, as far as it is about one study of a home."""

    name = "mlflow"
    store = "MLflow"

    def __init__(self, home: Home, study: str, *, rebuild: bool = False) -> None:
        self.home = home
        self.url = home.mlflow_uri
        self.study = study
        self.rebuild = rebuild
        """Whether what another home has made, of which this is a copy, is taken over."""
        self._opened: MlflowStudy | None = None
        self._runs: dict[int, TrialRun] = {}
        """Of trials that have not ended, by the trial's row."""
        self._remotes: dict[str, str] = {}
        """The runs of the trials that were delivered."""
        self._looks = False
        """Whether runs are looked for although nobody has noted an attempt to make them."""
        self._sampler = ""

    def usable(self) -> AbstractContextManager[None]:
        """Say what is wrong with the store."""
        return usable(self.url)

    def forget(self) -> None:
        """Something failed: look again before the next writing."""
        self._opened = None
        self._runs.clear()

    def prefetch(self) -> None:
        """Load what writing needs, which takes seconds, and make the template of databases."""
        import studies.reporting.html  # noqa: F401
        from studies.mirrors.mlflow import (
            logged_model,
            study_artifacts,  # noqa: F401
        )

        if is_database(self.url):
            from studies.mirrors.mlflow import database as mlflow_database

            with mlflow_database.template():
                pass
        logged_model.prefetch()

    def bring_up(self, record: RecordReader, backlog: Backlog, until: Until) -> bool:
        """Write what is missing; whether nothing is left to do."""
        backlog.update(record, until)
        study = self._opened or self._open(record, backlog)
        backlog.update(record, until)  # all of it, where everything is to be delivered again
        if not until and backlog.pending:
            study.run()
        due = [trial for trial in backlog.pending.values() if self._is_due(trial)]
        known = set(backlog.delivered)
        backlog.attempt([trial.key for trial in due])
        for trial in sorted(due, key=lambda trial: (backlog.failures[trial.id], trial.id)):
            try:
                self._trial(study, record, trial, backlog, new=trial.key not in known)
            except BaseException:
                backlog.failures[trial.id] += 1
                raise
        backlog.flush()
        if not until or backlog.pending:
            return False
        if until == "leave" and study.is_running:
            study.end("KILLED")
        self._results(study, backlog)
        backlog.deliveries.note(self.name, backlog.store, [(STUDY, 0, study.run_id)])
        return True

    def _is_due(self, trial: Trial) -> bool:
        """A trial that ends soon is written in one go."""
        return trial.outcome is not None or trial.id in self._runs or is_live(trial)

    def _open(self, record: RecordReader, backlog: Backlog) -> MlflowStudy:
        starts = [trial.started for trial in backlog.pending.values() if trial.started]
        started = int(min(starts).timestamp() * 1000) if starts else None
        notes = record.notes()
        self._remotes = backlog.deliveries.remotes(self.name, backlog.store)
        known = Known(
            self._remotes.get(STUDY, ""),
            set(self._remotes.values()),
            lambda: {(each.key, each.config_hash, str(each.seed)) for each in record.trials()},
        )
        with backlog.progress.computing():
            study = MlflowStudy(self.home, self.study, notes, started, known, rebuild=self.rebuild)
        self._sampler = str(notes.get("sampler", "")).partition(" ")[0]
        if known.run != study.run_id:
            self._moves(study, backlog, known.run)
        self._looks = backlog.delivered[STUDY] == ATTEMPTED
        self._opened = study
        return study

    def _moves(self, study: MlflowStudy, backlog: Backlog, earlier: str) -> None:
        """The study has another run than last time: of what was delivered it has what can be put
        below it."""
        there = study.take_over(earlier) if earlier else set()
        self._remotes = {key: run for key, run in self._remotes.items() if run in there}
        kept = {key: backlog.delivered[key] for key in self._remotes}
        backlog.forget()
        noted = ATTEMPTED if there or not study.is_new else 0
        rows = [(key, revision, self._remotes[key]) for key, revision in kept.items()]
        rows.append((STUDY, noted, study.run_id))
        backlog.deliveries.note(self.name, backlog.store, rows)
        backlog.delivered |= {**kept, STUDY: noted}

    def _trial(
        self, study: MlflowStudy, record: RecordReader, trial: Trial, backlog: Backlog, *, new: bool
    ) -> None:
        epochs = record.epochs(trial.id)
        run = self._runs.get(trial.id) or self._run(study, trial, new=new and not self._looks)
        if trial.outcome is None:
            self._runs[trial.id] = run
        written = run.deliver(trial, epochs)
        files = self.home.logged(self.study, trial.key)
        if trial.outcome is not None and files.is_dir():
            with backlog.progress.moving():
                run.deliver_files(files)
        if written:
            backlog.progress.works()
        if trial.outcome is not None:
            self._runs.pop(trial.id, None)
            self._remotes[trial.key] = run.run_id
            backlog.mark_delivered(trial, run.run_id, written=written)

    def _run(self, study: MlflowStudy, trial: Trial, *, new: bool) -> TrialRun:
        """The run of a trial, made where it is missing; nobody looks for one that is `new`."""
        parent = {"mlflow.parentRunId": study.run_id}
        tags = {**study.shared, **tags_of(trial, self._sampler), **parent}
        aside = trial.phase == SUPERSEDED
        if not new or aside or trial.queued:
            known = self._remotes.get(trial.key)
            if aside and not known:
                known = self._remotes.get(former_key(trial.key))
            found = run_or_deleted(study.client, known or None, study.experiment_id)
            if found is None or not is_of_trial(found, tags):
                found = find(study.client, study.experiment_id, tags)
            if found is not None:
                if found.info.lifecycle_stage != "active":
                    study.client.restore_run(found.info.run_id)
                run = TrialRun.of(study.client, found)
                run.follow(trial.key, tags)
                return run
        return TrialRun.make(study.client, study.experiment_id, trial, tags)

    def _results(self, study: MlflowStudy, backlog: Backlog) -> None:
        with backlog.progress.computing():
            from studies import results
            from studies.mirrors.mlflow import study_artifacts

            found = results.load_results(self.home, self.study)
        study_artifacts.write(study, self.home, found, backlog.progress)
