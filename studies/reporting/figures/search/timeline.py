"""When each training ran, side by side as they shared the machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import altair as alt
import pandas as pd

from studies.records import Trial
from studies.reporting.figures.common import (
    OUTCOMES,
    Info,
    Picture,
    colour,
    counted,
    legend_columns,
)
from studies.reporting.figures.theme import named
from studies.results import StudyResults, duration

BARS = 1000
"""Trainings that are drawn: the last ones."""
PAUSE = 0.1
"""The share of the whole time that nothing ran, from which on it is cut out."""
RUNNING = "running"
UNITS = ((7200.0, 3600.0, "hours"), (120.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))


@dataclass(frozen=True)
class TimelineInfo(Info):
    """A bar for each training, in the first lane that was free."""

    arms: tuple[str, ...]
    unit: str
    lanes: int


@dataclass(frozen=True)
class Span:
    """One training in time, seconds since the first of them."""

    trial: Trial
    start: float
    end: float


def timeline_info(results: StudyResults, shown: Sequence[str], now: datetime) -> TimelineInfo:
    """The last trainings of search and confirmation; `now` is where running ones end."""
    began = [t for t in results.trials if t.started and t.duplicate_of is None and t.arm in shown]
    last = sorted(began, key=lambda trial: str(trial.started))[-BARS:]
    spans, pauses = without_pauses(list(_spans(last, now)))
    lanes = in_lanes(spans)
    whole = max((span.end for span in spans), default=0.0)
    size, unit = next((size, unit) for least, size, unit in UNITS if whole >= least)
    rows = [
        {
            "arm": span.trial.arm or results.study,
            "trial": span.trial.key,
            "phase": span.trial.phase,
            "outcome": str(span.trial.outcome) if span.trial.outcome else RUNNING,
            "lane": lane,
            "start": span.start / size,
            "end": span.end / size,
            "took": duration(span.end - span.start),
            "epochs": span.trial.epochs,
        }
        for span, lane in zip(spans, lanes, strict=True)
    ]
    count = max(lanes, default=0)
    of = f"The last {len(last):,} of " if len(last) < len(began) else ""
    caption = (
        f"{of}{counted(len(began), 'training')} of search and confirmation, up to "
        f"{count} at the same time."
    )
    if pauses:
        cut = duration(sum(pauses))
        caption += f" {counted(len(pauses), 'pause')} in which nothing ran ({cut}) cut out."
    columns = ["arm", "trial", "phase", "outcome", "lane", "start", "end", "took", "epochs"]
    return TimelineInfo(
        data=pd.DataFrame(rows, columns=columns),
        caption=caption,
        alt=f"Timeline of {counted(len(last), 'training')} in {counted(count, 'lane')}",
        arms=tuple(arm or results.study for arm in results.arms),
        unit=unit,
        lanes=count,
    )


def _spans(trials: Sequence[Trial], now: datetime) -> Iterator[Span]:
    """A trial that runs ends now; one that waits to be continued ended when nobody knows."""
    first = min((trial.started for trial in trials if trial.started), default=now)
    for trial in trials:
        assert trial.started is not None
        end = trial.ended or (now if trial.outcome is None else trial.started)
        begin = (trial.started - first).total_seconds()
        yield Span(trial, begin, max(begin, (end - first).total_seconds()))


def without_pauses(spans: Sequence[Span]) -> tuple[list[Span], list[float]]:
    """The spans moved together where nothing ran for long, and what was cut, in seconds.

    Spans are in the order of their starts.
    """
    whole = max((span.end for span in spans), default=0.0)
    moved, pauses = [], []
    busy_until, cut = 0.0, 0.0
    for span in spans:
        idle = span.start - busy_until
        if idle > PAUSE * whole:
            pauses.append(idle)
            cut += idle
        busy_until = max(busy_until, span.end)
        moved.append(Span(span.trial, span.start - cut, span.end - cut))
    return moved, pauses


def in_lanes(spans: Sequence[Span]) -> list[int]:
    """The first lane, counted from 1, that is free when a span starts."""
    free: list[float] = []
    lanes = []
    for span in spans:
        lane = next((i for i, until in enumerate(free) if until <= span.start), len(free))
        free[lane : lane + 1] = [span.end]
        lanes.append(lane + 1)
    return lanes


def draw_timeline(info: TimelineInfo, by: Literal["arm", "outcome"] = "arm") -> Picture:
    """Bars, coloured by arm or by outcome."""
    scale = alt.Scale(
        domain=[*(str(outcome) for outcome in OUTCOMES), RUNNING],
        range=[named(word) for word in (*OUTCOMES, RUNNING)],
    )
    seen = list(dict.fromkeys(info.data["outcome"]))
    legend = alt.Legend(title=None, orient="top", columns=legend_columns(seen), values=seen)
    outcome = alt.Color("outcome:N", scale=scale, legend=legend)
    bars: alt.Chart = (
        alt.Chart(info.data)
        .mark_bar(cornerRadius=1, stroke=named("bar_edge"), strokeWidth=0.4)
        .encode(
            x=alt.X("start:Q", axis=alt.Axis(title=f"{info.unit} since the first of them")),
            x2=alt.X2("end:Q"),
            y=alt.Y("lane:O", axis=alt.Axis(title="at the same time", ticks=False, grid=False)),
            color=colour(info.arms, symbol="square") if by == "arm" else outcome,
            tooltip=[
                alt.Tooltip("trial:N"),
                alt.Tooltip("arm:N"),
                alt.Tooltip("phase:N"),
                alt.Tooltip("outcome:N"),
                alt.Tooltip("took:N"),
                alt.Tooltip("epochs:Q"),
            ],
        )
        .properties(height=36 * info.lanes + 130)
    )
    return bars
