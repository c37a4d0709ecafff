"""Which parameters of a search mattered, by PED-ANOVA (Watanabe 2023, arXiv:2304.10255).

The question that it answers: how differently are a parameter's values spread among the best tenth
of the trials than among all of them? What the same trials say with their values shuffled is beside
every answer: what chance alone reaches means nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from studies.records import Trial
from studies.results import StudyResults
from studies.statistics import sign_of
from studies.statistics.intervals import Array
from studies.statistics.ped_anova import Binned, binned, evaluate
from studies.study_file import Alternatives, Choice, Range

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

ENOUGH = 50
"""Completed trials below which a tenth of them says nothing: it would be fewer than five."""
USED = 500
"""Trials that are looked at; of more, so many in equal steps."""
SHUFFLES = 20


@dataclass(frozen=True)
class Importance:
    """One parameter's share of all that was found, and what chance reaches once in 20 times."""

    parameter: str
    share: float
    by_chance: float


@dataclass(frozen=True)
class Importances:
    """The parameters of one arm, the most important first."""

    arm: str
    parameters: Sequence[Importance]
    trials: int
    """Completed trainings that were looked at; repeated configurations count once."""
    why_none: str
    """Empty where there are importances."""


def importances(results: StudyResults, arm: str) -> Importances:
    """The importance of every parameter that an arm searches; seeded by the study."""
    space = next(each.space for each in results.spec.arms if each.name == arm)
    kinds = _distributions(dict(space.parameters()))
    trials = [
        trial
        for trial in results.ranked([t for t in results.search if t.arm == arm])
        if trial.duplicate_of is None and _fits(trial, kinds)
    ]
    trials.sort(key=lambda trial: trial.key)
    why = _why_none(trials, kinds)
    if why:
        return Importances(arm, [], len(trials), why)
    chosen = [
        trials[i] for i in np.linspace(0, len(trials) - 1, min(USED, len(trials))).astype(int)
    ]
    if results.spec.repeats > 1:
        chosen = _ranked_within_searches(chosen)
    places = {
        name: binned(kind, [trial.params.get(name) for trial in chosen])
        for name, kind in kinds.items()
        if any(name in trial.params for trial in chosen)
    }
    sign = -sign_of(results.spec.objective.goal)
    losses: Array = sign * np.array([float(trial.value or 0.0) for trial in chosen])
    found = evaluate(places, losses)
    total = sum(found.values())
    if total <= 0:
        same = "the best trials are spread over the ranges as all others are"
        return Importances(arm, [], len(chosen), same)
    chance = _by_chance(places, losses, np.random.default_rng(results.spec.seed))
    rows = [Importance(name, value / total, chance[name] / total) for name, value in found.items()]
    return Importances(arm, sorted(rows, key=lambda row: -row.share), len(chosen), "")


def _ranked_within_searches(trials: Sequence[Trial]) -> list[Trial]:
    """Every trial with its rank among those of its own search, 0 to 1, for its value: values of
    different splits cannot be ordered."""
    by_search: dict[int, list[float]] = {}
    for trial in trials:
        by_search.setdefault(trial.repeat, []).append(float(trial.value or 0.0))
    return [
        replace(trial, value=fmean(value <= float(trial.value or 0.0) for value in values))
        for trial in trials
        for values in [by_search[trial.repeat]]
    ]


def _why_none(trials: Sequence[Trial], kinds: Mapping[str, BaseDistribution]) -> str:
    if len(kinds) < 2:
        return (
            "there is only one searched parameter" if kinds else "no parameter is searched"
        ) + ", so none is more important than another"
    if len(trials) < ENOUGH:
        return (
            f"{len(trials)} different configurations have completed; below {ENOUGH} the best tenth "
            "of them is too few to tell a pattern from chance"
        )
    if len({trial.value for trial in trials}) == 1:
        return "every completed trial has the same value"
    return ""


def _distributions(
    parameters: Mapping[str, Range | Choice | Alternatives],
) -> dict[str, BaseDistribution]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a last step that does not meet the end of its range
        kinds = {name: _distribution(node) for name, node in parameters.items()}
    return {name: kind for name, kind in kinds.items() if not kind.single()}


def _distribution(node: Range | Choice | Alternatives) -> BaseDistribution:
    from optuna import distributions as made

    if isinstance(node, Alternatives):
        return made.CategoricalDistribution(list(node.options))
    if isinstance(node, Choice):
        return made.CategoricalDistribution(node.labels())
    if node.integer:
        low, high, step = int(node.low), int(node.high), int(node.step or 1)
        return made.IntDistribution(low, high, log=node.log, step=step)
    return made.FloatDistribution(node.low, node.high, log=node.log, step=node.step)


def _fits(trial: Trial, kinds: Mapping[str, BaseDistribution]) -> bool:
    """Whether a trial is of the space as it is; ranges may have been changed since."""
    known = {name: value for name, value in trial.params.items() if name in kinds}
    return bool(known) and all(_holds(name, kinds[name], value) for name, value in known.items())


def _holds(name: str, kind: BaseDistribution, value: Any) -> bool:
    from optuna.trial import create_trial

    try:
        create_trial(value=0.0, params={name: value}, distributions={name: kind})
    except ValueError:
        return False
    return True


def _by_chance(
    places: Mapping[str, Binned], losses: Array, rng: np.random.Generator
) -> dict[str, float]:
    """What every parameter reaches once in 20 times where it has no effect."""
    reached: dict[str, list[float]] = {}
    for _ in range(SHUFFLES):
        for name, found in evaluate(places, rng.permutation(losses)).items():
            reached.setdefault(name, []).append(found)
    return {name: float(np.quantile(found, 0.95)) for name, found in reached.items()}
