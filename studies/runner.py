"""The whole flow of a study: ask, submit, report, prune, tell, log, confirm."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from optuna.trial import FrozenTrial

from studies.archive import Archive, Asked, Ledger, end_of
from studies.arms import arms
from studies.confirmation import Confirmation, best_trials, plan
from studies.engines import Ended, Engine, Epoch, Event, Task
from studies.home import Home
from studies.phases import ArmSearch, Source
from studies.records import Outcome, TrialEnd, TrialRecord
from studies.spec import Spec

KEPT_CHECKPOINTS = 3
TICK = 0.25
"""Seconds between two looks at the clock and at a request to stop."""


class Display:
    """What the runner tells the screen; this one shows nothing."""

    def phase(self, name: str, total: int | None, done: int) -> None:
        """A phase begins: `search` or `confirm`, with so many trials, some of them done."""

    def started(self, asked: Asked) -> None:
        """A trial was given to a worker."""

    def epoch(self, asked: Asked, epoch: int, value: float) -> None:
        """A trial finished an epoch with this value of the objective."""

    def ended(self, asked: Asked, end: TrialEnd, value: float | None) -> None:
        """A trial was told; `value` is the objective at its best epoch."""


class Tracker(Protocol):
    """Where the runner writes what happened; its calls do not wait for the writing."""

    def start_trial(self, record: TrialRecord, *, resume: bool) -> None: ...

    def epoch(self, key: str, epoch: int, metrics: Mapping[str, float]) -> None: ...

    def finish_trial(self, key: str, end: TrialEnd) -> None: ...

    def run_id(self, key: str) -> str | None: ...


@dataclass
class Runner:
    """Runs one study; `stopping` is polled and ends the run with everything resumable."""

    spec: Spec
    home: Home
    archive: Archive
    tracker: Tracker
    engine: Engine
    display: Display
    stopping: Callable[[], bool] = lambda: False
    running: dict[str, tuple[Source, Asked, float]] = field(default_factory=dict)
    followers: dict[str, list[tuple[Source, Asked]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """Trials that wait for a running trial of the same configuration, by its key."""
    again: deque[tuple[Source, Asked]] = field(default_factory=deque)
    """Followers that must train after all."""
    killed: set[str] = field(default_factory=set)
    began: float = field(default_factory=time.monotonic)
    finished: bool = False
    """Whether nothing was left to do."""

    def run(self) -> None:
        """Search every arm within its budget, then confirm the winners."""
        searches = self.open_searches()
        done = sum(search.asked - search.queued for search in searches)
        self.display.phase("search", self.total_trials(searches), done)
        self.work_off(searches)
        if self.spec.confirm is not None and not self.stopping():
            confirmation = self.open_confirmation(searches)
            done = len(confirmation.planned) - confirmation.open_count
            self.display.phase("confirm", len(confirmation.planned), done)
            self.work_off([confirmation])
        self.finished = not self.stopping() and not self.timed_out()

    def work_off(self, sources: Sequence[Source]) -> None:
        """Train until no source has anything to ask, or a stop is requested."""
        while True:
            if self.stopping():
                self.interrupt()
            else:
                self.fill(sources)
            if not self.running and (self.stopping() or self.engine.free):
                return  # nothing could be started although something was free to do it
            for event in self.engine.events(TICK):
                self.handle(event)
            self.end_overdue()

    def fill(self, sources: Sequence[Source]) -> None:
        """Give every free slot the next trial."""
        while self.engine.free:
            source, asked = self.again.popleft() if self.again else self.next(sources)
            if source is None or asked is None:
                return
            self.start(source, asked)

    def next(self, sources: Sequence[Source]) -> tuple[Source | None, Asked | None]:
        """The next trial of the source that has used least of its budget."""
        if self.timed_out():
            return None, None
        for source in sorted(sources, key=lambda source: source.share):
            if asked := source.ask():
                return source, asked
        return None, None

    def timed_out(self) -> bool:
        """Whether the study file's `search.timeout` has passed."""
        limit = self.spec.timeout
        return limit is not None and time.monotonic() - self.began > limit

    def start(self, source: Source, asked: Asked) -> None:
        """Submit a trial, unless its configuration was trained or is being trained."""
        record = asked.record
        self.tracker.start_trial(record, resume=asked.resumed)
        if twin := source.ledger.by_hash.get(record.configuration.hash):
            self.repeat(source, asked, twin)
            return
        if source.ledger.reuse:
            for key, (other, leader, _) in self.running.items():
                same = leader.record.configuration.hash == record.configuration.hash
                if same and other is source:
                    self.followers[key].append((source, asked))
                    return
        checkpoint = self.home.checkpoint(self.spec.study, record.key)
        self.running[record.key] = (source, asked, time.monotonic())
        self.display.started(asked)
        self.engine.submit(
            Task(
                record.key,
                record.configuration,
                record.seed,
                str(checkpoint),
                evaluate_test=record.phase == "confirm",
            )
        )

    def handle(self, event: Event) -> None:
        """An epoch is answered, an end is told."""
        if event.trial not in self.running:
            return  # it said this before it was ended by force
        source, asked, _ = self.running[event.trial]
        if isinstance(event, Ended):
            del self.running[event.trial]
            self.close(source, asked, event.end)
            self.release_followers(event.trial, event.end)
        elif isinstance(event, Epoch):
            self.answer(source, asked, event)

    def answer(self, source: Source, asked: Asked, event: Epoch) -> None:
        """Report an epoch and let the trial go on or end it, before its next epoch."""
        value = event.metrics[self.spec.objective.metric]
        if not source.may_prune(asked, event.epoch):
            self.engine.proceed(event.trial)
            source.ledger.report(asked, event.epoch, value)
        else:
            source.ledger.report(asked, event.epoch, value)
            if asked.trial.should_prune():
                self.engine.stop(event.trial)
            else:
                self.engine.proceed(event.trial)
        self.tracker.epoch(event.trial, event.epoch, event.metrics)
        self.display.epoch(asked, event.epoch, value)

    def close(self, source: Source, asked: Asked, end: TrialEnd) -> None:
        """Tell the storage and the tracker how a trial ended."""
        value = end.best.get(self.spec.objective.metric)
        self.tracker.finish_trial(asked.record.key, end)
        run_id = self.tracker.run_id(asked.record.key)
        source.ledger.tell(asked, end, value, run_id)
        source.finished(asked, end.epochs if end.outcome != Outcome.interrupted else 0)
        self.keep_best(source.ledger, asked)
        self.display.ended(asked, end, value)

    def repeat(self, source: Source, asked: Asked, twin: FrozenTrial) -> None:
        """Use the result of the trial that trained the same configuration."""
        end = end_of(twin)
        assert end is not None
        reason = f"same configuration as {twin.user_attrs['key']}, whose result is used"
        for epoch, value in twin.intermediate_values.items():
            source.ledger.report(asked, epoch, value)
        asked.trial.set_user_attr("twin", twin.number)
        self.close(
            source, asked, replace(end, reason=reason, epochs=0, seconds=0.0, checkpoint=None)
        )

    def release_followers(self, key: str, end: TrialEnd) -> None:
        """The trial that others waited for has ended: they take its result, or train."""
        for source, asked in self.followers.pop(key, []):
            twin = source.ledger.by_hash.get(asked.record.configuration.hash)
            if twin is not None:
                self.repeat(source, asked, twin)
            elif end.outcome == Outcome.interrupted:
                self.close(source, asked, end)
            else:
                self.again.append((source, asked))

    def interrupt(self) -> None:
        """End every trial under way so that the same command continues it."""
        end = TrialEnd(Outcome.interrupted, reason="the study was stopped")
        for key in list(self.running):
            self.kill(key, end)
        for source, asked in self.again:
            self.close(source, asked, end)
        self.again.clear()

    def end_overdue(self) -> None:
        """End trials that exceed the study file's `trainer.trial_timeout`."""
        limit = self.spec.trial_timeout
        if limit is None:
            return
        for key, (_, _, since) in list(self.running.items()):
            seconds = time.monotonic() - since
            if seconds > limit:
                reason = f"took longer than trainer.trial_timeout ({limit:g} s)"
                self.kill(key, TrialEnd(Outcome.timeout, reason=reason, seconds=seconds))

    def kill(self, key: str, end: TrialEnd) -> None:
        """End a trial by force, once."""
        if key not in self.killed:
            self.killed.add(key)
            self.engine.kill(key, end)

    def keep_best(self, ledger: Ledger, asked: Asked) -> None:
        """Delete the checkpoints of all but the best few trials."""
        best = best_trials(ledger, KEPT_CHECKPOINTS + 1, self.spec.objective.goal)
        keys = [trial.user_attrs["key"] for trial in best]
        for key in {asked.record.key, *keys[KEPT_CHECKPOINTS:]} - set(keys[:KEPT_CHECKPOINTS]):
            checkpoint = self.home.checkpoint(self.spec.study, key)
            checkpoint.unlink(missing_ok=True)
            checkpoint.with_suffix(".npy").unlink(missing_ok=True)

    def open_searches(self) -> list[ArmSearch]:
        """The searches of all arms, continued where they exist."""
        return [ArmSearch.open(arm, self.spec, self.archive) for arm in arms(self.spec)]

    def open_confirmation(self, searches: Sequence[ArmSearch]) -> Confirmation:
        """The confirmation of the searches' winners, continued where it exists."""
        return Confirmation.open(self.spec, self.archive, plan(self.spec, searches))

    def total_trials(self, searches: Sequence[ArmSearch]) -> int | None:
        """Trials that the search will have, where the budget says so."""
        totals = [search.total for search in searches]
        return None if None in totals else sum(total or 0 for total in totals)
