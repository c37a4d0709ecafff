"""The trials under way: how one is started, and what follows from what it reports."""

from __future__ import annotations

import shutil
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from logging import getLogger

from lightning_modules.errors import StorageError
from studies.engines import Ended, Engine, Epoch, Event
from studies.home import Home
from studies.records import STOPPED, Outcome, Record, Trial, TrialEnd
from studies.records.types import REMARKS
from studies.running.checkpoint_retention import CheckpointKeeper
from studies.running.display import Display
from studies.running.running_trial import RunningTrial
from studies.search.failure_policy import FailureRun, gets_another_attempt, is_of_storage
from studies.search.pruning import may_prune, should_prune
from studies.study_file import Spec

DRAIN_SECONDS = 5.0
"""What trials under way have to finish their epoch when the study is stopped."""
MOST_LOSSES = 3
"""Machines that a trial may lose without blame: it may be what takes them away."""
LOST_OFTEN = f"its machine has gone away more than {MOST_LOSSES} times"
MOST_ENDS = 16
"""Ends that are recorded in one commit: after so many, trials that wait for an answer are heard."""
INTERRUPTED = TrialEnd(Outcome.interrupted, reason=STOPPED)


@dataclass
class RunningTrials:
    """The trials of a study that run on an engine now, and those that wait to run on it."""

    spec: Spec
    home: Home
    record: Record
    engine: Engine
    display: Display
    stopping: Callable[[], bool]
    """Whether the user has asked the study to stop."""
    running: dict[str, RunningTrial] = field(default_factory=dict)
    """By the trial's key."""
    followers: dict[str, list[RunningTrial]] = field(default_factory=lambda: defaultdict(list))
    """Trials that wait for a running trial of the same configuration, by its key."""
    again: deque[RunningTrial] = field(default_factory=deque)
    """Followers that must train after all, and trials with another attempt."""
    ended: deque[tuple[RunningTrial, Ended]] = field(default_factory=deque)
    """Trials whose end was heard of and is not recorded yet."""
    killed: set[str] = field(default_factory=set)
    obsolete: set[str] = field(default_factory=set)
    """Trials, by key, whose checkpoints can go once their ends are committed."""
    checkpoints: CheckpointKeeper = field(init=False)
    failures: FailureRun = field(default_factory=lambda: FailureRun(worked=False))
    remarks: set[str] = field(default_factory=set)
    """What trials of this run have said of the networks."""
    drain_until: float | None = None
    """When trials that were asked to stop are ended by force."""

    def __post_init__(self) -> None:
        self.checkpoints = CheckpointKeeper(self.spec)

    @property
    def ending(self) -> bool:
        """Whether the study is to stop: the user asked for it, or its trials only fail."""
        return self.stopping() or self.failures.hopeless

    def next_again(self, free: Mapping[str, int]) -> RunningTrial | None:
        """A trial that must train again and that a free worker can take; one whose kind of device
        has gone from the engine can begin on any."""
        for place, trial in enumerate(self.again):
            kind = trial.asked.kind
            if kind is None or free.get(kind, 1):
                del self.again[place]
                return trial
        return None

    def start(self, running: RunningTrial) -> None:
        """Submit a trial, unless its configuration was trained or is being trained."""
        trial, store = running.asked.trial, running.store
        if other := store.cached_results.get(trial.config_hash):
            with self.committing_ends():
                self.reuse_result(running, other)
            return
        if store.reuse:
            for key, leader in self.running.items():
                same = leader.asked.trial.config_hash == trial.config_hash
                if same and leader.source is running.source:
                    self.followers[key].append(running)
                    return
        running.since = time.monotonic()
        self.running[trial.key] = running
        self.display.started(running.asked)
        self.engine.submit(running.task(self.spec, self.home, self.engine.kinds))

    def hear(self, events: Sequence[Event]) -> None:
        """Answer the epochs that trials report, all of them recorded in one commit; ends are left
        to `record_ends`, for nobody waits for them."""
        reported: list[tuple[RunningTrial, Epoch]] = []
        for event in events:
            trial = self.running.get(event.trial)
            if trial is None:
                continue  # it said this before it was ended by force
            if isinstance(event, Ended):
                del self.running[event.trial]
                self.ended.append((trial, event))
            else:
                reported.append((trial, event))
        if reported:
            with self.record.together():
                new = [self.record_epoch(trial, event) for trial, event in reported]
            for (trial, event), is_new in zip(reported, new, strict=True):
                self.answer_epoch(trial, event, is_new)

    def record_ends(self) -> bool:
        """Act on trials that have ended, in the order in which that was heard; whether there are
        any.

        Raises StorageError where their checkpoints cannot be written: nobody else's can.
        """
        count = min(len(self.ended), MOST_ENDS)
        batch = [self.ended.popleft() for _ in range(count)]
        if batch:
            with self.committing_ends():
                for trial, event in batch:
                    if not is_of_storage(event.end):
                        self.act_on_end(trial, event)
        for _, event in batch:
            if is_of_storage(event.end):
                raise StorageError(event.end.reason.partition(": ")[2])
        return bool(batch)

    @contextmanager
    def committing_ends(self) -> Iterator[None]:
        """Commit the ends that are recorded in the block, and delete after that the checkpoints
        that nobody will ask for."""
        with self.record.together(durable=True):
            yield
        while self.obsolete:
            checkpoint = self.home.checkpoint(self.spec.study, self.obsolete.pop())
            checkpoint.unlink(missing_ok=True)
            checkpoint.with_suffix(".npy").unlink(missing_ok=True)

    def act_on_end(self, trial: RunningTrial, event: Ended) -> None:
        """Record a trial's end, unless it gets another attempt."""
        end = self.end_to_record(trial, event)
        if end is None:
            self.again.append(trial)
            self.display.retried(trial.asked, event.end)
        else:
            self.record_end(trial, end)
            self.release_followers(event.trial, end)

    def end_to_record(self, trial: RunningTrial, ended: Ended) -> TrialEnd | None:
        """What a trial's end is to be recorded as; None where it gets another attempt."""
        end = ended.end
        if ended.blameless:
            trial.losses += 1
            if trial.losses <= MOST_LOSSES:
                return INTERRUPTED if self.ending else None
            end = replace(end, outcome=Outcome.crashed, reason=f"{end.reason} ({LOST_OFTEN})")
        if end.outcome not in (Outcome.crashed, Outcome.out_of_memory):
            return end
        failed, alone = trial.store.end_attempt(trial.asked, end), trial.asked.alone
        if not gets_another_attempt(end, failed, shared=ended.shared, alone=alone):
            said = f"{failed} attempts" + (", the last one alone" if alone else "")
            return replace(end, reason=f"{end.reason} ({said})") if failed > 1 else end
        if self.ending:
            return INTERRUPTED
        if end.outcome == Outcome.out_of_memory:
            trial.asked = replace(trial.asked, alone=True)
        trial.store.begin_attempt(trial.asked)
        return None

    def record_epoch(self, trial: RunningTrial, event: Epoch) -> bool:
        """Record an epoch; whether it is new."""
        value = event.metrics.get(self.spec.objective.metric)
        return trial.store.epoch(trial.asked, event.epoch, event.metrics, value)

    def answer_epoch(self, trial: RunningTrial, event: Epoch, new: bool) -> None:
        """Let a trial go on or end it after an epoch that was recorded, before its next one."""
        asked = trial.asked
        value = event.metrics.get(self.spec.objective.metric)
        go_on = self.engine.interrupt if self.ending else self.engine.proceed
        asks = value is not None and may_prune(self.spec, asked, event.epoch)
        if not asks:
            go_on(event.trial)
        if new and value is not None and asked.handle is not None:
            asked.handle.report(value, event.epoch)
        if asks:
            (self.engine.stop if should_prune(asked, event.epoch) else go_on)(event.trial)
        trial.epochs = max(trial.epochs, event.epoch)
        if value is not None:
            self.display.epoch(asked, event.epoch, value)

    def record_end(self, trial: RunningTrial, end: TrialEnd) -> None:
        """Record how a trial ended, within `committing_ends`."""
        asked = trial.asked
        value = end.best.get(self.spec.objective.metric)
        if end.outcome == Outcome.interrupted:
            end = replace(end, epochs=trial.epochs)
        else:
            continuation = self.home.continuation(self.spec.study, asked.key)
            shutil.rmtree(continuation, ignore_errors=True)
        self.note_remark(end.remark)
        finished = trial.store.finish(asked, end, value)
        trial.source.finished(finished)
        self.failures.add(end)
        self.obsolete |= self.checkpoints.to_delete(trial.store, finished)
        self.display.ended(asked, end, value)

    def note_remark(self, remark: str) -> None:
        """Say and record what seems wrong with the networks of the study, once."""
        if not remark or remark in self.remarks:
            return
        self.remarks.add(remark)
        known = self.record.notes().get(REMARKS, [])
        if remark not in known:
            self.record.note({REMARKS: [*known, remark]})
            getLogger("fairtune").warning("study %s: %s", self.spec.study, remark)

    def reuse_result(self, trial: RunningTrial, other: Trial) -> None:
        """Use the result of the trial that trained the same configuration."""
        end = TrialEnd(
            other.outcome or Outcome.completed,
            reason=f"same configuration as {other.key}, whose result is used",
            best_epoch=other.best_epoch,
            best=other.best,
            test=other.test,
            data_hash=other.data_hash,
            weights_hash=other.weights_hash,
            device=other.device,
            rows=other.rows,
        )
        repeated = trial.store.reuse_result(trial.asked, other)
        self.record_end(replace(trial, asked=repeated), end)

    def release_followers(self, key: str, end: TrialEnd) -> None:
        """The trial that others waited for has ended: they take its result, or train."""
        for trial in self.followers.pop(key, []):
            other = trial.store.cached_results.get(trial.asked.trial.config_hash)
            if other is not None:
                self.reuse_result(trial, other)
            elif end.outcome == Outcome.interrupted:
                self.record_end(trial, end)
            else:
                self.again.append(trial)

    def interrupt(self) -> None:
        """End the trials under way so that the same command continues them: each after its epoch,
        those that take too long for that by force."""
        if self.drain_until is None:
            self.drain_until = time.monotonic() + DRAIN_SECONDS
            self.display.stopping(len(self.running))
        for key in list(self.engine.waiting):
            self.kill(key, INTERRUPTED)
        if time.monotonic() > self.drain_until:
            for key in list(self.running):
                self.kill(key, INTERRUPTED)
        self.interrupt_again()

    def leave(self) -> None:
        """Record all trials as interrupted: their engine is gone, and the study is continued."""
        while self.record_ends():
            pass
        self.again.extend(self.running.values())
        self.running.clear()
        self.interrupt_again()

    def interrupt_again(self) -> None:
        """Record those that were to train again as interrupted."""
        if self.again:
            with self.committing_ends():
                while self.again:
                    trial = self.again.popleft()
                    self.record_end(trial, INTERRUPTED)
                    self.release_followers(trial.asked.key, INTERRUPTED)

    def end_overdue(self) -> None:
        """End trials that exceed the study file's `trainer.trial_timeout`."""
        limit = self.spec.trial_timeout
        if limit is None:
            return
        for key in self.engine.waiting:
            self.running[key].since = time.monotonic()
        for key, trial in list(self.running.items()):
            seconds = time.monotonic() - trial.since
            if seconds > limit:
                reason = f"took longer than trainer.trial_timeout ({limit:g} s)"
                self.kill(key, TrialEnd(Outcome.timeout, reason=reason, seconds=seconds))

    def kill(self, key: str, end: TrialEnd) -> None:
        """End a trial by force, once."""
        if key not in self.killed:
            self.killed.add(key)
            self.engine.kill(key, end)
