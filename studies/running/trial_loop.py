"""The whole flow of a study: ask, submit, record, prune, finish, confirm."""

from __future__ import annotations

import shutil
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from lightning_modules.errors import StorageError
from lightning_modules.user_code import imports
from studies import results
from studies.engines import Ended, Engine, Epoch, Event, Task
from studies.home import Home
from studies.inputs.weights import weights_file
from studies.records import STOPPED, Outcome, Record, Trial, TrialEnd
from studies.results import StudyResults
from studies.running.checkpoint_retention import CheckpointKeeper
from studies.running.continuing import design_notes
from studies.running.display import Display
from studies.search import AskedTrial
from studies.search.arm_search import TrialSource
from studies.search.failure_policy import ATTEMPTS, RETRIED, FailureRun
from studies.search.repeats import Repeats
from studies.search.trial_store import TrialStore
from studies.study_file import Spec, Splits, splits_of

__all__ = ["Display", "Runner"]

DRAIN_SECONDS = 5.0
"""What trials under way have to finish their epoch when the study is stopped."""
INTERRUPTED = TrialEnd(Outcome.interrupted, reason=STOPPED)
NextTrial = Callable[[], tuple[TrialSource, AskedTrial] | None]
TICK = 0.25
"""Seconds between two looks at the clock and at a request to stop."""


@dataclass
class RunningTrial:
    """A trial that was handed out, and how far it has come in this run."""

    source: TrialSource
    asked: AskedTrial
    since: float = 0.0
    epochs: int = 0
    """A further attempt reports the same epochs again."""

    @property
    def store(self) -> TrialStore:
        """Where it is kept."""
        return self.source.store


@dataclass
class Runner:
    """Runs one study; `stopping` is polled and ends the run with everything resumable."""

    spec: Spec
    home: Home
    record: Record
    engine: Engine
    display: Display
    stopping: Callable[[], bool] = lambda: False
    splits: Splits | None = None
    """Those of the study file unless given."""
    on_tick: Callable[[], None] = lambda: None
    """Called at every look at the clock."""
    running: dict[str, RunningTrial] = field(default_factory=dict)
    followers: dict[str, list[RunningTrial]] = field(default_factory=lambda: defaultdict(list))
    """Trials that wait for a running trial of the same configuration, by its key."""
    again: deque[RunningTrial] = field(default_factory=deque)
    """Followers that must train after all, and trials with another attempt."""
    killed: set[str] = field(default_factory=set)
    checkpoints: CheckpointKeeper = field(init=False)
    failures: FailureRun = field(default_factory=lambda: FailureRun(worked=False))
    drain_until: float | None = None
    began: float = field(default_factory=time.monotonic)
    looked: dict[int, Sequence[str]] = field(default_factory=dict)
    """The arms that go on after a look, by the number of repeats that it saw."""
    finished: bool = False
    """Whether nothing was left to do."""

    def __post_init__(self) -> None:
        self.checkpoints = CheckpointKeeper(self.spec)

    def run(self) -> None:
        """Search every arm within its budget, then confirm the winners.

        Raises FairtuneError where the trials only fail.
        """
        try:
            self.search_and_confirm()
        except KeyboardInterrupt:  # asked to stop once more, and not to wait
            self.drain_until = 0.0
            self.interrupt()
            for event in self.engine.events(0):
                self.handle(event)
            raise
        if self.failures.hopeless:
            raise self.failures.error()

    def search_and_confirm(self) -> None:
        """The searches of every repeat and the fresh runs of their winners; then those of the
        leading arm's on the other splits."""
        splits = self.splits or splits_of(self.spec)
        self.record.note(design_notes(self.spec, splits))
        repeats = Repeats.open(self.spec, self.record, splits, self.arms_of)
        self.failures.worked = repeats.worked
        self.train(repeats)
        cut = self.timed_out() and not repeats.is_done
        if not cut and not self.ending and self.spec.design.cross and splits.per_repeat:
            self.cross(repeats)
        self.finished = not self.ending and not cut

    def train(self, repeats: Repeats) -> None:
        """Everything but the runs on other splits. A single repeat shows its two phases."""
        alone, total = self.spec.repeats == 1, repeats.total
        searched = sum(len(search.store.ended) for search in repeats.searches)
        confirmed = sum(len(fresh.store.ended) for fresh in repeats.fresh)
        if alone:
            self.display.phase("search", total, searched)
        else:
            whole = None if total is None else total + repeats.total_fresh
            self.display.phase("search and confirm", whole, searched + confirmed)
        self.run_until_done(
            lambda: repeats.next_trial(searching=not self.timed_out(), fresh=not alone)
        )
        if alone and repeats.fresh and not self.ending:
            self.display.phase("confirm", repeats.total_fresh, confirmed)
            self.run_until_done(lambda: repeats.next_trial(searching=False))

    def arms_of(self, repeats: Repeats, number: int) -> Iterable[str]:
        """The arms that take part in a repeat: all of them, or where a comparison is sequential
        those of which a pair is open after the last look."""
        everyone = [arm.name for arm in self.spec.arms]
        look = max((look for look in self.spec.design.looks if look < number), default=0)
        if not look:
            return everyone
        if not repeats.has_ended(look):
            return []
        if look not in self.looked:
            from studies.analysis.arm_looks import arms_in_play  # scipy takes half a second

            self.looked[look] = arms_in_play(self.read(), look)
        return self.looked[look]

    def cross(self, repeats: Repeats) -> None:
        """Train the best winners of the leading arm on the other splits, to choose one of them."""
        from studies.analysis.recommendation import cross_plan

        crossed = repeats.plan_cross(cross_plan(self.read(), repeats.splits))
        if not crossed.open_count:
            return
        self.display.phase("cross", crossed.open_count, 0)

        def next_trial() -> tuple[TrialSource, AskedTrial] | None:
            asked = crossed.ask()
            return None if asked is None else (crossed, asked)

        self.run_until_done(next_trial)

    def read(self) -> StudyResults:
        """What the study has found so far."""
        return results.read(self.record, self.home, self.spec.study)

    @property
    def ending(self) -> bool:
        """Whether a stop was requested, or makes sense."""
        return self.stopping() or self.failures.hopeless

    def run_until_done(self, next_trial: NextTrial) -> None:
        """Train until there is nothing to ask for, or the study is stopped."""
        while True:
            if self.ending:
                self.interrupt()
            else:
                self.fill_workers(next_trial)
            if not self.running and (self.ending or self.engine.free):
                return  # nothing could be started although something was free to do it
            for event in self.engine.events(TICK):
                self.handle(event)
            self.end_overdue()
            self.on_tick()

    def fill_workers(self, next_trial: NextTrial) -> None:
        """Give every free slot the next trial."""
        while self.engine.free:
            if self.again:
                self.start(self.again.popleft())
                continue
            found = next_trial()
            if found is None:
                return
            self.start(RunningTrial(*found))

    def timed_out(self) -> bool:
        """Whether the study file's `search.timeout` has passed."""
        limit = self.spec.timeout
        return limit is not None and time.monotonic() - self.began > limit

    def start(self, running: RunningTrial) -> None:
        """Submit a trial, unless its configuration was trained or is being trained."""
        asked, store = running.asked, running.store
        trial, configuration = asked.trial, asked.configuration
        if other := store.reusable.get(trial.config_hash):
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
        self.display.started(asked)
        self.engine.submit(
            Task(
                trial.key,
                configuration,
                trial.seed,
                str(self.home.checkpoint(self.spec.study, trial.key)),
                str(self.home.continuation(self.spec.study, trial.key)),
                evaluate_test=trial.phase == "confirm",
                allowed=imports.allowed(),
                weights=weights_file(configuration, self.home),
                split=trial.split,
            )
        )

    def handle(self, event: Event) -> None:
        """An epoch is answered, an end is recorded."""
        trial = self.running.get(event.trial)
        if trial is None:
            return  # it said this before it was ended by force
        if isinstance(event, Epoch):
            self.answer(trial, event)
        elif isinstance(event, Ended):
            del self.running[event.trial]
            end = self.judge(trial, event.end)
            if end is None:
                self.again.append(trial)
                self.display.retried(trial.asked, event.end)
            else:
                self.close(trial, end)
                self.release_followers(event.trial, end)

    def judge(self, trial: RunningTrial, end: TrialEnd) -> TrialEnd | None:
        """What a trial's end is to be recorded as; None where it gets another attempt.

        Raises StorageError where its checkpoints cannot be written: nobody else's can.
        """
        if end.outcome == Outcome.error and end.reason.startswith(f"{StorageError.__name__}: "):
            raise StorageError(end.reason.partition(": ")[2])
        if end.outcome not in RETRIED:
            return end
        failed = trial.store.end_attempt(trial.asked, end)
        if failed >= ATTEMPTS:
            return replace(end, reason=f"{end.reason} ({failed} attempts)")
        if self.ending:
            return INTERRUPTED
        trial.store.begin_attempt(trial.asked)
        return None

    def answer(self, trial: RunningTrial, event: Epoch) -> None:
        """Record an epoch and let the trial go on or end it, before its next epoch."""
        asked = trial.asked
        value = event.metrics[self.spec.objective.metric]
        go_on = self.engine.interrupt if self.ending else self.engine.proceed
        may_prune = trial.source.may_prune(asked, event.epoch)
        new = trial.store.epoch(asked, event.epoch, event.metrics, value)
        if not may_prune:
            go_on(event.trial)
        if new and asked.handle is not None:
            asked.handle.report(value, event.epoch)
        if may_prune:
            (self.engine.stop if asked.should_prune(event.epoch) else go_on)(event.trial)
        trial.epochs = max(trial.epochs, event.epoch)
        self.display.epoch(asked, event.epoch, value)

    def close(self, trial: RunningTrial, end: TrialEnd) -> None:
        """Record how a trial ended."""
        asked = trial.asked
        value = end.best.get(self.spec.objective.metric)
        if end.outcome == Outcome.interrupted:
            end = replace(end, epochs=trial.epochs)
        else:
            continuation = self.home.continuation(self.spec.study, asked.key)
            shutil.rmtree(continuation, ignore_errors=True)
        finished = trial.store.finish(asked, end, value)
        trial.source.finished(finished)
        self.failures.add(end)
        for key in self.checkpoints.to_delete(trial.store, finished):
            self.delete_checkpoint(key)
        self.display.ended(asked, end, value)

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
        repeated = trial.store.repeat(trial.asked, other)
        self.close(replace(trial, asked=repeated), end)

    def release_followers(self, key: str, end: TrialEnd) -> None:
        """The trial that others waited for has ended: they take its result, or train."""
        for trial in self.followers.pop(key, []):
            other = trial.store.reusable.get(trial.asked.trial.config_hash)
            if other is not None:
                self.reuse_result(trial, other)
            elif end.outcome == Outcome.interrupted:
                self.close(trial, end)
            else:
                self.again.append(trial)

    def interrupt(self) -> None:
        """End the trials under way so that the same command continues them: each after its epoch,
        those that take too long for that by force."""
        if self.drain_until is None:
            self.drain_until = time.monotonic() + DRAIN_SECONDS
            self.display.stopping(len(self.running))
        if time.monotonic() > self.drain_until:
            for key in list(self.running):
                self.kill(key, INTERRUPTED)
        while self.again:
            trial = self.again.popleft()
            self.close(trial, INTERRUPTED)
            self.release_followers(trial.asked.key, INTERRUPTED)

    def end_overdue(self) -> None:
        """End trials that exceed the study file's `trainer.trial_timeout`."""
        limit = self.spec.trial_timeout
        if limit is None:
            return
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

    def delete_checkpoint(self, key: str) -> None:
        """Delete a checkpoint that nobody will ask for."""
        checkpoint = self.home.checkpoint(self.spec.study, key)
        checkpoint.unlink(missing_ok=True)
        checkpoint.with_suffix(".npy").unlink(missing_ok=True)
