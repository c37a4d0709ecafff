"""The objective against one searched parameter: where it is best, where training breaks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import altair as alt
import pandas as pd

from studies.records import Outcome, Trial
from studies.reporting.figures.axes import (
    Axis,
    MetricAxis,
    metric_axis,
    number_axis,
    parameter_encoding,
)
from studies.reporting.figures.common import (
    Info,
    Picture,
    colour,
    counted,
    dash,
    layered,
    number_format,
    paint,
    shape,
)
from studies.reporting.figures.points import (
    arrows,
    beyond_note,
    thinned,
    values_by_arm,
    with_room,
)
from studies.results import StudyResults, is_share, level, value_of
from studies.statistics import Goal
from studies.study_file import Arm, Choice, Range

BINS = 8
"""Bins along the whole range; along a logarithmic one, two for each power of ten."""
WIDE = 100
"""Listed values that reach so many times as far are on a logarithmic axis."""
SMALL = 180
"""Pixels of one of small multiples."""
FEW = 300
"""Diverged trainings of which every one is drawn."""
NEAR_SHARE, NEAR = 0.01, 0.05
"""What counts as near the best: a point of a share, a twentieth of any other value."""


@dataclass(frozen=True)
class EffectInfo(Info):
    """Trials by the value of one parameter."""

    x: Axis
    """All that is searched."""
    y: MetricAxis
    every: pd.DataFrame
    """All trials; of many, not all are drawn."""
    bins: pd.DataFrame
    """The best completed trial of each arm in each bin."""
    arms: tuple[str, ...]

    @cached_property
    def sensitivity(self) -> pd.DataFrame:
        """How much depends on the parameter, see `sensitivity`."""
        return sensitivity(self)


def searched_numbers(arms: Sequence[Arm], prefix: str) -> dict[str, bool]:
    """The numbers below `prefix` that any of the arms searches, and whether that is logarithmic;
    an empty prefix has all below it."""
    found: dict[str, bool] = {}
    for arm in arms:
        for name, node in arm.space.parameters():
            if prefix and name != prefix and not name.startswith(f"{prefix}."):
                continue
            if isinstance(node, Range):
                found[name] = found.get(name, False) or node.log
            elif isinstance(node, Choice) and all(_is_number(value) for value in node.values):
                low, high = min(node.values), max(node.values)
                found.setdefault(name, low > 0 and high / low >= WIDE)
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def effect_info(
    results: StudyResults,
    parameter: str,
    metric: str,
    goal: Goal,
    shown: Sequence[str],
    *,
    log: bool,
    log_metric: bool = False,
) -> EffectInfo:
    """Every trial of the search that has the parameter, and the best of each bin; with `log` and
    `log_metric` on logarithmic axes."""
    data = _trials(results, parameter, metric, shown, log)
    completed = data[(data["outcome"] == Outcome.completed) & data["value"].notna()]
    best = _best_of_bins(completed, goal, log)
    diverged = int((data["outcome"] == Outcome.diverged).sum())
    y = metric_axis(values_by_arm(completed), metric, goal, log=log_metric)
    every = data.join(y.placed(data["value"]))
    every = every if len(completed) else every.iloc[:0]
    keep = every["default"] | every.index.isin([*best.index, *_ends(completed)])
    if diverged <= FEW:
        keep |= every["outcome"] == Outcome.diverged
    x = number_axis(results, parameter, data["parameter"].tolist(), log=log)
    drawn = thinned(every, keep=keep)
    drawn = with_room(drawn, [x.position(place) for place in drawn["parameter"]])
    beyond = beyond_note(every, metric) if len(completed) else ""
    few = f" {len(drawn):,} of them are drawn, in equal steps." if len(drawn) < len(every) else ""
    return EffectInfo(
        data=drawn,
        caption=(
            f"{counted(len(data), 'trial')} of the search, {len(completed)} of them completed."
            f"{few} The line joins the best of each bin; a ring marks the defaults"
            + (f"; × marks {counted(diverged, 'training')} that diverged." if diverged else ".")
            + (f" {beyond}" if beyond else "")
        ),
        alt=f"{metric} against {parameter}, best value of each bin, {diverged} diverged",
        x=x,
        y=y,
        every=every,
        bins=best.reset_index(drop=True),
        arms=tuple(arm or results.study for arm in results.arms),
    )


def sensitivity(info: EffectInfo) -> pd.DataFrame:
    """For each arm the best value and where it is, how far that reaches, and what diverged."""
    rows = []
    for arm in [arm for arm in info.arms if arm in set(info.bins["arm"])]:
        trials = info.every[info.every["arm"] == arm]
        best, wide, near = near_best(info, arm)
        defaults = trials[trials["default"]]
        rows.append(
            {
                "arm": arm,
                "best": level(info.y.metric, float(best["value"])),
                "at": f"{best['parameter']:.3g}",
                near: f"{wide.min():.3g} to {wide.max():.3g}",
                "defaults": level(info.y.metric, _first(defaults["value"])),
                "defaults at": "–" if defaults.empty else f"{_first(defaults['parameter']):.3g}",
                "diverged": f"{(trials['outcome'] == Outcome.diverged).mean():.0%}",
            }
        )
    return pd.DataFrame(rows)


def near_best(info: EffectInfo, arm: str) -> tuple[pd.Series[Any], pd.Series[float], str]:
    """The best trial of an arm by bins, the values of its trials that are near it, without a bin
    between them whose best is not, and what near means."""
    bins = info.bins[info.bins["arm"] == arm].sort_values("parameter")
    best = bins.sort_values("value", ascending=info.y.goal == "minimize").iloc[0]
    share = is_share(info.y.metric)
    near = NEAR_SHARE if share else NEAR * abs(float(best["value"]))
    far = bins[(bins["value"] - best["value"]).abs() > near]["parameter"]
    low = far[far < best["parameter"]].max()
    high = far[far > best["parameter"]].min()
    trials = info.every[(info.every["arm"] == arm) & info.every["value"].notna()]
    wide = trials[(trials["value"] - best["value"]).abs() <= near]["parameter"]
    wide = wide[~(wide <= low) & ~(wide >= high)]  # NaN where no bin is far
    return best, wide, "within 1 point" if share else f"within {NEAR:.0%}"


def _first(values: pd.Series[float]) -> float:
    return math.nan if values.empty else float(values.iloc[0])


def _trials(
    results: StudyResults, parameter: str, metric: str, shown: Sequence[str], log: bool
) -> pd.DataFrame:
    """A row for each trial of the search that has the parameter, with a place on the axis."""
    known = [
        (t, at)
        for t in results.search
        if t.arm in shown and (at := _number(t, parameter)) is not None and (at > 0 or not log)
    ]
    trials = [trial for trial, _ in known]
    return pd.DataFrame(
        {
            "arm": [trial.arm or results.study for trial in trials],
            "trial": [trial.key for trial in trials],
            "parameter": pd.Series([at for _, at in known], dtype=float),
            "value": pd.Series([value_of(trial, metric) for trial in trials], dtype=float),
            "outcome": [str(trial.outcome) for trial in trials],
            "default": pd.Series([trial.default for trial in trials], dtype=bool),
        }
    )


def _ends(completed: pd.DataFrame) -> list[int]:
    """The rows that the axes reach to."""
    numbers = completed[["parameter", "value"]]
    return [] if completed.empty else [*numbers.idxmin(), *numbers.idxmax()]


def _number(trial: Trial, parameter: str) -> float | None:
    value = trial.params.get(parameter)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _best_of_bins(completed: pd.DataFrame, goal: Goal, log: bool) -> pd.DataFrame:
    """The best of each bin and how many it has, by the row in which it was found."""
    low, high = completed["parameter"].min(), completed["parameter"].max()
    width = (high - low) / BINS or 1.0

    def bin_of(x: float) -> int:
        return math.floor(2 * math.log10(x)) if log else min(int((x - low) / width), BINS - 1)

    binned = completed.assign(bin=[bin_of(x) for x in completed["parameter"]])
    binned["trials"] = binned.groupby(["arm", "bin"])["value"].transform("size")
    ordered = binned.sort_values("value", ascending=goal == "minimize", kind="stable")
    best = ordered.drop_duplicates(["arm", "bin"]).sort_values(["arm", "bin"])
    return best[["arm", "parameter", "value", "trials"]]


def draw_effect(info: EffectInfo, tall: int = 340) -> Picture:
    """Points, lines through the best, and marks for what failed; `tall` is in pixels."""
    x = parameter_encoding(info.x, alt.X, "parameter")
    written = number_format(info.y.metric)
    about = [
        alt.Tooltip("trial:N"),
        alt.Tooltip("arm:N"),
        alt.Tooltip("parameter:Q", format=".3~e" if info.x.log else ".4~g", title=info.x.name),
        alt.Tooltip("value:Q", format=written),
        alt.Tooltip("outcome:N"),
    ]
    shown = set(info.data["arm"])
    coloured = colour(info.arms, shown=shown)
    base = alt.Chart(info.data).encode(x=x, tooltip=about)
    filled, lined = (
        base.encode(fill=paint(info.arms)),
        base.encode(stroke=paint(info.arms, alt.Stroke)),
    )
    completed = filled.transform_filter("datum.outcome === 'completed' && !datum.beyond")
    points = completed.mark_point(size=26, filled=True, opacity=1).encode(shape=shape(info.arms))
    defaults = lined.transform_filter("datum.default && datum.outcome === 'completed'").mark_point(
        size=180, strokeWidth=2, opacity=1
    )
    line = (
        alt.Chart(info.bins)
        .mark_line(strokeWidth=2, clip=True)
        .encode(
            x=x,
            y=info.y.encoding(alt.Y, "value"),
            color=coloured,
            strokeDash=dash(info.arms, shown=shown),
        )
    )
    y = info.y.encoding(alt.Y, "shown")
    layers = [line, points.encode(y=y), defaults.encode(y=y)]
    if info.data["beyond"].any():
        layers += arrows(filled, info.y)
    if (info.data["outcome"] == Outcome.diverged).any():
        failed = lined.transform_filter("datum.outcome === 'diverged'").mark_point(
            shape="cross", size=60, angle=45, strokeWidth=2, opacity=1
        )
        layers.append(failed.encode(y=y))
    return layered(*layers).properties(height=tall)


def draw_small_effect(info: EffectInfo) -> Picture:
    """The same as one of small multiples, which have room for the end of a name."""
    _, _, end = info.x.name.partition(".")
    return draw_effect(replace(info, x=replace(info.x, name=end or info.x.name)), SMALL)
