"""The whole flow of a study: ask, submit, record, prune, finish, confirm."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lightning_modules.errors import WorkersError
from studies import results
from studies.engines import Engine
from studies.home import Home
from studies.records import Record
from studies.results import StudyResults
from studies.running.continuing import design_notes
from studies.running.display import Display
from studies.running.running_trial import RunningTrial
from studies.running.running_trials import RunningTrials
from studies.search import AskedTrial
from studies.search.arm_search import TrialSource
from studies.search.repeats import Repeats
from studies.study_file import Spec, Splits, splits_of

__all__ = ["Display", "Runner"]

NextTrial = Callable[[Mapping[str, int]], tuple[TrialSource, AskedTrial] | None]
"""Hands out a trial for one of the free workers, which are counted by their kind, and the search
that it belongs to; None where there is none at present."""
TICK = 0.25
"""Seconds between two looks at the clock and at a request to stop."""


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
    """The splits of the repeats; those of the study file unless given."""
    on_tick: Callable[[], None] = lambda: None
    """Called at every look at the clock."""
    trials: RunningTrials = field(init=False)
    began: float = field(default_factory=time.monotonic)
    looked: dict[int, Sequence[str]] = field(default_factory=dict)
    """The arms that go on after a look, by the number of repeats that it saw."""
    finished: bool = False
    """Whether nothing was left to do."""
    next_look: float = 0.0
    """When the clock is looked at again."""

    def __post_init__(self) -> None:
        self.trials = RunningTrials(
            self.spec, self.home, self.record, self.engine, self.display, self.stopping
        )

    def run(self) -> None:
        """Search every arm within its budget, then confirm the winners.

        Raises FairtuneError where the trials only fail.
        """
        try:
            self.search_and_confirm()
        except WorkersError:  # whatever trained is gone
            self.trials.leave()
            raise
        except KeyboardInterrupt:  # asked to stop once more, and not to wait
            self.trials.drain_until = 0.0
            self.trials.interrupt()
            self.trials.hear(self.engine.events(0))
            while self.trials.record_ends():
                pass
            raise
        if self.trials.failures.hopeless:
            raise self.trials.failures.error()

    def search_and_confirm(self) -> None:
        """The searches of every repeat and the fresh runs of their winners; then those of the
        leading arm's on the other splits."""
        splits = self.splits or splits_of(self.spec)
        self.record.note(design_notes(self.spec, splits))
        repeats = Repeats.open(self.spec, self.record, splits, self.arms_of)
        self.trials.failures.worked = repeats.worked
        self.train(repeats)
        cut = self.timed_out() and not repeats.is_done
        if not cut and not self.trials.ending and self.spec.design.cross and splits.per_repeat:
            self.cross(repeats)
        self.finished = not self.trials.ending and not cut

    def train(self, repeats: Repeats) -> None:
        """Everything but the runs on other splits. A single repeat shows its two phases."""
        alone, total = self.spec.repeats == 1, repeats.total
        earlier = [trial for search in repeats.searches for trial in search.store.ended]
        searched = len(earlier)
        earlier += [trial for fresh in repeats.fresh for trial in fresh.store.ended]
        confirmed = len(earlier) - searched
        self.display.resumed(earlier)
        if alone:
            self.display.phase("search", total, searched)
        else:
            whole = None if total is None else total + repeats.total_fresh
            self.display.phase("search and confirm", whole, searched + confirmed)
        self.run_until_done(
            lambda free: repeats.next_trial(free, searching=not self.timed_out(), fresh=not alone),
            lambda: repeats.is_over(searching=not self.timed_out(), fresh=not alone),
        )
        if alone and repeats.fresh and not self.trials.ending:
            self.display.phase("confirm", repeats.total_fresh, confirmed)
            self.run_until_done(
                lambda free: repeats.next_trial(free, searching=False),
                lambda: repeats.is_over(searching=False),
            )

    def run_until_done(self, next_trial: NextTrial, is_over: Callable[[], bool]) -> None:
        """Train until there is no next trial, or the study is stopped. `is_over` says whether
        there is none whatever worker were free: a cluster may have lost them all.

        Trials that wait for an answer are heard between any two other things: to find the next
        trial of a long search takes as long as to answer many epochs.
        """
        trials = self.trials
        while True:
            ending = trials.ending
            if ending:
                trials.interrupt()
            # an end comes first: the next trial may be the same configuration, or learn from it
            busy = trials.record_ends() or (not ending and self.start_next(next_trial))
            idle = not (busy or trials.running)
            if idle and (ending or all(self.engine.kinds.values())):
                return  # nothing could be started although workers of every kind were free for it
            if idle and not trials.again and is_over():
                return
            trials.hear(self.engine.events(0.0 if busy else TICK))
            self.look_at_clock()

    def look_at_clock(self) -> None:
        """See after what depends on the time, not after every epoch but once in TICK seconds."""
        now = time.monotonic()
        if now >= self.next_look:
            self.next_look = now + TICK
            self.trials.end_overdue()
            self.on_tick()

    def start_next(self, next_trial: NextTrial) -> bool:
        """Give a free worker a trial: one that must train again, or the next one; whether there
        was a worker and a trial for it."""
        free = self.engine.kinds
        if not any(free.values()):
            return False
        if trial := self.trials.next_again(free):
            self.trials.start(trial)
        elif source_and_trial := next_trial(free):
            self.trials.start(RunningTrial(*source_and_trial))
        else:
            return False
        return True

    def cross(self, repeats: Repeats) -> None:
        """Train the best winners of the leading arm on the other splits, to choose one of them."""
        from studies.analysis.best_configuration import cross_plan

        crossed = repeats.plan_cross(cross_plan(self.read(), repeats.splits))
        if not crossed.open_count:
            return
        self.display.phase("cross", crossed.open_count, 0)

        def next_trial(free: Mapping[str, int]) -> tuple[TrialSource, AskedTrial] | None:
            asked = crossed.ask(free)
            return None if asked is None else (crossed, asked)

        self.run_until_done(next_trial, lambda: not crossed.open_count)

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

    def read(self) -> StudyResults:
        """What the study has found so far."""
        return results.read_results(self.record, self.home, self.spec.study)

    def timed_out(self) -> bool:
        """Whether the study file's `search.timeout` has passed."""
        limit = self.spec.timeout
        return limit is not None and time.monotonic() - self.began > limit
