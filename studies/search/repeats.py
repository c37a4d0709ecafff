"""The repeats of a study in order: in each the searches of all arms, then their fresh runs.

Within a repeat the arm that has used least of its budget goes next; what the repeat cannot fill
goes to the next one, so that no worker is idle and a stop leaves whole repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from studies.records import Record
from studies.search.arm_search import ArmSearch, TrialSource
from studies.search.confirmation import Confirmation, PlannedTraining, plan
from studies.search.device_kinds import DeviceKinds
from studies.search.names import search_name
from studies.search.trial_store import AskedTrial
from studies.study_file import Spec, Splits, confirm_seeds


@dataclass
class Repeat:
    """One repeat: a search of every arm that takes part, and whether its fresh runs are planned."""

    number: int
    searches: Sequence[ArmSearch]
    planned: bool = False

    @property
    def is_done(self) -> bool:
        """Whether every search has used its budget."""
        return all(search.is_done for search in self.searches)

    @property
    def is_idle(self) -> bool:
        """Whether no trial of a search is under way."""
        return not any(search.running for search in self.searches)


@dataclass
class Repeats:
    """All repeats of a study, opened one by one, and the fresh runs of their winners."""

    spec: Spec
    record: Record
    splits: Splits
    arms_of: Callable[[Repeats, int], Iterable[str]]
    """The arms that take part in a repeat; none where there is no such repeat, or not yet."""
    opened: list[Repeat] = field(default_factory=list)
    fresh: list[Confirmation] = field(default_factory=list)
    devices: DeviceKinds = field(default_factory=DeviceKinds)

    @classmethod
    def open(
        cls,
        spec: Spec,
        record: Record,
        splits: Splits,
        arms_of: Callable[[Repeats, int], Iterable[str]],
    ) -> Repeats:
        """The repeats of a study, those that were begun before continued."""
        made = cls(spec, record, splits, arms_of)
        known = {search.name for search in record.searches()}
        begun = [
            number
            for number in range(1, spec.repeats + 1)
            if any(search_name(spec.study, arm.name, number) in known for arm in spec.arms)
        ]
        made.open_next()  # the searches come first in every list
        if spec.confirm is not None:
            made.fresh.append(Confirmation.open(spec, record))
        while len(made.opened) < max(begun, default=1) and made.open_next():
            pass
        return made

    def open_next(self) -> bool:
        """Open another repeat; whether there is one that may begin."""
        number = len(self.opened) + 1
        names = set(self.arms_of(self, number)) if number <= self.spec.repeats else set()
        if not names:
            return False
        split = self.splits.seed(number)
        searches = [
            ArmSearch.open(arm, self.spec, self.record, number, split, self.devices)
            for arm in self.spec.arms
            if arm.name in names
        ]
        self.opened.append(Repeat(number, searches))
        return True

    def has_ended(self, number: int) -> bool:
        """Whether all searches and fresh runs of the first repeats have ended."""
        first = self.opened[:number]
        for repeat in first:
            self._plan(repeat, cut=False)
        fresh = sum(each.open_count + len(each.running) for each in self.fresh)
        return len(first) == number and all(repeat.is_done for repeat in first) and not fresh

    @property
    def searches(self) -> list[ArmSearch]:
        """The searches of all repeats that were opened."""
        return [search for repeat in self.opened for search in repeat.searches]

    @property
    def worked(self) -> bool:
        """Whether any trial has ended well."""
        sources: list[TrialSource] = [*self.searches, *self.fresh]
        return any(source.store.worked for source in sources)

    def next_trial(
        self, free: Mapping[str, int], *, searching: bool, fresh: bool = True
    ) -> tuple[TrialSource, AskedTrial] | None:
        """What to train next with the free workers of every kind: with `searching` from the
        searches, with `fresh` their fresh runs."""
        for repeat in self._in_turn(searching):
            if searching:
                for search in sorted(repeat.searches, key=lambda search: search.progress):
                    if asked := search.ask(free):
                        return search, asked
            if not fresh:
                continue
            self._plan(repeat, cut=not searching)
            for confirmation in self.fresh:
                if asked := confirmation.ask(free):
                    return confirmation, asked
        return None

    def is_over(self, *, searching: bool, fresh: bool = True) -> bool:
        """Whether nothing is left to hand out, whoever is free, when nothing is trained."""
        if searching and not self.is_done:
            return False
        if fresh:
            for repeat in self.opened:
                self._plan(repeat, cut=not searching)
        return not (fresh and any(each.open_count for each in self.fresh))

    def _in_turn(self, searching: bool) -> Iterable[Repeat]:
        yield from list(self.opened)
        while searching and self.open_next():
            yield self.opened[-1]

    def _plan(self, repeat: Repeat, *, cut: bool) -> None:
        """Plan the fresh runs of a repeat whose searches have ended.

        A search that was cut short gives no winner of a repeat; where there is only one it is as
        good as it came.
        """
        ended = repeat.is_done or (cut and repeat.is_idle and not self.spec.design.by_repeats)
        if self.spec.confirm is None or repeat.planned or not ended:
            return
        repeat.planned = True
        self.fresh[0].add(plan(self.spec, repeat.searches))

    def plan_cross(self, planned: Sequence[PlannedTraining]) -> Confirmation:
        """The runs of chosen configurations on other splits, the last thing of a study."""
        crossed = Confirmation.open(self.spec, self.record, "cross")
        crossed.add(planned)
        self.fresh.append(crossed)
        return crossed

    @property
    def is_done(self) -> bool:
        """Whether every search of every repeat that there will be has used its budget."""
        following = len(self.opened) + 1
        more = following <= self.spec.repeats and bool(list(self.arms_of(self, following)))
        return not more and all(repeat.is_done for repeat in self.opened)

    @property
    def total(self) -> int | None:
        """Trials that the searches will have, where the budget says so."""
        totals = [search.total for search in self.opened[0].searches] if self.opened else []
        if None in totals:
            return None
        return self.spec.repeats * sum(total or 0 for total in totals)

    @property
    def total_fresh(self) -> int:
        """Fresh runs that all repeats will have, at most."""
        if self.spec.confirm is None:
            return 0
        each = self.spec.design.top * confirm_seeds(self.spec)
        return self.spec.repeats * len(self.spec.arms) * each
