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


def separations(
    failed: Sequence[Mapping[str, Any]], worked: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """The parameters whose values set all trials that failed apart from all that worked, in words.

    That so many trials, drawn from all at random, would be set apart by any of the parameters is
    to be less likely than 5 %; else nothing is said.
    """
    names = [name for name in dict.fromkeys(name for params in failed for name in params)]
    ways = 2 * len(names)  # each can set them apart at either end
    if not failed or not worked or ways > ALPHA * math.comb(len(failed) + len(worked), len(failed)):
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
                    f"all had {name} >= {value_text(min(bad))}; the largest that worked is "
                    f"{value_text(max(good))}"
                )
            elif max(bad) < min(good):
                yield (
                    f"all had {name} <= {value_text(max(bad))}; the smallest that worked is "
                    f"{value_text(min(good))}"
                )
        elif all(value == bad[0] for value in bad) and bad[0] not in good:
            yield f"all had {name} = {value_text(bad[0])}, with which none worked"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
