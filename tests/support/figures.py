"""Every figure, drawn from studies in which all that it can show happens."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from studies.analysis import compare
from studies.analysis.curves import curves, searches_of
from studies.analysis.importance import importances
from studies.records import Outcome, Trial
from studies.reporting.figures.axes import axes
from studies.reporting.figures.common import Picture
from studies.reporting.figures.comparison.budget import budget_info, draw_budget
from studies.reporting.figures.comparison.differences import differences_info, draw_differences
from studies.reporting.figures.comparison.gains import draw_gains, gains_info
from studies.reporting.figures.comparison.pairs import draw_pairs, pairs_info
from studies.reporting.figures.comparison.ranges import draw_effect, draw_small_effect, effect_info
from studies.reporting.figures.comparison.ranking import draw_ranking, ranking_info
from studies.reporting.figures.comparison.sources import draw_sources, sources_info
from studies.reporting.figures.comparison.spending import (
    cost_info,
    draw_cost,
    draw_outcomes,
    outcomes_info,
)
from studies.reporting.figures.curves import CurveOptions
from studies.reporting.figures.points import trial_points
from studies.reporting.figures.search.intermediate import draw_intermediate, intermediate_info
from studies.reporting.figures.search.parameters import (
    draw_isolation,
    draw_slice,
    isolation_info,
    slice_info,
)
from studies.reporting.figures.search.searching import (
    draw_history,
    draw_searches,
    history_info,
    searches_info,
)
from studies.reporting.figures.search.surfaces import draw_surface, surface_info
from studies.reporting.figures.search.timeline import draw_timeline, timeline_info
from studies.reporting.figures.search.tuning import (
    draw_importance,
    draw_tuning,
    importance_info,
    tuning_info,
)
from studies.reporting.figures.training.learning import draw_learning, learning_info
from studies.reporting.figures.training.overfitting import (
    draw_gap,
    draw_overfitting,
    gap_info,
    overfitting_info,
)
from studies.reporting.figures.training.rates import draw_rates, planned, rates_info
from studies.reporting.figures.training.sparkline import draw_sparkline, sparkline_info
from studies.reporting.figures.training.trials import curves_info, draw_curves
from studies.results import StudyResults
from tests.support.made import ARMS, spec_of, study
from tests.support.states import repeats_of, states, steady_loss, trials_of

EXPLODED = 8e8
LOSS = "val/loss"
NAMES = [f"arm {number}" for number in range(1, 7)]
TEXT = f"""
study: made
data: digits
model: {{name: mlp, hidden: [4], dropout: {{min: 0.0, max: 0.9}}}}
optimizer:
{
    "".join(
        f"  - {{name: sgd, label: {name}, lr: {{min: 1e-3, max: 1.0, log: true}}}}{chr(10)}"
        for name in NAMES
    )
}
trainer: {{epochs: 4}}
objective: {{metric: {LOSS}}}
search: {{method: random, trials: 12}}
compare: {{factor: optimizer, claim: configurations}}
confirm: {{top: 1, seeds: 9}}
"""
ENDS = [*Outcome]


def loss(arm: int, number: int) -> float:
    """Later arms are worse; the last trial of a search is its best, the others are as drawn."""
    if number == 11:
        return 0.15 + 0.05 * arm
    return 0.2 + 0.05 * arm + 0.1 * (number * 0.618 % 1.0)


def six_arms(exploded: float = EXPLODED) -> StudyResults:
    """Six arms; every search has trials of all outcomes and one whose loss is `exploded`, and so
    has a fresh seed of every arm."""
    spec = spec_of(TEXT)
    made = []
    for trial in trials_of(spec, loss, count=12):
        if trial.key.endswith(("search-2", "confirm-3")):
            curve = {1: 0.9, 2: 0.8, 3: exploded, 4: exploded}
            best = {LOSS: exploded, "train/loss": exploded / 2}
            trial = replace(trial, value=exploded, best=best, curve=curve)
        elif trial.phase == "search" and 3 <= (number := int(trial.key.rpartition("-")[2])) < 10:
            outcome = ENDS[1:][number - 3] if number - 3 < len(ENDS) - 1 else Outcome.completed
            if outcome != Outcome.completed:
                trial = replace(trial, outcome=outcome, value=None, best={})
        made.append(trial)
    return study(spec, made)


def one_arm(exploded: float = EXPLODED) -> StudyResults:
    """A search of sixty trials that compares nothing; the learning rate decides, one trial
    explodes and one diverges."""
    arms = TEXT[TEXT.index("optimizer:") : TEXT.index("trainer:")]
    compared = TEXT[TEXT.index("compare:") : TEXT.index("confirm:")]
    alone = "optimizer: {name: sgd, lr: {min: 1e-3, max: 1.0, log: true}}\n"
    spec = spec_of(TEXT.replace(arms, alone).replace(compared, ""))
    made = []
    for trial in trials_of(spec, loss, count=60, seeds=0):
        far = abs(math.log10(trial.params["optimizer.lr"]) + 1)
        value = exploded if trial.key.endswith("-search-5") else 0.1 + 0.1 * far
        made.append(replace(trial, value=value, best={LOSS: value}))
    made[7] = replace(made[7], outcome=Outcome.diverged, value=None, best={})
    return study(spec, made)


def histories_of(trials: Iterable[Trial]) -> Mapping[str, Mapping[str, Mapping[int, float]]]:
    """Losses on the training part, half of those on validation."""
    return {
        trial.key: {"train/loss": {epoch: value / 2 for epoch, value in trial.curve.items()}}
        for trial in trials
    }


def every_figure() -> dict[str, Picture]:
    """Every figure by the function that draws it, and what is special about it."""
    results, one = six_arms(), one_arm()
    comparison, arms = compare(results), results.arms
    plain = spec_of()
    decided = compare(study(plain, trials_of(plain)))
    spec = spec_of(ARMS.replace("val/accuracy", LOSS))
    repeated = study(spec, repeats_of(spec, steady_loss))
    searches = replace(curves(repeated), searches=[searches_of(repeated, a) for a in repeated.arms])
    points = trial_points(one, LOSS, "minimize", one.arms)
    lr, dropout = sorted(axes(one, ""), key=lambda axis: axis.name, reverse=True)
    smooth = CurveOptions(smoothing=0.6)
    histories = histories_of(results.trials)
    of_trials = [
        (trial, {LOSS: trial.curve, **histories[trial.key]})
        for trial in results.search
        if trial.curve
    ]
    unconfirmed = study(results.spec, results.search)
    bought = states()["arms"]
    now = datetime(2026, 1, 2)
    tuned = curves(study(one.spec, one.search[:12])).tuning
    return {
        "draw_ranking": draw_ranking(ranking_info(results, comparison)),
        "draw_ranking, not confirmed": draw_ranking(
            ranking_info(unconfirmed, compare(unconfirmed))
        ),
        "draw_gains": draw_gains(gains_info(results, comparison)),
        "draw_pairs": draw_pairs(pairs_info(decided)),
        "draw_differences": draw_differences(differences_info(decided)),
        "draw_outcomes": draw_outcomes(outcomes_info(results, comparison)),
        "draw_cost": draw_cost(cost_info(results, comparison)),
        "draw_effect": draw_effect(
            effect_info(results, "optimizer.lr", LOSS, "minimize", arms, log=True)
        ),
        "draw_small_effect": draw_small_effect(
            effect_info(results, "optimizer.lr", LOSS, "minimize", arms, log=True)
        ),
        "draw_sparkline": draw_sparkline(sparkline_info(one, one.search[0])),
        "draw_budget": draw_budget(budget_info(bought, compare(bought))),
        "draw_sources": draw_sources(sources_info(bought, compare(bought))),
        "draw_history": draw_history(history_info(results, LOSS, "minimize", arms)),
        "draw_searches": draw_searches(searches_info(repeated, searches, repeated.arms)),
        "draw_tuning": draw_tuning(tuning_info(one, tuned, one.arms)),
        "draw_importance": draw_importance(importance_info(importances(one, ""))),
        "draw_intermediate": draw_intermediate(intermediate_info(results, arms, smooth)),
        "draw_timeline": draw_timeline(timeline_info(results, arms, now)),
        "draw_timeline, outcomes": draw_timeline(timeline_info(results, arms, now), "outcome"),
        "draw_slice": draw_slice(slice_info(points, lr, [one.study])),
        "draw_isolation": draw_isolation(isolation_info(points, lr, [one.study])),
        "draw_surface": draw_surface(surface_info(points, lr, dropout)),
        "draw_learning": draw_learning(learning_info(results, LOSS, {}, arms, smooth)),
        "draw_overfitting": draw_overfitting(
            overfitting_info(results, LOSS, histories, arms).of(arms[0])
        ),
        "draw_gap": draw_gap(gap_info(results, LOSS, arms)),
        "draw_curves": draw_curves(curves_info("loss", of_trials[:6], smooth)),
        "draw_rates": draw_rates(
            rates_info(
                [replace(planned(a, {"name": "cosine"}, 4), logged={1: 1.0}) for a in arms], arms
            )
        ),
    }
