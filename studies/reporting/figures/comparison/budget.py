"""What more repeats or fresh seeds would show, and what that costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import altair as alt
import pandas as pd

from studies.analysis import Comparison
from studies.analysis.budget_options import BudgetOption, budget_options
from studies.reporting.figures.common import Info, Picture
from studies.reporting.figures.theme import named
from studies.results import StudyResults, duration, is_share
from studies.results.wording import name_of
from studies.sentences.effects import in_percent, shown_from
from studies.statistics import SECOND_LOOK_ALPHA

SEED_COLOURS = ("accent", "chance", "training")
SEED_DASHES = ((1, 0), (6, 3), (2, 2))
"""Of the numbers of fresh seeds, what the study has first."""
NOW = "today"


@dataclass(frozen=True)
class BudgetInfo(Info):
    """The smallest difference that is shown 8 times in 10, by repeats and fresh seeds."""

    unit: str
    """What differences are counted in."""
    seeds: tuple[str, ...]
    """In words, what the study has first."""
    repeats: tuple[int, ...]


def budget_info(results: StudyResults, comparison: Comparison) -> BudgetInfo:
    """What the study shows today, and what it would with more; empty where nothing is known."""
    options = [
        option for option in budget_options(results, comparison) if math.isfinite(option.gap)
    ]
    rows = [
        {
            "repeats": option.repeats,
            "seeds": _seeds(option.seeds),
            "gap": _number(comparison, option.gap),
            "shown": shown_from(comparison, option.gap),
            "time": f"+ {duration(option.seconds)}" if option.command else NOW,
            "today": not option.command,
            "command": option.command,
        }
        for option in options
    ]
    columns = ["repeats", "seeds", "gap", "shown", "time", "today", "command"]
    return BudgetInfo(
        data=pd.DataFrame(rows, columns=columns),
        caption=(
            "The smallest true difference that is shown 8 times in 10. Beside each point stands "
            "the training time that it adds, on one worker. Repeats after a verdict are judged at "
            f"p <= {SECOND_LOOK_ALPHA:g}, so that a few more of them show less."
        ),
        alt=_told(comparison, options),
        unit=_unit(comparison),
        seeds=tuple(dict.fromkeys(row["seeds"] for row in rows)),  # type: ignore[misc]
        repeats=tuple(sorted({option.repeats for option in options})),
    )


def _seeds(count: int) -> str:
    return f"{count} fresh seed{'' if count == 1 else 's'} of each winner"


def _number(comparison: Comparison, gap: float) -> float:
    if comparison.design.logarithms:
        return in_percent(comparison, gap)
    return 100 * gap if is_share(comparison.metric) else gap


def _unit(comparison: Comparison) -> str:
    if comparison.design.logarithms:
        return "%"
    return "points" if is_share(comparison.metric) else name_of(comparison.metric)


def _told(comparison: Comparison, options: list[BudgetOption]) -> str:
    said = "The smallest difference that is shown 8 times in 10, by repeats and fresh seeds"
    if not options:
        return said
    first, last = options[0], min(options, key=lambda option: option.gap)
    ends = [
        f"{shown_from(comparison, each.gap)} with {each.repeats} repeats and {each.seeds} seeds"
        for each in dict.fromkeys((first, last))
    ]
    return f"{said}: {', '.join(ends)}"


def draw_budget(info: BudgetInfo) -> Picture:
    """A line for each number of fresh seeds, a point for each option."""
    colours = [named(colour) for colour in SEED_COLOURS[: len(info.seeds)]]
    dashes = [list(dash) for dash in SEED_DASHES[: len(info.seeds)]]
    several = len(info.seeds) > 1
    legend = alt.Legend(title=None, orient="top", labelLimit=240) if several else None
    low, high = info.repeats[0], info.repeats[-1]
    base = alt.Chart(info.data).encode(
        x=alt.X(
            "repeats:Q",
            scale=alt.Scale(type="log", domain=[0.9 * low, 1.15 * high], nice=False),
            axis=alt.Axis(
                title="repeats (searches of each arm)", values=list(info.repeats), format="d"
            ),
        ),
        y=alt.Y(
            "gap:Q",
            scale=alt.Scale(zero=True),
            axis=alt.Axis(title=f"detectable difference ({info.unit})", tickCount=5),
        ),
        color=alt.Color(
            "seeds:N", scale=alt.Scale(domain=list(info.seeds), range=colours), legend=legend
        ),
        tooltip=[
            alt.Tooltip("repeats:Q"),
            alt.Tooltip("seeds:N", title="confirmed on"),
            alt.Tooltip("shown:N", title="difference shown"),
            alt.Tooltip("time:N", title="more training"),
            alt.Tooltip("command:N"),
        ],
    )
    lines = base.mark_line(strokeWidth=2).encode(
        strokeDash=alt.StrokeDash(
            "seeds:N", scale=alt.Scale(domain=list(info.seeds), range=dashes), legend=legend
        )
    )
    more = base.transform_filter("!datum.today").mark_circle(size=60, opacity=1)
    today = base.transform_filter("datum.today").mark_point(
        shape="diamond", size=220, strokeWidth=3, filled=True, opacity=1
    )
    least = f"datum.seeds === {info.seeds[0]!r}"  # of one line, else the words lie over each other
    words = base.transform_filter(least).mark_text(
        align="left", baseline="bottom", dx=7, dy=-5, fontSize=12, color=named("neutral")
    )
    written = words.encode(text=alt.Text("time:N"), color=alt.value(named("neutral")))
    return alt.layer(lines, more, today, written).properties(height=260)
