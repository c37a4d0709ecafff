"""A comparison in words that a student understands, and as the JSON object of `compare`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from studies.comparison import ArmResult, Comparison, PairResult
from studies.power import SMALLEST_EFFECT
from studies.stats import Interval
from studies.verdicts import seeds_for_a_verdict

SHARES = ("accuracy", "f1")
"""Metrics between 0 and 1, whose differences are told in points of a hundred."""


def amount(metric: str, value: float, *, signed: bool = False) -> str:
    """A difference of a metric: in points where it is a share, else in its own unit."""
    sign = "+" if signed else ""
    if is_share(metric):
        return f"{100 * value:{sign}.2f}"
    return f"{value:{sign}.3g}"


def unit(metric: str) -> str:
    """What a difference is counted in."""
    return "points" if is_share(metric) else f"of {metric.rpartition('/')[2]}"


def level(metric: str, value: float | None) -> str:
    """A value of a metric: in percent where it is a share."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{100 * value:.2f} %" if is_share(metric) else f"{value:.4g}"


def interval(metric: str, found: Interval) -> str:
    """A value with its interval."""
    if not math.isfinite(found.low):
        return level(metric, found.estimate)
    if is_share(metric):
        low, high = max(0.0, found.low), min(1.0, found.high)
        return f"{100 * found.estimate:.2f} % ({100 * low:.2f} to {100 * high:.2f})"
    return f"{found.estimate:.4g} ({found.low:.4g} to {found.high:.4g})"


def verdict_sentence(comparison: Comparison, pair: PairResult) -> str:
    """What may be said of two arms."""
    metric, result = comparison.metric, pair.result
    if result.verdict.better == "none":
        return f"{pair.a} and {pair.b}: no detectable difference{_why_none(comparison, pair)}"
    first, second = (pair.a, pair.b) if result.verdict.better == "a" else (pair.b, pair.a)
    wins = pair.wins if result.verdict.better == "a" else result.seeds - pair.wins - pair.ties
    ties = f", equal in {pair.ties}," if pair.ties else ""
    low, high = sorted((abs(result.difference.low), abs(result.difference.high)))
    return (
        f"{first} beats {second} by {amount(metric, abs(result.difference.estimate))} "
        f"{unit(metric)} (95 % interval {amount(metric, low)} to {amount(metric, high)}; better in "
        f"{wins}{ties} of {result.seeds} seeds)"
    )


def _why_none(comparison: Comparison, pair: PairResult) -> str:
    metric, result = comparison.metric, pair.result
    least = seeds_for_a_verdict(len(comparison.pairs))
    if result.seeds < least:
        return f"; {result.seeds} seeds allow no verdict, {least} at least do"
    if pair.withheld:
        return f"; {pair.withheld}"
    observed = f"{amount(metric, abs(result.difference.estimate))} {unit(metric)}"
    said = f"; observed {observed}"
    if pair.seeds_needed is not None and pair.seeds_needed > result.seeds:
        more = pair.seeds_needed - result.seeds
        said += f", for which about {more} more {'seeds' if more > 1 else 'seed'} would be needed"
    elif abs(result.difference.estimate) <= SMALLEST_EFFECT * pair.deviation:
        said += ", too small beside its scatter to win three of four seeds, however many they are"
    elif pair.seeds_needed is None:
        said += ", for which more than a thousand seeds would be needed"
    if math.isfinite(pair.detectable) and pair.detectable > 0:
        detectable = f"{amount(metric, pair.detectable)} {unit(metric)}"
        said += f" ({result.seeds} seeds detect {detectable} or more, 8 times in 10)"
    return said


def summary(comparison: Comparison) -> list[str]:
    """Everything that may be said, the most important first."""
    return verdicts(comparison) + [f"missing: {text}" for text in comparison.missing]


def verdicts(comparison: Comparison) -> list[str]:
    """What may be said of all arms together, then of every pair; empty where nothing may."""
    if not comparison.pairs:
        return []
    winners = {_winner(pair) for pair in comparison.pairs} - {""}
    losers = {_loser(pair) for pair in comparison.pairs} - {""}
    unbeaten = [arm.arm for arm in comparison.arms if arm.confirmed and arm.arm not in losers]
    least = seeds_for_a_verdict(len(comparison.pairs))
    most = max(pair.result.seeds for pair in comparison.pairs)
    if most < least:
        said = f"no verdict is possible with {most} seeds: {least} at least are needed"
    elif not winners:
        said = "no arm is detectably better than another"
    elif len(unbeaten) == 1 and _beats_all(comparison, unbeaten[0]):
        said = f"{unbeaten[0]} is better than every other arm"
    else:
        said = "not beaten by any other arm: " + ", ".join(unbeaten)
    return [said, *(verdict_sentence(comparison, pair) for pair in comparison.pairs)]


def _winner(pair: PairResult) -> str:
    return {"a": pair.a, "b": pair.b, "none": ""}[pair.result.verdict.better]


def _loser(pair: PairResult) -> str:
    return {"a": pair.b, "b": pair.a, "none": ""}[pair.result.verdict.better]


def _beats_all(comparison: Comparison, arm: str) -> bool:
    return all(_winner(pair) == arm for pair in comparison.pairs if arm in (pair.a, pair.b))


def as_json(comparison: Comparison, said: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object of `compare`; `said` is added to it."""
    return {
        "study": comparison.study,
        "factor": " × ".join(comparison.factors) or None,
        "metric": comparison.metric,
        "arms": [_arm(arm) for arm in comparison.arms],
        "pairs": [_pair(pair) for pair in comparison.pairs],
        "summary": summary(comparison),
        **said,
    }


def _arm(arm: ArmResult) -> dict[str, Any]:
    return {
        "arm": arm.arm,
        "search_best": arm.search_best,
        "default": arm.default,
        "confirmed": list(arm.confirmed.values()),
        "mean": arm.mean.estimate,
        "ci_low": arm.mean.low,
        "ci_high": arm.mean.high,
        "optimism": arm.optimism,
        "test_mean": arm.test_mean,
        "failures": arm.failures,
        "trials": dict(arm.outcomes),
        "epochs": arm.epochs,
        "seconds": round(arm.seconds, 3),
        "epochs_to_reference": arm.epochs_to_reference,
        "seconds_to_reference": arm.seconds_to_reference,
    }


def _pair(pair: PairResult) -> dict[str, Any]:
    result = pair.result
    return {
        "a": pair.a,
        "b": pair.b,
        "difference": result.difference.estimate,
        "ci_low": result.difference.low,
        "ci_high": result.difference.high,
        "ci_method": result.difference.method,
        "p": result.p,
        "p_holm": result.p_holm,
        "probability_a_better": result.probability_a_better.estimate,
        "verdict": result.verdict.better,
        "reasons": list(result.verdict.reasons),
        "seeds": result.seeds,
        "seeds_needed": pair.seeds_needed,
        "detectable": pair.detectable,
    }


def is_share(metric: str) -> bool:
    """Whether a metric lies between 0 and 1 and is told in percent."""
    return metric.rpartition("/")[2] in SHARES


def duration(seconds: float) -> str:
    """Seconds in the largest unit of which there are two."""
    for size, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.1f} s"


def value_text(value: Any) -> str:
    """A value of a configuration, numbers to four digits."""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
