"""Why trials of a search failed, and which of their parameters those that worked never had."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studies.records import Outcome, Trial
from studies.results import StudyResults, value_text
from studies.results.failures import alike
from studies.statistics import ALPHA

FAILURES = (
    Outcome.diverged, Outcome.out_of_memory, Outcome.timeout, Outcome.error, Outcome.crashed,
)  # fmt: skip
WORKED = (Outcome.completed, Outcome.pruned)


@dataclass(frozen=True)
class FailureCause:
    """Trials of an arm that failed in the same way."""

    arm: str
    outcome: Outcome
    reason: str
    """That of the first; the others differ in numbers and paths only."""
    trials: Sequence[Trial]
    ended: int
    """How many trials of the arm's searches have ended."""
    parameters: Sequence[str]
    """What they have in common that no trial which worked has, in words."""


@dataclass(frozen=True)
class Beyond:
    """A number of a failed trial that lies beyond every value of it that worked."""

    name: str
    value: float
    limit: float
    """The largest value that worked, or the smallest one."""
    above: bool
    """Whether the value is above the largest, else it is below the smallest."""
    failed: int
    """Trials beyond the limit, this one among them: all of them failed."""


def failure_causes(results: StudyResults) -> list[FailureCause]:
    """The ways in which trials of the searches failed, of every arm, the most frequent first."""
    found = []
    for arm in results.arms:
        trials = [trial for trial in results.search if trial.arm == arm and trial.outcome]
        kinds: dict[tuple[Outcome, str], list[Trial]] = {}
        for trial in trials:
            if trial.outcome in FAILURES:
                kinds.setdefault((trial.outcome, alike(trial.reason)), []).append(trial)
        worked = [trial for trial in trials if trial.outcome in WORKED]
        for (outcome, _), failed in kinds.items():
            apart = list(separations([t.params for t in failed], [t.params for t in worked]))
            found.append(FailureCause(arm, outcome, failed[0].reason, failed, len(trials), apart))
    return sorted(found, key=lambda cause: -len(cause.trials))


def beyond_what_worked(results: StudyResults, trial: Trial) -> list[Beyond]:
    """The numbers by which a failed trial lies beyond all trials of its arm that worked.

    Nothing is said where a trial that has not ended, or was interrupted, lies there too. Learning
    rates are told always, others where chance would set so many failed trials apart by any of the
    parameters in less than 5 % of cases.
    """
    if trial.outcome not in FAILURES:
        return []
    searched = [t for t in results.trials if t.arm == trial.arm and t.phase == "search"]
    ways = 2 * sum(_is_number(value) for value in trial.params.values())
    found = []
    for name, value in trial.params.items():
        if not _is_number(value):
            continue
        known = [t for t in searched if _is_number(t.params.get(name))]
        worked = [t.params[name] for t in known if t.outcome in WORKED]
        if not worked or min(worked) <= value <= max(worked):
            continue
        above = value > max(worked)
        limit = max(worked) if above else min(worked)
        there = [t for t in known if (t.params[name] > limit if above else t.params[name] < limit)]
        if any(t.outcome not in FAILURES for t in there):
            continue
        failed = sum(t.outcome in FAILURES for t in known)
        by_chance = math.comb(failed, len(there)) / math.comb(failed + len(worked), len(there))
        if name.rpartition(".")[2] == "lr" or ways * by_chance <= ALPHA:
            found.append(Beyond(name, value, limit, above, len(there)))
    return found


def separations(
    failed: Sequence[Mapping[str, Any]], worked: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """The parameters whose values set all trials that failed apart from all that worked, in words.

    That so many trials, drawn from all at random, would be set apart by any of the parameters is
    to be less likely than 5 %; else nothing is said.
    """
    names = [name for name in dict.fromkeys(name for params in failed for name in params)]
    ways = 2 * len(names)  # each can set them apart at either end
    if not failed or not worked or math.comb(len(failed) + len(worked), len(failed)) < ways / ALPHA:
        return
    for name in names:
        bad, good = (
            [params[name] for params in part if name in params] for part in (failed, worked)
        )
        if len(bad) < len(failed) or not good:
            continue
        if all(_is_number(value) for value in (*bad, *good)):
            if min(bad) > max(good):
                yield (
                    f"all had {name} >= {value_text(min(bad))}, the largest that worked is "
                    f"{value_text(max(good))}"
                )
            elif max(bad) < min(good):
                yield (
                    f"all had {name} <= {value_text(max(bad))}, the smallest that worked is "
                    f"{value_text(min(good))}"
                )
        elif all(value == bad[0] for value in bad) and bad[0] not in good:
            yield f"all had {name} = {value_text(bad[0])}, with which none worked"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
