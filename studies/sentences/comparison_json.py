"""A comparison as the JSON object of `fairtune compare --json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studies.analysis import ArmResult, Comparison, PairResult
from studies.sentences.verdict_sentences import summary


def as_json(comparison: Comparison, said: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object of `compare`; `said` is added to it."""
    design = comparison.design
    return {
        "study": comparison.study,
        "factor": " × ".join(comparison.factors) or None,
        "metric": comparison.metric,
        "part": design.part,
        "scale": "log" if design.logarithms else "raw",
        "claim": design.claim,
        "searches": design.searches,
        "repeats": design.planned,
        "splits": design.splits,
        "seeds": design.seeds,
        "trials": design.trials,
        "at": design.at,
        "against": design.against,
        "level": design.level,
        "looks": list(design.looks),
        "sequential": design.sequential,
        "lost": {arm: list(repeats) for arm, repeats in comparison.lost.items()},
        "no_verdict": design.why_none or None,
        "arms": [_arm(arm) for arm in comparison.arms],
        "pairs": [_pair(comparison, pair) for pair in comparison.pairs],
        "code": {code: dict(arms) for code, arms in comparison.codes.items()},
        "devices": {kind: dict(arms) for kind, arms in comparison.devices.counts.items()},
        "seeds_on_several_devices": comparison.devices.torn,
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
        "optimism": arm.selection_bias,
        "test_mean": arm.test_mean,
        "failures": arm.failures,
        "lost": list(arm.lost),
        "trials": dict(arm.outcomes),
        "epochs": arm.epochs,
        "seconds": round(arm.seconds, 3),
        "epochs_to_reference": arm.epochs_to_reference,
        "seconds_to_reference": arm.seconds_to_reference,
    }


def _pair(comparison: Comparison, pair: PairResult) -> dict[str, Any]:
    result = pair.result
    return {
        "a": pair.a,
        "b": pair.b,
        "difference": result.difference.estimate,
        "ci_low": result.difference.low,
        "ci_high": result.difference.high,
        "ci_method": result.difference.method,
        "test": pair.test,
        "p": result.p,
        "p_holm": result.p_holm,
        "probability_a_better": result.probability_a_better.estimate,
        "verdict": result.verdict.better,
        "reasons": list(result.verdict.reasons),
        "seeds": result.seeds,
        "seeds_needed": pair.seeds_needed,
        "repeats": pair.repeats,
        "repeats_needed": pair.repeats_needed,
        "detectable": pair.detectable,
        "lopsided": pair.lopsided,
        "look": pair.look,
    }
