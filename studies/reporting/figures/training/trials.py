"""One trial: its curves, and what makes its configuration another than a second one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt
import pandas as pd

from lightning_modules.configuration import flatten
from studies.home import slug
from studies.records import Trial
from studies.reporting.figures.axes import value_axis, whole_axis
from studies.reporting.figures.common import (
    Info,
    Picture,
    counted,
    number_format,
)
from studies.reporting.figures.theme import named
from studies.results import StudyResults, value_text
from studies.study_file.reading.yaml_text import yaml_of

PARTS = {"train": "training", "val": "validation", "test": "test", "": "logged"}
RATE, SECONDS = "optim/lr", "time/epoch_s"
TITLES = {RATE: "learning rate", SECONDS: "seconds per epoch"}
LINES = {
    "training": "training",
    "validation": "validation",
    "test": "test",
    "logged": "logged",
    "learning rate": "accent",
    "seconds per epoch": "neutral",
}
"""The colour of every line."""
WHO_DASHES = ([1, 0], [4, 3])
Curves = Mapping[str, Mapping[int, float]]
"""{metric: {epoch: value}} of one trial."""


@dataclass(frozen=True)
class CurvesInfo(Info):
    """One metric of one trial after every epoch, on all parts of the data; beside another trial."""

    name: str
    """The metric without its part, such as `accuracy`."""
    trials: tuple[str, ...]
    best: pd.DataFrame
    """The best epoch of each trial."""
    log: bool


def split_name(metric: str) -> tuple[str, str]:
    """The part of the data and the rest of a name: `val/loss` and, as some write it, `val_loss`."""
    found = re.fullmatch(r"(train|val|test)[/_](.+)", metric)
    return (found[1], found[2]) if found else ("", metric)


def curve_names(of_trials: Sequence[Curves]) -> list[str]:
    """The metrics that get a picture each: those of the model first, then rate and time."""
    logged = dict.fromkeys(name for curves in of_trials for name, curve in curves.items() if curve)
    names = dict.fromkeys(split_name(name)[1] for name in logged if name not in TITLES)
    return [*names, *(name for name in TITLES if name in logged)]


def curves_info(name: str, of_trials: Sequence[tuple[Trial, Curves]]) -> CurvesInfo:
    """A metric of one or two trials by epoch."""
    rows, best = [], []
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
        if trial.best_epoch is not None:
            best.append({"trial": trial.key, "epoch": trial.best_epoch})
    data = pd.DataFrame(rows, columns=["trial", "part", "epoch", "value"])
    epochs = data["epoch"].nunique()
    caption = counted(epochs, "epoch") + ("; the rule marks the best one" if best else "") + "."
    if len(of_trials) > 1:
        caption += f" Dashed: {of_trials[1][0].key}."
    return CurvesInfo(
        data=data,
        caption=caption,
        alt=f"{TITLES.get(name, name)} of {of_trials[0][0].key} in {counted(epochs, 'epoch')}",
        name=name,
        trials=tuple(trial.key for trial, _ in of_trials),
        best=pd.DataFrame(best, columns=["trial", "epoch"]),
        log=name == RATE and bool((data["value"] > 0).all()),
    )


def draw_curves(info: CurvesInfo) -> Picture:
    """A line for each part; the second trial is dashed."""
    written = ".3~e" if info.name == RATE else number_format(info.name)
    title = TITLES.get(info.name, info.name)
    axis, scale = value_axis(info.name, title), alt.Scale(zero=False)
    if info.log:
        axis = alt.Axis(title=title, format=".1~e", tickCount=5, grid=False)
        scale = alt.Scale(type="log")
    parts = [part for part in PARTS.values() if part in set(info.data["part"])]
    base = alt.Chart(info.data).encode(
        x=whole_axis("epoch", "epoch", info.data["epoch"]),
        y=alt.Y("value:Q", axis=axis, scale=scale),
        color=alt.Color(
            "part:N",
            scale=alt.Scale(domain=list(LINES), range=[named(colour) for colour in LINES.values()]),
            legend=alt.Legend(title=None, orient="top", values=parts) if parts else None,
        ),
        strokeDash=alt.StrokeDash(
            "trial:N",
            scale=alt.Scale(domain=list(info.trials), range=list(WHO_DASHES)),
            legend=None,
        ),
        tooltip=[
            alt.Tooltip("trial:N"),
            alt.Tooltip("part:N"),
            alt.Tooltip("epoch:Q"),
            alt.Tooltip("value:Q", format=written),
        ],
    )
    rule = alt.Chart(info.best).encode(
        x=alt.X("epoch:Q"),
        strokeDash=alt.StrokeDash(
            "trial:N",
            scale=alt.Scale(domain=list(info.trials), range=list(WHO_DASHES)),
            legend=None,
        ),
        tooltip=[alt.Tooltip("trial:N"), alt.Tooltip("epoch:Q", title="best epoch")],
    )
    return alt.layer(
        rule.mark_rule(color=named("best_epoch"), opacity=0.8),
        base.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=16)),
    ).properties(height=240)


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
