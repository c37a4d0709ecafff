"""The trials of a search as points: what every figure of single trials is made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from studies.records import Outcome, Trial
from studies.reporting.figures.common import counted
from studies.results import StudyResults, value_of
from studies.statistics import Goal

DRAWN = 3000
"""Points that a figure has; of more trials, so many in equal steps."""
DRAWN_SMALL, BEST = 500, 50
"""The same where several stand side by side; the best ones are always among them."""
CROSS = "M-1,-1L1,1M1,-1L-1,1"
"""×, which Vega's own marks have not."""
REACH = 4.0
"""How far an axis reaches to the bad side of the median, in distances from the best to it..."""
FEW, FEWEST = 0.1, 4
"""... if no more than this share of the values lie beyond; among so few values none do."""
COLUMNS = ["arm", "trial", "at", "epochs", "value", "outcome", "default"]


@dataclass(frozen=True)
class Points:
    """Trials of a search in the order in which they ended."""

    data: pd.DataFrame
    """`at` counts an arm's trials from 1, `epochs` is what it had spent by then; `shown` is the
    value where the axis has it, else the end of the axis."""
    metric: str
    goal: Goal
    end: float
    """The bad end of the axis, where trials without a value and values beyond it are drawn."""
    trials: Sequence[Trial]
    """The trial of every row."""

    @property
    def completed(self) -> pd.DataFrame:
        """Those with a value."""
        return self.data[self.data["outcome"].eq("completed") & self.data["value"].notna()]

    @property
    def beyond(self) -> int:
        """How many values lie beyond the axis."""
        completed = self.completed
        return int((completed["value"] != completed["shown"]).sum())


def trial_points(results: StudyResults, metric: str, goal: Goal, shown: Sequence[str]) -> Points:
    """Every trial of the search of some arms that has ended."""
    rows, trials = [], []
    for arm in shown:
        spent, ended = 0, [t for t in results.search if t.arm == arm]
        for at, trial in enumerate(sorted(ended, key=lambda trial: str(trial.ended)), start=1):
            spent += trial.epochs
            value = value_of(trial, metric) if trial.outcome == Outcome.completed else None
            rows.append(
                {"arm": arm or results.study, "trial": trial.key, "at": at, "epochs": spent}
                | {"value": value, "outcome": str(trial.outcome), "default": trial.default}
            )
            trials.append(trial)
    data = pd.DataFrame(rows, columns=COLUMNS).astype({"value": float})
    end = axis_end(data["value"].dropna().tolist(), goal)
    values = data["value"]
    clipped = values.clip(lower=end) if goal == "maximize" else values.clip(upper=end)
    return Points(data.assign(shown=clipped.fillna(end)), metric, goal, end, trials)


def results_of_search(results: StudyResults, repeat: int) -> StudyResults:
    """The study with one search of each arm: values of different splits are no one picture."""
    return replace(results, trials=[t for t in results.trials if t.repeat == repeat])


def axis_end(values: Sequence[float], goal: Goal) -> float:
    """The bad end of an axis on which the good values can be told apart; NaN without values.

    It is the worst value, unless the few worst ones are far beyond all others.
    """
    if not len(values):
        return float("nan")
    sign = 1 if goal == "maximize" else -1
    found = np.sort(sign * np.asarray(values, dtype=float))
    few = max(1, int(FEW * len(found))) if len(found) > FEWEST else 0
    median = float(np.median(found))
    limit = min(median - REACH * (found[-1] - median), float(found[few]))
    return sign * (limit if found[0] < limit else float(found[0]))


def thinned(data: pd.DataFrame, limit: int = DRAWN, keep: pd.Series | None = None) -> pd.DataFrame:
    """At most about `limit` rows in equal steps, and those to `keep`."""
    if len(data) <= limit:
        return data
    chosen = np.zeros(len(data), dtype=bool)
    chosen[np.linspace(0, len(data) - 1, limit).astype(int)] = True
    return data[chosen if keep is None else chosen | keep.to_numpy()]


def thinned_small(data: pd.DataFrame, goal: Goal) -> pd.DataFrame:
    """Fewer rows, for one of several figures: in equal steps, and the best ones."""
    standing = data["value"].rank(ascending=goal == "minimize", method="first")
    return thinned(data, DRAWN_SMALL, standing <= BEST)


def point_notes(points: Points, drawn: int) -> Iterator[str]:
    """What a reader must know of the points that have no place of their own."""
    if drawn < len(points.data):
        yield f"{drawn:,} of {counted(len(points.data), 'trial')} are drawn, in equal steps."
    ended = points.data["outcome"].value_counts()
    without = int(points.data["value"].isna().sum())
    if without:
        named = ", ".join(
            f"{count:,} {outcome}" for outcome, count in ended.items() if outcome != "completed"
        )
        yield f"× at the edge: {named or without}, without a value."
    if points.beyond:
        yield f"{counted(points.beyond, 'value')} beyond the axis, at its end."
