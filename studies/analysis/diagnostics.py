"""Warnings about a study's design: what may be wrong, and what to change in its file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

from lightning_modules.configuration.trainer import reports_of
from studies.analysis.comparison import ArmResult, Comparison
from studies.records import Outcome, Trial
from studies.results import StudyResults
from studies.results.epoch_steps import few_steps, rows_that_trained
from studies.search.left_to_chance import sampler_warnings
from studies.statistics import seeds_for_a_verdict, sign_of
from studies.study_file import Arm, Range, confirm_seeds, pair_count

EDGE = 0.05
"""The share of a range, logarithmic where it is, that counts as its edge."""
TOP, TOP_AT_EDGE = 5, 3
UNSTABLE = 0.2
"""The share of diverged trials that is worth a word."""
REPEATED = 0.2
STILL_IMPROVING = 0.02
"""The share of a training's whole gain that its last tenth still brought."""

SPECIAL_CASES: dict[str, tuple[str, ...]] = {
    "momentum": ("sgd",),
    "nesterov": ("sgd",),
    "rmsprop": ("sgd", "momentum"),
    "adam": ("sgd", "momentum", "rmsprop"),
    "adamw": ("sgd", "momentum", "rmsprop", "adam"),
    "nadam": ("sgd", "momentum", "nesterov"),
}
"""General optimizers and those that some of their hyperparameters make them equal to (Choi 2019,
arXiv:1910.05446, section 3): tuned well enough they cannot be clearly worse."""


@dataclass(frozen=True)
class DesignWarning:
    """One warning about the design of a study: its kind, the arm that it is about (empty for the
    whole study) and what to do."""

    kind: str
    arm: str
    message: str


def design_warnings(results: StudyResults, comparison: Comparison) -> list[DesignWarning]:
    """Every warning about the design of a study, those of each arm first."""
    found: list[DesignWarning] = []
    searched = {arm.name: arm for arm in results.spec.arms}
    for result in comparison.arms:
        trials = [trial for trial in results.search if trial.arm == result.arm]
        found += _boundaries(results, searched[result.arm], trials)
        found += _still_improving(results, result.arm, trials)
        found += _unstable(searched[result.arm], result, trials)
        found += _repeated(result.arm, trials)
        found += _pruned(result.arm, trials)
    found += _inclusions(comparison)
    found += _too_few_seeds(results)
    found += _chosen_twice(results, comparison)
    found += few_steps_warnings(results)
    found += (DesignWarning("network", "", text) for text in results.remarks)
    found += (DesignWarning("sampler", "", text) for text in sampler_warnings(results.spec))
    return found


def few_steps_warnings(results: StudyResults) -> list[DesignWarning]:
    """The data sets of which an epoch has few steps, whatever the arm."""
    said = few_steps(results.spec, rows_that_trained(results.ended))
    return [DesignWarning("few steps", "", message) for message in said]


def _boundaries(
    results: StudyResults, arm: Arm, trials: Sequence[Trial]
) -> Iterator[DesignWarning]:
    """The best trials lie at an edge of a range: the optimum may lie beyond it."""
    best = _best(results, arm.name, trials)
    several = results.spec.repeats > 1
    for name, node in arm.space.parameters():
        if not isinstance(node, Range) or node.size() < 2 / EDGE:
            continue
        edges = [_edge(node, float(t.params[name])) for t in best if name in t.params]
        for edge, bound, way in (("low", node.low, "downward"), ("high", node.high, "upward")):
            if edge == "low" and bound == 0:
                continue  # nothing lies below
            count = edges.count(edge)
            if several and 2 * count <= len(best):
                continue
            if edges[:1] == [edge] or count >= TOP_AT_EDGE or several:
                who = "the best trial lies" if edges[0] == edge else f"{count} of the best lie"
                if several:
                    who = f"the winners of {count} of {len(best)} searches lie"
                yield DesignWarning(
                    "boundary",
                    arm.name,
                    f"{who} at the {'lower' if edge == 'low' else 'upper'} edge of {name} "
                    f"({node.low:g} to {node.high:g}): widen {name} {way}",
                )


def _best(results: StudyResults, arm: str, trials: Sequence[Trial]) -> list[Trial]:
    """The best few trials of an arm; of several searches, whose values are of different splits,
    the best one of each."""
    if results.spec.repeats == 1:
        return results.ranked(trials)[:TOP]
    repeats = range(1, results.spec.repeats + 1)
    return [trial for n in repeats for trial in results.ranked(results.searched(arm, n))[:1]]


def _edge(node: Range, value: float) -> str:
    """`low`, `high`, or empty where the value lies well inside the range."""
    low, high = node.low, node.high
    if node.log:
        low, high, value = math.log(low), math.log(high), math.log(value)
    share = (value - low) / (high - low)
    return "low" if share <= EDGE else "high" if share >= 1 - EDGE else ""


def _inclusions(comparison: Comparison) -> Iterator[DesignWarning]:
    """A general optimizer is clearly worse than a special case of itself."""
    better = {(p.a, p.b) for p in comparison.pairs if p.result.verdict.better == "a"}
    better |= {(p.b, p.a) for p in comparison.pairs if p.result.verdict.better == "b"}
    for special, general in permutations(comparison.arms, 2):
        if (special.arm, general.arm) not in better:
            continue
        names = [_optimizer(special), _optimizer(general)]
        if names[0] in SPECIAL_CASES.get(names[1], ()) and _alike(comparison, special, general):
            worse = f"worse than {special.arm}"
            if comparison.design.claim == "configurations":
                worse = f"the configuration found for it is worse than that for {special.arm}"
            yield DesignWarning(
                "inclusion",
                general.arm,
                f"{worse}, which is a special case of it, so its ranges or its budget may be too "
                "small: widen its ranges or raise search.trials",
            )


def _optimizer(arm: ArmResult) -> str:
    part = {} if arm.winner is None else arm.winner.configuration.get("optimizer", {})
    return str(part.get("name", ""))


def _alike(comparison: Comparison, one: ArmResult, other: ArmResult) -> bool:
    """Whether two arms differ in no other factor than the optimizer."""
    levels = zip(comparison.factors, one.levels, other.levels, strict=True)
    return all(factor == "optimizer" or a == b for factor, a, b in levels)


def _still_improving(
    results: StudyResults, arm: str, trials: Sequence[Trial]
) -> Iterator[DesignWarning]:
    """The best trainings were still getting better when they ended."""
    best = [trial for trial in _best(results, arm, trials) if trial.duplicate_of is None]
    sign = sign_of(results.spec.objective.goal)
    improving = sum(_gain_at_the_end(trial, sign) > STILL_IMPROVING for trial in best)
    if best and improving > len(best) / 2:
        yield DesignWarning(
            "still improving",
            arm,
            f"{improving} of the {len(best)} best trainings still improved in the last tenth of "
            "their epochs: raise trainer.epochs",
        )


def _gain_at_the_end(trial: Trial, sign: int) -> float:
    """The share of a training's whole gain that came in the last tenth of its epochs."""
    values = [sign * value for _, value in sorted(trial.curve.items())]
    if len(values) < 10 or trial.epochs < reports_of(trial.configuration["trainer"]):
        return 0.0
    best, before = max(values), max(values[: -math.ceil(len(values) / 10)])
    whole = best - values[0]
    return (best - before) / whole if whole > 0 else 0.0


def _unstable(arm: Arm, result: ArmResult, trials: Sequence[Trial]) -> Iterator[DesignWarning]:
    """Warn where many trainings of an arm diverged."""
    diverged = result.outcomes.get(Outcome.diverged, 0)
    searched = any(name.endswith(".lr") for name, _ in arm.space.parameters())
    rate = "optimizer.lr.max" if searched else "optimizer.lr"
    if trials and diverged / len(trials) >= UNSTABLE:
        yield DesignWarning(
            "unstable",
            result.arm,
            f"{diverged} of {len(trials)} trainings diverged: lower {rate}, or add "
            "`gradient_clip` to regularization or `warmup` to the schedule",
        )


def _repeated(arm: str, trials: Sequence[Trial]) -> Iterator[DesignWarning]:
    """The search came back to configurations that it had tried."""
    repeated = sum(trial.duplicate_of is not None for trial in trials)
    if trials and repeated / len(trials) >= REPEATED:
        yield DesignWarning(
            "duplicates",
            arm,
            f"{repeated} of {len(trials)} trials repeat a configuration and reuse its result: the "
            "space is nearly used up; widen it, lower search.trials, or use `method: grid`",
        )


def _pruned(arm: str, trials: Sequence[Trial]) -> Iterator[DesignWarning]:
    """Say how many trials of an arm were pruned, and what that saved."""
    pruned = [t for t in trials if t.outcome == Outcome.pruned and t.duplicate_of is None]
    if pruned:
        planned = sum(reports_of(trial.configuration["trainer"]) for trial in pruned)
        saved = planned - sum(trial.epochs for trial in pruned)
        share = len(pruned) / len(trials)
        advice = ": few were trained to their end; raise the pruner's warmup" if share > 0.9 else ""
        yield DesignWarning(
            "pruning",
            arm,
            f"{len(pruned)} of {len(trials)} trials were pruned ({share:.0%}), which saved {saved} "
            f"epochs{advice}",
        )


def _too_few_seeds(results: StudyResults) -> Iterator[DesignWarning]:
    """No outcome of the confirmation could be called better."""
    spec, count = results.spec, len(results.spec.arms)
    if spec.confirm is None or count < 2 or spec.design.claim != "configurations":
        return
    seeds, needed = confirm_seeds(spec), seeds_for_a_verdict(pair_count(spec))
    if seeds < needed:
        yield DesignWarning(
            "too few seeds",
            "",
            f"with {count} arms no verdict is possible below {needed} fresh seeds, and "
            f"confirm.seeds is {seeds}: run again with --set confirm.seeds={needed + 2}",
        )


def _chosen_twice(results: StudyResults, comparison: Comparison) -> Iterator[DesignWarning]:
    """The seeds that choose among an arm's configurations also judge the one that they choose."""
    confirm = results.spec.confirm
    top = (confirm and confirm.top) or 1
    if top > 1 and results.spec.factors and comparison.design.part != "test":
        yield DesignWarning(
            "selection",
            "",
            f"each arm's best of {top} configurations was chosen on the seeds that then "
            "judge it, so its mean is optimistic and more than 5 % of equal ones would be told "
            "apart: compare with confirm.top=1",
        )
