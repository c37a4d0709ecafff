"""The trials of a search as points: what every figure of single trials is made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from studies.records import Outcome, Trial
from studies.reporting.figures.axes import MetricAxis, metric_axis
from studies.reporting.figures.common import counted
from studies.reporting.figures.theme import named
from studies.results import StudyResults, level, value_of
from studies.statistics import Goal

DRAWN = 3000
"""Points that a figure has; of more trials, so many in equal steps."""
DRAWN_SMALL, BEST = 500, 50
"""The same where several stand side by side; the best ones are always among them."""
CROSS = "M-1,-1L1,1M1,-1L-1,1"
"""×, which Vega's own marks have not."""
ARROW, LETTER = 0.03, 0.022
"""Of a figure's width on a phone: an arrow with its margin, and a letter beside it."""
COLUMNS = ["arm", "trial", "at", "epochs", "value", "outcome", "default"]


@dataclass(frozen=True)
class Points:
    """Trials of a search in the order in which they ended."""

    data: pd.DataFrame
    """`at` counts an arm's trials from 1, `epochs` is what it had spent by then; for `shown`,
    `beyond` and `number` see `MetricAxis.placed`."""
    axis: MetricAxis
    trials: Sequence[Trial]
    """The trial of every row."""

    @property
    def metric(self) -> str:
        """Whose values they are."""
        return self.axis.metric

    @property
    def goal(self) -> Goal:
        """Whether more is better."""
        return self.axis.goal

    @property
    def completed(self) -> pd.DataFrame:
        """Those with a value."""
        return self.data[self.data["outcome"].eq("completed") & self.data["value"].notna()]


def trial_points(
    results: StudyResults,
    metric: str,
    goal: Goal,
    shown: Sequence[str],
    *,
    log_metric: bool = False,
) -> Points:
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
    axis = metric_axis(values_by_arm(data), metric, goal, log=log_metric)
    return Points(data.join(axis.placed(data["value"])), axis, trials)


def values_by_arm(data: pd.DataFrame) -> list[Sequence[float]]:
    """The values of each arm that has any."""
    return [list(values) for _, values in data.dropna(subset=["value"]).groupby("arm")["value"]]


def results_of_search(results: StudyResults, repeat: int) -> StudyResults:
    """The study with one search of each arm: values of different splits are no one picture."""
    return replace(results, trials=[t for t in results.trials if t.repeat == repeat])


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
    if said := beyond_note(points.data, points.metric):
        yield said


def beyond_note(data: pd.DataFrame, metric: str) -> str:
    """How many values lie beyond the axis, and the worst of them; empty where none does."""
    beyond = data[data["beyond"].astype(bool)]
    if beyond.empty:
        return ""
    bad = max(beyond["value"].tolist(), key=abs)
    return (
        f"Arrows at the edge: {counted(len(beyond), 'value')} beyond the axis, up to "
        f"{level(metric, bad)}."
    )


def with_room(data: pd.DataFrame, places: Sequence[float]) -> pd.DataFrame:
    """The rows of `MetricAxis.placed` without numbers that would lie on each other, those of the
    worst values first.

    `places` are from 0 to 1 along the edge. A number is written towards the middle, `to_left` or
    to the right of its arrow, so that none leaves the figure.
    """
    number, to_left = [""] * len(data), [place > 0.5 for place in places]
    taken: list[tuple[float, float]] = []
    rows = zip(range(len(data)), data["value"].tolist(), data["number"].tolist(), strict=True)
    for row, _, text in sorted((r for r in rows if r[2]), key=lambda r: -abs(r[1])):
        width = ARROW + LETTER * len(text)
        start = places[row] - (width if to_left[row] else ARROW)
        end = start + width + ARROW
        if all(end <= low or start >= high for low, high in taken):
            taken.append((start, end))
            number[row] = text
    return data.assign(number=number, to_left=to_left)


def with_room_in_rows(data: pd.DataFrame, axis: MetricAxis, row: str) -> pd.DataFrame:
    """The same for a horizontal axis: each row of the figure has the number of its worst value."""
    size = data["value"].where(data["beyond"]).abs()
    worst = size.eq(size.groupby(data[row]).transform("max"))
    number = data["number"].where(worst, "")
    return data.assign(number=number, to_left=axis.goal == "minimize")


def along(values: pd.Series[Any]) -> list[float]:
    """The place of every value between the lowest and the highest, from 0 to 1."""
    low, high = values.min(), values.max()
    return [0.5 if low == high else float((value - low) / (high - low)) for value in values]


def arrows(base: alt.Chart, axis: MetricAxis) -> list[alt.Chart]:
    """Marks for values beyond a vertical axis, and their numbers where there is room; `base` has
    the columns of `with_room`, x and fill."""
    down = axis.goal == "maximize"
    there = base.transform_filter("datum.beyond").encode(y=axis.encoding(alt.Y, "shown"))
    marks = there.mark_point(
        shape=f"triangle-{'down' if down else 'up'}", filled=True, size=80, opacity=1
    )
    height = -3 if down else 8
    return [marks, *_numbers(there, 8, height)]


def arrows_across(base: alt.Chart, axis: MetricAxis) -> list[alt.Chart]:
    """The same for a horizontal axis, with the number of each row above its arrow; `base` has
    y and fill."""
    left = axis.goal == "maximize"
    there = base.transform_filter("datum.beyond").encode(x=axis.encoding(alt.X, "shown"))
    marks = there.mark_point(
        shape=f"triangle-{'left' if left else 'right'}", filled=True, size=80, opacity=1
    )
    return [marks, *_numbers(there, 0, -11)]


def _numbers(there: alt.Chart, dx: int, dy: int) -> Iterator[alt.Chart]:
    """Texts on the inner sides of their arrows."""
    for wanted, align, sign in (("datum.to_left", "right", -1), ("!datum.to_left", "left", 1)):
        texts = there.transform_filter(f"datum.number && {wanted}").mark_text(
            align=align,  # type: ignore[arg-type]
            dx=sign * dx,
            dy=dy,
            fontSize=11,
        )
        yield texts.encode(text=alt.Text("number:N"), fill=alt.value(named("reference")))
