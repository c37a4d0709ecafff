"""Trials by their arm or their repeat: how many there are, and what their values are like."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from studies.analysis.failure_causes import FAILURES
from studies.records import Outcome, Trial
from studies.results.ranking import ranked
from studies.statistics import Interval
from studies.statistics.intervals import mean_interval
from studies.study_file import Spec

Grouping = Literal["arm", "repeat"]
RESAMPLES = 1_999
"""Enough for a description; a verdict takes more."""


@dataclass(frozen=True)
class TrialGroup:
    """Trials that share an arm or a repeat."""

    name: str
    trials: int
    completed: int
    mean: Interval
    """Of the objective over the completed ones, whose interval describes them and is no verdict:
    they have different configurations."""
    best: Trial | None
    failures: int


def trial_groups(trials: Iterable[Trial], by: Grouping, spec: Spec) -> list[TrialGroup]:
    """The groups of some trials, in the order of the study file or of the repeats."""
    members: dict[str | int, list[Trial]] = {}
    for trial in trials:
        members.setdefault(trial.arm if by == "arm" else trial.repeat, []).append(trial)
    order = [arm.name for arm in spec.arms] if by == "arm" else sorted(members)
    return [_group(str(name), members[name], spec) for name in order if name in members]


def _group(name: str, trials: Sequence[Trial], spec: Spec) -> TrialGroup:
    done = [trial for trial in trials if trial.outcome == Outcome.completed]
    finite = [t for t in done if t.value is not None and math.isfinite(t.value)]
    values = [trial.value for trial in finite if trial.value is not None]
    return TrialGroup(
        name=name,
        trials=len(trials),
        completed=len(done),
        mean=mean_interval(values, rng=np.random.default_rng(0), resamples=RESAMPLES),
        best=next(iter(ranked(finite, spec)), None),
        failures=sum(trial.outcome in FAILURES for trial in trials),
    )
