"""Tracks a study while it runs: every record goes to the spool first, and from there to MLflow.

The driver's calls write to the spool and return. A thread brings MLflow up to it: a short trial in
one batch at its end, a longer one about once a second, so that the MLflow UI is live. While MLflow
cannot be reached the study goes on; what is left at its end is delivered by `fairtune sync`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from logging import getLogger

from lightning_modules.errors import StorageError
from studies import logged_model
from studies.comparison import Finding
from studies.delivery import Checkpoints, Delivery, now, shared_tags
from studies.garbage import lasting
from studies.home import Home, disk_is_full, slug
from studies.mlflow_client import is_file, usable
from studies.records import STOPPED, Outcome, TrialEnd, TrialRecord
from studies.spec import Spec
from studies.spool import Spool
from studies.trial_run import params_of, tags_of
from studies.uploader import Uploader

FLUSH_SECONDS = 1.0
OPEN_SECONDS = 1.0
"""How long the start of a run waits for a server."""
RUN_ID_SECONDS = 0.5
"""How long a trial's end waits for the id of its run; not again before MLflow has answered."""
FINISH_SECONDS = 3.0
"""How long the end of a run goes on trying where MLflow fails."""
STUDY = ""
"""The study's own run, among the names of trials."""


class MlflowTracker:
    """Tracks one study while it runs; made by `open`, ended by `close`."""

    def __init__(self, home: Home, spec: Spec) -> None:
        self.uri = home.mlflow_uri
        self.study = spec.study
        self.spool = Spool(home, spec.study)
        self.shared = shared_tags(spec.study)
        self.delivery = Delivery(home, spec, self.spool, self.shared)
        self._uploader = Uploader(self._deliver, self._offline)
        self._study_job: Callable[[], None] = lambda: None
        self._new: set[str] = set()
        """Trials whose run nobody has tried to make."""
        self._ids: dict[str, Future[str]] = {}
        self._patience = RUN_ID_SECONDS
        self._tried = threading.Event()
        self._warned = False
        self._left: list[str] = []

    @classmethod
    def open(cls, home: Home, spec: Spec) -> MlflowTracker:
        """A tracker; it first delivers what an earlier run of the study has left.

        Raises StorageError where the MLflow database of the home cannot be used; a server may be
        away.
        """
        tracker = cls(home, spec)
        tracker.spool.close_abandoned()
        if is_file(home.mlflow_uri):
            with usable(home.mlflow_uri):
                tracker.delivery.open()
        for name in (STUDY, *tracker.spool.waiting()):
            tracker._uploader.add(name)
        tracker._uploader.start()
        tracker._tried.wait(OPEN_SECONDS)
        return tracker

    def start_trial(self, record: TrialRecord, *, resume: bool) -> None:
        """A trial starts now; with `resume` it continues the run of an interrupted attempt."""
        name = slug(record.key)
        if name in self.spool.under_way():
            return  # it waited for a trial of the same configuration and trains after all
        self._ids.setdefault(record.key, Future())
        tags = {**self.shared, **tags_of(record)}
        params = params_of(record)
        first = self.spool.start(record.key, resumed=resume, tags=tags, params=params, now=now())
        if first and not resume:
            self._new.add(name)
        self._uploader.add(name)

    def epoch(self, key: str, epoch: int, metrics: Mapping[str, float]) -> None:
        """A trial finished an epoch now."""
        self.spool.epoch(key, epoch, metrics, now())
        self._uploader.add(slug(key), FLUSH_SECONDS)

    def finish_trial(self, key: str, end: TrialEnd) -> None:
        """A trial ended now."""
        self.spool.end(key, end, now())
        self._uploader.add(slug(key))

    def run_id(self, key: str) -> str | None:
        """The run of a trial that was started; None where MLflow does not say it in time."""
        if key not in self._ids:
            return None
        try:
            return self._ids[key].result(0 if self._uploader.failure else self._patience)
        except TimeoutError:
            self._patience = 0.0
            return None

    def settle(self) -> list[str]:
        """Deliver everything now; the names of the trials that MLflow does not take."""
        self._left = self._uploader.settle(0.0 if self._left else FINISH_SECONDS)
        return [name for name in self._left if name != STUDY]

    def prefetch(self) -> None:
        """Load what `finish` needs, which takes two seconds, at a time when the driver is idle."""
        with lasting():
            import studies.report_page  # noqa: F401

            logged_model.prefetch()

    def finish(self, found: Finding, best_checkpoints: Checkpoints) -> None:
        """Write the study's results to its run; the first checkpoint becomes a logged model.

        Raises StorageError where the disk of the home is full.
        """
        self._study_job = lambda: self.delivery.finish(found, best_checkpoints)
        self._uploader.add(STUDY)
        self.settle()
        failure = self._uploader.failure
        if failure is not None and disk_is_full(failure):
            raise failure

    def close(self, status: str) -> None:
        """End the runs that are still open, deliver, say what is left, and end the thread."""
        end = TrialEnd(Outcome.interrupted, reason=STOPPED)
        with contextlib.suppress(StorageError):  # it was said, and the next run makes up for it
            for name in self.spool.under_way():
                self.spool.end(name, end, now())
                self._uploader.add(name)
        if self.delivery.running:
            self._study_job = lambda: self.delivery.end(status)
            self._uploader.add(STUDY)
        trials = self.settle()
        if self._left:
            count = f"{len(trials)} trials" if trials else "the results"
            text = "%s of study %s wait for MLflow; `fairtune sync %s` delivers them"
            getLogger("fairtune").warning(text, count, self.study, self.study)
        self._uploader.stop(0.0 if self._left else FINISH_SECONDS)

    def _deliver(self, name: str) -> None:
        """On the thread: bring a run up to what is known."""
        try:
            with usable(self.uri):
                self.delivery.open()
                self._tried.set()
                if name == STUDY:
                    self._study_job()
                    return
                new = name in self._new
                self._new.discard(name)
                key, run_id = self.delivery.trial(name, new=new)
                if new and self.delivery.is_under_way(name):
                    self._uploader.add(name, FLUSH_SECONDS)
        except BaseException:
            self.delivery.forget()
            raise
        self._patience = RUN_ID_SECONDS
        waiting = self._ids.get(key)
        if waiting is not None and not waiting.done():
            waiting.set_result(run_id)

    def _offline(self, error: Exception) -> None:
        """On the thread: MLflow stopped taking records."""
        self._tried.set()
        if not self._warned:
            self._warned = True
            getLogger("fairtune").warning(
                "%s. The study goes on; its records wait in %s", error, self.spool.folder
            )
