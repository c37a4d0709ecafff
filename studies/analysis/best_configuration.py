"""The configuration of a study to use, and the runs on other splits that choose it.

A winner of one repeat was chosen on one split. So the best winners of the leading arm are trained
on the other splits too, and validation on all of them decides. These runs never read a test part:
the rows that test one split have trained and chosen on another.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from lightning_modules.configuration import Configuration, Objective
from studies.records import Outcome, Trial, merit
from studies.results import RepeatResult, StudyResults, compared_part, on_log_scale
from studies.results.repeat_results import repeat_results
from studies.search.confirmation import PlannedTraining
from studies.statistics import sign_of
from studies.study_file import Splits

if TYPE_CHECKING:
    from studies.analysis.comparison import ArmResult

CANDIDATES = 3
"""Winners of the leading arm that train on the other splits."""
SHARE = 0.1
"""The share of a study's trainings that this may take."""

RepeatsByArm = Mapping[str, Mapping[int, RepeatResult]]


@dataclass(frozen=True)
class Recommendation:
    """The configuration of a study to use, by the trial of the search that found it."""

    trial: Trial
    value: float
    """What to expect of it: the mean over its fresh runs, or the trial's own value where there are
    none; with repeats the mean over the winners of its arm."""
    metric: str
    runs: Sequence[Trial] = ()
    """Its fresh runs that completed, on all splits, the best first."""
    repeats: int = 0
    """Searches of its arm that `value` is the mean of; 0 where there was one."""

    @property
    def seeds(self) -> int:
        """How many fresh runs it has."""
        return len(self.runs)


@dataclass(frozen=True)
class Candidate:
    """A configuration that won a search of the leading arm, perhaps several."""

    trial: Trial
    """Its trial in the first search that it won."""
    won: tuple[int, ...]
    """The repeats that it won."""
    runs: Sequence[Trial]
    """Its fresh runs that completed, on every split."""


_RECOMMENDED: WeakKeyDictionary[StudyResults, Recommendation | None] = WeakKeyDictionary()
"""What `recommended` has returned for these results: it takes a comparison."""


def recommended(results: StudyResults) -> Recommendation | None:
    """The configuration to use, None where no trial has completed; found once for each results."""
    if results not in _RECOMMENDED:
        _RECOMMENDED[results] = _recommended(results)
    return _RECOMMENDED[results]


def _recommended(results: StudyResults) -> Recommendation | None:
    """The configuration to use: of repeats the winner of the leading arm that is best by
    validation on all splits that it has met; else the one with the best mean on most fresh seeds,
    or the best trial of the search where nothing was confirmed. None where no trial completed."""
    if results.spec.repeats > 1 and (chosen := _of_repeats(results)):
        return chosen
    metric = results.spec.objective.metric
    if not results.ranking:
        return None
    winners = [(trial, runs) for arm in results.arms for trial, runs in [results.winner(arm)]]
    known = [(trial, results.ranked(runs)) for trial, runs in winners if trial is not None]
    none: tuple[Trial, list[Trial]] = (results.ranking[0], [])
    trial, runs = max(known, key=lambda winner: _most_then_best(winner[1], results), default=none)
    if not runs:
        trial = results.ranking[0]
        return Recommendation(trial, float(trial.value or 0.0), metric)
    return Recommendation(trial, fmean(run.value or 0.0 for run in runs), metric, runs)


def _most_then_best(runs: Sequence[Trial], results: StudyResults) -> tuple[int, float]:
    sign = sign_of(results.spec.objective.goal)
    return len(runs), sign * fmean(run.value or 0.0 for run in runs) if runs else 0.0


@dataclass(frozen=True)
class Yardstick:
    """Measures validation values of different splits against each other."""

    metric: str
    objective: Objective
    logarithms: bool
    """Whether errors are compared as logarithms."""
    levels: Mapping[int, float]
    """The mean of the winners in every repeat, over the arms that have one in all of them; empty
    where there are not two, since one alone cannot tell an easy split from a good configuration."""

    @classmethod
    def of(cls, results: StudyResults, repeats: RepeatsByArm) -> Yardstick:
        """That of a study's winners on their own splits."""
        metric, wanted = results.spec.objective.metric, results.spec.design.scale
        begun = {repeat for each in repeats.values() for repeat in each}
        whole = [  # an arm that is not in every repeat would make its repeats look hard or easy
            arm
            for arm, each in repeats.items()
            if begun == {n for n, row in each.items() if row.validation(metric) is not None}
        ]
        rows = [row for arm in whole or repeats for row in repeats[arm].values()]
        values = [(row.repeat, row.validation(metric)) for row in rows]
        known = [(repeat, value) for repeat, value in values if value is not None]
        logarithms, _ = on_log_scale(wanted, metric, [value for _, value in known])
        by_repeat: dict[int, list[float]] = {}
        for repeat, value in known:
            by_repeat.setdefault(repeat, []).append(math.log(value) if logarithms else value)
        levels = {repeat: fmean(values) for repeat, values in by_repeat.items()}
        return cls(metric, results.spec.objective, logarithms, levels if len(whole) > 1 else {})

    def relative(self, run: Trial) -> float:
        """A run's validation value less the level of its split."""
        value = run.best[self.metric]
        return (math.log(value) if self.logarithms and value > 0 else value) - self.levels.get(
            run.repeat, 0.0
        )

    def rank(self, runs: Sequence[Trial]) -> float:
        """What orders configurations by their runs, the best first; splits weigh the same."""
        by_split: dict[int, list[float]] = {}
        for run in runs:
            by_split.setdefault(run.repeat, []).append(self.relative(run))
        if not by_split:
            return math.inf
        mean = fmean(fmean(values) for values in by_split.values())
        return merit(mean, {}, self.objective)[0]

    def rank_of_run(self, run: Trial) -> tuple[float, float]:
        """The key by which runs are sorted, the best first."""
        return merit(self.relative(run), run.best, self.objective)


def _of_repeats(results: StudyResults) -> Recommendation | None:
    part = compared_part(results, results.spec.objective.metric)
    found = repeat_results(results, part.metric)
    leader = leading_arm(results)
    if leader is None:
        return None
    yardstick = Yardstick.of(results, found)
    known = candidates(results, found[leader.arm].values(), yardstick)
    # on its own split alone a winner looks better than it is
    crossed = [each for each in known if any(run.phase == "cross" for run in each.runs)]
    chosen = min(crossed or known, key=lambda candidate: yardstick.rank(candidate.runs))
    runs = sorted(chosen.runs, key=yardstick.rank_of_run)
    count = len(leader.confirmed)
    return Recommendation(chosen.trial, leader.mean.estimate, part.metric, runs, repeats=count)


def leading_arm(results: StudyResults) -> ArmResult | None:
    """The best arm that no verdict calls worse than another: that of the comparison's first row;
    None where no repeat has ended."""
    from studies.analysis.arm_comparison import compare_arms  # scipy takes half a second
    from studies.analysis.comparison import loser

    compared = compare_arms(results, results.spec.objective.metric)
    beaten = {loser(pair) for pair in compared.pairs}
    known = [arm for arm in compared.arms if arm.confirmed]
    return next((arm for arm in known if arm.arm not in beaten), next(iter(known), None))


def candidates(
    results: StudyResults, rows: Iterable[RepeatResult], yardstick: Yardstick
) -> list[Candidate]:
    """The configurations that won searches of an arm, the best on their own splits first."""
    won: dict[str, list[RepeatResult]] = {}
    for row in rows:
        if row.winner is not None and row.by_seed:
            won.setdefault(row.winner.config_hash, []).append(row)

    def on_own_splits(rows: Sequence[RepeatResult]) -> float:
        return yardstick.rank([run for row in rows for run in _completed(row.runs)])

    return [_candidate(results, rows) for rows in sorted(won.values(), key=on_own_splits)]


def _candidate(results: StudyResults, rows: Sequence[RepeatResult]) -> Candidate:
    trial = rows[0].winner
    assert trial is not None
    this = ("cross", trial.arm, trial.config_hash)
    crossed = [run for run in results.ended if (run.phase, run.arm, run.config_hash) == this]
    runs = _completed([*(run for row in rows for run in row.runs), *crossed])
    return Candidate(trial, tuple(row.repeat for row in rows), runs)


def _completed(runs: Iterable[Trial]) -> list[Trial]:
    return [run for run in runs if run.outcome == Outcome.completed]


def cross_plan(results: StudyResults, splits: Splits) -> list[PlannedTraining]:
    """The trainings of the leading arm's best winners on the other splits, one seed each."""
    part = compared_part(results, results.spec.objective.metric)
    found = repeat_results(results, part.metric)
    leader = leading_arm(results)
    if leader is None:
        return []
    arm = leader.arm
    yardstick = Yardstick.of(results, found)
    chosen = candidates(results, found[arm].values(), yardstick)[:CANDIDATES]
    allowed = _allowed(results, arm, {each.trial.config_hash for each in chosen})
    chosen = chosen[:allowed]
    if len(chosen) < 2:
        return []  # there is nothing to choose from
    repeats, each = sorted(found[arm]), allowed // len(chosen)
    return [
        PlannedTraining(
            arm,
            Configuration.of(candidate.trial.configuration),
            seed_index=0,
            repeat=repeat,
            split=splits.seed(repeat),
        )
        for candidate in chosen
        for repeat in [repeat for repeat in repeats if repeat not in candidate.won][:each]
    ]


def _allowed(results: StudyResults, arm: str, chosen: Collection[str]) -> int:
    """How many trainings on other splits the chosen configurations may have: those of others, from
    before the study was extended, count as well."""
    trained = [trial for trial in results.ended if trial.duplicate_of is None]
    crossed = [trial for trial in trained if trial.phase == "cross"]
    others = sum(trial.arm != arm or trial.config_hash not in chosen for trial in crossed)
    return max(0, int(SHARE * (len(trained) - len(crossed))) - others)
