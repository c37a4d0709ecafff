"""One trial: its curves, and what makes its configuration another than a second one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import altair as alt
import pandas as pd

from lightning_modules.configuration import flatten
from lightning_modules.optimization.metrics import goal_of
from studies.home import slug
from studies.records import Trial
from studies.reporting.figures.axes import MetricAxis, metric_axis, whole_axis
from studies.reporting.figures.common import (
    KEY,
    PHONE,
    Info,
    Picture,
    counted,
    legend_columns,
    number_format,
)
from studies.reporting.figures.curves import (
    PLAIN,
    CurveOptions,
    leaving,
    leaving_marks,
    leaving_note,
    with_smooth,
)
from studies.reporting.figures.theme import arm_colours
from studies.results import StudyResults, value_text
from studies.results.wording import listed
from studies.study_file.reading.yaml_text import yaml_of

PARTS = {"train": "training", "val": "validation", "test": "test", "": "logged"}
PART_DASHES = {
    "validation": (1, 0),
    "training": (5, 3),
    "test": (2, 2),
    "logged": (1, 0),
    "learning rate": (1, 0),
    "seconds per epoch": (1, 0),
}
"""The dash of every line; training is thin as well."""
RATE, SECONDS = "optim/lr", "time/epoch_s"
TITLES = {RATE: "learning rate", SECONDS: "seconds per epoch"}
MOST_TRIALS = 6
"""Trials that are told apart by their colours."""
LINE = ["trial", "part"]
Curves = Mapping[str, Mapping[int, float]]
"""{metric: {epoch: value}} of one trial."""


@dataclass(frozen=True)
class CurvesInfo(Info):
    """One metric of one to six trials after every epoch, on all parts of the data."""

    name: str
    """The metric without its part, such as `accuracy`."""
    trials: tuple[str, ...]
    axis: MetricAxis
    best: pd.DataFrame
    """The best epoch of each trial, on each of its lines but those of the training part."""
    leaving: pd.DataFrame
    """Where lines leave the axis."""
    options: CurveOptions


def split_name(metric: str) -> tuple[str, str]:
    """The part of the data and the rest of a name: `val/loss` and, as some write it, `val_loss`."""
    found = re.fullmatch(r"(train|val|test)[/_](.+)", metric)
    return (found[1], found[2]) if found else ("", metric)


def curve_names(of_trials: Sequence[Curves]) -> list[str]:
    """The metrics that get a picture each: those of the model first, then rate and time."""
    logged = dict.fromkeys(name for curves in of_trials for name, curve in curves.items() if curve)
    names = dict.fromkeys(split_name(name)[1] for name in logged if name not in TITLES)
    return [*names, *(name for name in TITLES if name in logged)]


def curves_info(
    name: str, of_trials: Sequence[tuple[Trial, Curves]], options: CurveOptions = PLAIN
) -> CurvesInfo:
    """A metric by epoch of one to six trials.

    Raises ValueError for more of them, whose colours could not be told apart.
    """
    if not 1 <= len(of_trials) <= MOST_TRIALS:
        raise ValueError(f"trials must be 1 to {MOST_TRIALS}, got {len(of_trials)}")
    rows, bests = [], {trial.key: trial.best_epoch for trial, _ in of_trials}
    for trial, curves in of_trials:
        for metric, curve in curves.items():
            part, rest = split_name(metric)
            if name not in (metric, rest):
                continue
            part = TITLES.get(metric, PARTS.get(part, part))
            rows += [
                {"trial": trial.key, "part": part, "epoch": epoch, "value": value}
                for epoch, value in sorted(curve.items())
            ]
    data = pd.DataFrame(rows, columns=[*LINE, "epoch", "value"]).astype({"value": float})
    data = with_smooth(data, "value", LINE, options.smoothing)
    axis = _axis(name, data, options)
    left = leaving(data, axis, "value", LINE)
    at_best = data["epoch"].eq(data["trial"].map(bests)) & data["part"].ne("training")
    epochs = data["epoch"].nunique()
    caption = counted(epochs, "epoch")
    caption += "; a ring marks the best one of a trial." if at_best.any() else "."
    if data["part"].eq("training").any():
        caption += " Thin and dashed: on the training part."
    return CurvesInfo(
        data=data,
        caption=f"{caption}{options.note}{leaving_note(left, name)}",
        alt=f"{TITLES.get(name, name)} of {listed(list(bests))} in {counted(epochs, 'epoch')}",
        name=name,
        trials=tuple(bests),
        axis=axis,
        best=data[at_best],
        leaving=left,
        options=options,
    )


def _axis(name: str, data: pd.DataFrame, options: CurveOptions) -> MetricAxis:
    """Rates are on a logarithmic axis with all of them."""
    lines = [line.tolist() for _, line in data.groupby(LINE)["value"]]
    rate = name == RATE
    axis = metric_axis(lines, name, goal_of(name), log=rate, outliers=rate or options.outliers)
    return replace(axis, title=TITLES.get(name, ""))


def draw_curves(info: CurvesInfo) -> Picture:
    """A colour for each trial, a dash for each part."""
    written = ".3~e" if info.name == RATE else number_format(info.name)
    x = whole_axis("epoch", "epoch", info.data["epoch"])
    colours = alt.Scale(domain=list(info.trials), range=arm_colours(info.trials))
    several = len(info.trials) > 1
    color = alt.Color(
        "trial:N", scale=colours, legend=_legend(info.trials, 3, "top") if several else None
    )
    seen = [part for part in PART_DASHES if part in set(info.data["part"])]
    parts = alt.Scale(domain=list(PART_DASHES), range=[list(each) for each in PART_DASHES.values()])
    told = len(seen) > 1
    dashes = alt.StrokeDash(
        "part:N", scale=parts, legend=_legend(seen, 2, "bottom") if told else None
    )
    base = alt.Chart(info.data).encode(x=x, color=color, detail=alt.Detail("part:N"))
    about = [
        alt.Tooltip("trial:N"),
        alt.Tooltip("part:N"),
        alt.Tooltip("epoch:Q"),
        alt.Tooltip("value:Q", format=written),
    ]
    layers = []
    if info.options.smoothing:
        layers.append(
            base.mark_line(strokeWidth=0.6, clip=True).encode(y=info.axis.encoding(alt.Y, "value"))
        )
    for training, width in ((True, 1.2), (False, 2.4)):
        part = base.transform_filter(f"(datum.part === 'training') === {str(training).lower()}")
        line = part.mark_line(strokeWidth=width, clip=True)
        layers.append(line.encode(y=info.axis.encoding(alt.Y, "smooth"), strokeDash=dashes))
    fill = alt.Fill("trial:N", scale=colours, legend=None)
    points = alt.Chart(info.data).mark_circle(size=18, opacity=1, clip=True).encode(x=x, fill=fill)
    layers.append(points.encode(y=info.axis.encoding(alt.Y, "value"), tooltip=about))
    if not info.best.empty:
        rings = alt.Chart(info.best).mark_point(size=130, strokeWidth=2, opacity=1, clip=True)
        layers.append(
            rings.encode(
                x=x,
                y=info.axis.encoding(alt.Y, "value"),
                stroke=alt.Stroke("trial:N", scale=colours, legend=None),
                tooltip=[*about[:2], alt.Tooltip("epoch:Q", title="best epoch"), about[3]],
            )
        )
    layers += leaving_marks(info.leaving, info.axis, x, fill)
    return alt.layer(*layers).properties(height=330)


def _legend(names: Sequence[str], width: float, orient: Literal["top", "bottom"]) -> alt.Legend:
    return alt.Legend(
        title=None,
        orient=orient,
        columns=legend_columns(names),
        labelLimit=PHONE - KEY,
        symbolType="stroke",
        symbolStrokeWidth=width,
        symbolOpacity=1,
        values=list(names),
    )


@dataclass(frozen=True)
class Difference:
    """The configuration of a trial beside others, a row for each place."""

    table: pd.DataFrame
    """`parameter`, then a column for each trial; every value as text."""
    differing: int
    """Places in which the first trial is unlike any other."""


def difference(trial: Trial, others: Mapping[str, Trial], *, only: bool) -> Difference:
    """A trial's configuration beside those of `others` by the name of their column; with `only`
    the places in which they differ."""
    columns = {trial.key: trial} | dict(others)
    flat = {
        name: {place: value_text(value) for place, value in flatten(each.configuration)}
        for name, each in columns.items()
    }
    places = list(dict.fromkeys(place for values in flat.values() for place in values))
    rows = [{"parameter": p} | {name: v.get(p, "–") for name, v in flat.items()} for p in places]
    unlike = [len({v.get(place, "–") for v in flat.values()}) > 1 for place in places]
    table = pd.DataFrame(rows, columns=["parameter", *columns])
    return Difference(table[unlike] if only else table, sum(unlike))


def defaults_of(results: StudyResults, trial: Trial) -> Trial | None:
    """The trial with the defaults in the same search of a trial's arm."""
    search = (trial.arm, trial.repeat)
    return next((t for t in results.trials if t.default and (t.arm, t.repeat) == search), None)


def best_first(results: StudyResults) -> list[str]:
    """Every trial by its key: the completed ones of the search from the best, then the others."""
    ranked = [trial.key for trial in results.ranking]
    return list(dict.fromkeys([*ranked, *(trial.key for trial in results.trials)]))


def study_file(study: str, trial: Trial) -> str:
    """A study file of a trial's configuration with no ranges, which trains it once on the split of
    the trial."""
    name = slug(f"{study[:60]}-{trial.key}")[:100]
    configuration, data = dict(trial.configuration), trial.configuration.get("data", {})
    if "split_seed" in data:
        configuration["data"] = {**data, "split_seed": trial.split_seed}
    return yaml_of({"study": name, **configuration, "search": {"trials": 1}})
