"""What a study allows to be said of its arms: ranking, verdicts, and what is missing for them."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from lightning_modules.components import suggestion
from lightning_modules.errors import UserError
from lightning_modules.metrics import METRICS, goal_of, logged_metrics
from studies import stats, verdicts
from studies.arms import Arm, arms
from studies.confirmation import seeds_of
from studies.power import detectable_difference, seeds_needed
from studies.records import Outcome
from studies.results import StudyResults, Trial, outcome_counts
from studies.stats import Goal, Interval

KNOWN = tuple(dict.fromkeys(name for task in METRICS for name in logged_metrics(task)))
"""What any study may log of the training and the validation part."""


@dataclass(frozen=True)
class ArmResult:
    """One arm; values are of the metric under comparison."""

    arm: str
    levels: tuple[str, ...]
    search_best: float | None
    """The chosen trial of the search, which looks better than it is."""
    default: float | None
    """The untuned trial."""
    winner: Trial | None
    """The trial of the search whose configuration was confirmed, or would be."""
    confirmed: Mapping[int, float]
    """The winner's configuration on fresh seeds, by seed; failed runs are missing here."""
    failures: int
    """Runs of the confirmation that ended without a value."""
    mean: Interval
    """Of the confirmed values."""
    optimism: float | None
    test: Mapping[int, float]
    """The same metric of the test part, by seed."""
    outcomes: Mapping[str, int]
    """How the trials of the search ended."""
    epochs: int
    seconds: float
    epochs_to_reference: int | None
    """Epochs of the search until a trial was as good as the worst arm's best."""
    seconds_to_reference: float | None

    @property
    def test_mean(self) -> float | None:
        """Mean over the fresh seeds of the metric of the test part."""
        return fmean(self.test.values()) if self.test else None


@dataclass(frozen=True)
class PairResult:
    """Two arms, the better mean first; differences are a - b."""

    a: str
    b: str
    result: verdicts.Comparison
    deviation: float
    """Standard deviation of the differences between seeds; NaN below two seeds."""
    wins: int
    """Seeds in which `a` is better."""
    ties: int
    withheld: str
    """Why the leading arm is not called better although its values allow it; else empty."""
    """Seeds in which a is better."""
    detectable: float
    """The smallest true difference that these seeds show with probability 0.8; infinite where
    they allow no verdict at all."""
    seeds_needed: int | None
    """Seeds that would show the observed difference with probability 0.8, if there are so few."""


@dataclass(frozen=True)
class Comparison:
    """A study's arms in the order of their confirmed means, and every pair of them."""

    study: str
    factors: tuple[str, ...]
    metric: str
    goal: Goal
    arms: Sequence[ArmResult]
    pairs: Sequence[PairResult]
    reference: float | None
    """The worst arm's best value of the search."""
    missing: Sequence[str]
    """What is not known yet, and the way to it."""


@dataclass(frozen=True)
class Finding:
    """What a study found, and what that allows to be said."""

    results: StudyResults
    comparison: Comparison

    @classmethod
    def of(cls, results: StudyResults) -> Finding:
        """The comparison by the study's own objective."""
        return cls(results, compare(results))


def compare(results: StudyResults, metric: str | None = None) -> Comparison:
    """Compare the arms of a study by its objective, or by any other metric that was logged.

    The statistics are seeded by the study, so that the same results give the same words. Raises
    UserError for a metric that is not logged.
    """
    metric = metric or results.spec.objective.metric
    _check(metric, results)
    own = metric == results.spec.objective.metric
    goal: Goal = results.spec.objective.goal if own else goal_of(metric)
    sign = 1 if goal == "maximize" else -1
    rng = np.random.default_rng(results.spec.seed)
    found = [_arm(results, arm, metric, goal, rng) for arm in arms(results.spec)]
    bests = [arm.search_best for arm in found if arm.search_best is not None]
    reference = (min if goal == "maximize" else max)(bests, default=None)
    found = [_referred(results, arm, metric, sign, reference) for arm in found]
    found.sort(key=lambda arm: _rank(arm, sign))
    return Comparison(
        study=results.study,
        factors=results.spec.factors,
        metric=metric,
        goal=goal,
        arms=found,
        pairs=_pairs([arm for arm in found if arm.confirmed], goal, rng),
        reference=reference,
        missing=list(_missing(results, found)),
    )


def metrics(results: StudyResults) -> list[str]:
    """The metrics by which a study's arms can be compared, its objective first."""
    objective = results.spec.objective.metric
    logged = {name for trial in results.ended for name in trial.best}
    return [objective, *(name for name in KNOWN if name in logged and name != objective)]


def _check(metric: str, results: StudyResults) -> None:
    logged = {name for trial in results.ended for name in (*trial.best, *trial.test)}
    known = (*KNOWN, results.spec.objective.metric)
    if metric not in logged and (logged or metric not in known):
        hint = suggestion(metric, logged) or "; logged are " + ", ".join(sorted(logged))
        raise UserError(f"{metric} was not logged in {results.study}{hint}")


def value_of(trial: Trial, metric: str) -> float | None:
    """A metric at the trial's best epoch, or of the test part; None where it is not finite."""
    value = trial.best.get(metric, trial.test.get(metric))
    return value if value is not None and math.isfinite(value) else None


def _arm(
    results: StudyResults, arm: Arm, metric: str, goal: Goal, rng: np.random.Generator
) -> ArmResult:
    trials = [trial for trial in results.search if trial.arm == arm.name]
    winner, runs = results.winner(arm.name)
    values = {run.seed: value_of(run, metric) for run in runs if run.outcome == Outcome.completed}
    confirmed = {seed: value for seed, value in values.items() if value is not None}
    best = None if winner is None else value_of(winner, metric)
    default = next((value_of(trial, metric) for trial in trials if trial.default), None)
    mean = stats.mean_interval(list(confirmed.values()), rng=rng)
    optimism = None
    if best is not None and confirmed:
        optimism = stats.optimism(best, mean.estimate, goal)
    test_metric = "test/" + re.sub(r"^(train|val|valid|validation)[/_]", "", metric)
    return ArmResult(
        arm=arm.name,
        levels=arm.levels,
        search_best=best,
        default=default,
        winner=winner,
        confirmed=confirmed,
        failures=len(runs) - len(confirmed),
        mean=mean,
        optimism=optimism,
        test={run.seed: run.test[test_metric] for run in runs if test_metric in run.test},
        outcomes=outcome_counts(trials),
        epochs=sum(trial.epochs for trial in trials),
        seconds=sum(trial.seconds for trial in trials),
        epochs_to_reference=None,
        seconds_to_reference=None,
    )


def _referred(
    results: StudyResults, arm: ArmResult, metric: str, sign: int, reference: float | None
) -> ArmResult:
    """The arm with what its search spent until it was as good as the reference."""
    epochs, seconds = 0, 0.0
    trials = [trial for trial in results.search if trial.arm == arm.arm and trial.ended]
    for trial in sorted(trials, key=lambda trial: str(trial.ended)):
        epochs, seconds = epochs + trial.epochs, seconds + trial.seconds
        value = value_of(trial, metric)
        reached = value is not None and reference is not None and sign * value >= sign * reference
        if reached and trial.outcome == Outcome.completed:
            return replace(arm, epochs_to_reference=epochs, seconds_to_reference=seconds)
    return arm


def _rank(arm: ArmResult, sign: int) -> tuple[int, float]:
    """Confirmed arms before arms that are not, those before arms without any value."""
    if arm.confirmed:
        return 0, -sign * arm.mean.estimate
    return (2, 0.0) if arm.search_best is None else (1, -sign * arm.search_best)


def _pairs(found: Sequence[ArmResult], goal: Goal, rng: np.random.Generator) -> list[PairResult]:
    combinations = list(itertools.combinations(found, 2))
    paired = [stats.pair(a.confirmed, b.confirmed) for a, b in combinations]
    compared = verdicts.compare([(each.a, each.b) for each in paired], goal, rng=rng)
    count = len(combinations)
    made = []
    for (a, b), each, result in zip(combinations, paired, compared, strict=True):
        d = stats.differences(each.a, each.b)
        deviation = float(d.std(ddof=1)) if len(d) > 1 else math.nan
        withheld = _failing_winner(result, a, b)
        if withheld:
            result = replace(result, verdict=verdicts.Verdict("none", (withheld,)))
        made.append(
            PairResult(
                a.arm,
                b.arm,
                result,
                withheld=withheld,
                deviation=deviation,
                wins=int(((d > 0) if goal == "maximize" else (d < 0)).sum()),
                ties=int((d == 0).sum()),
                detectable=detectable_difference(deviation, len(d), pairs=count),
                seeds_needed=seeds_needed(result.difference.estimate, deviation, pairs=count),
            )
        )
    return made


def _failing_winner(result: verdicts.Comparison, a: ArmResult, b: ArmResult) -> str:
    """An arm that failed on more seeds than the other is not called better for the rest."""
    better = {"a": a, "b": b}.get(result.verdict.better)
    if better is None or better.failures <= min(a.failures, b.failures):
        return ""
    return f"{better.arm} failed on {better.failures} of the fresh seeds, the other on fewer"


def _way_on(results: StudyResults) -> str:
    if results.home.driver(results.study):
        return "it is running"
    return "`fairtune run` with the same file continues it"


def _missing(results: StudyResults, found: Sequence[ArmResult]) -> Iterator[str]:
    spec = results.spec
    if not spec.factors:
        yield "this study compares nothing: name a factor, such as `compare: {factor: optimizer}`"
    elif len(found) == 1:
        yield f"there is only one alternative of {spec.factors[0]}: list more to compare them"
    for arm in found:
        if arm.winner is None:
            ended = ", ".join(f"{count} {outcome}" for outcome, count in arm.outcomes.items())
            yield f"{arm.arm or 'the search'}: no trial has completed ({ended or 'none ended yet'})"
    counts = {sum(trial.arm == arm.arm for trial in results.search) for arm in found}
    if results.finished and spec.trials is not None and len(counts) > 1:
        yield (
            f"the arms have had {min(counts)} to {max(counts)} trials of the search, so the "
            f"comparison is not fair: raise search.trials to {max(counts)} or more and run again"
        )
    if not results.finished:
        planned = results.planned
        of = f" of {planned}" if planned is not None else ""
        yield (
            f"the study is not finished: {len(results.search)}{of} trials of the search have "
            f"ended; {_way_on(results)}"
        )
    if spec.confirm is None:
        yield (
            "the winners were not confirmed on fresh seeds, so what the search found is optimistic "
            "and no verdict is given: write `confirm: {seeds: auto}` and run again"
        )
        return
    planned_seeds = seeds_of(spec.confirm, len(found))
    for arm in found:
        left = planned_seeds - len(arm.confirmed) - arm.failures
        if arm.winner is not None and left > 0:
            yield f"{arm.arm or 'the winner'}: {left} of {planned_seeds} fresh seeds are missing"
        if arm.failures:
            yield (
                f"{arm.arm or 'the winner'}: {arm.failures} of {planned_seeds} runs on fresh seeds "
                "failed and are in no mean; count them against it"
            )
