"""What a study does now: what trains, how long it still takes, what ended last."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import streamlit as st

from dashboard.page.live import STRIP
from dashboard.page.messages import escape, marked, show_errors
from dashboard.page.selection import Selection
from lightning_modules.errors import cut
from studies.analysis.time_left import TimeLeft, time_left
from studies.records import Trial
from studies.results import duration, level
from studies.results.commands import command

TALL = 190
"""Pixels of the strip, whatever it says: what stands below it stays where it is."""
LAST = 5
"""Trials of which it is said how they ended."""
LONGEST_REASON = 70


def strip(selection: Selection) -> None:
    """Show the strip while the study runs; it is drawn again with every beat of the page."""

    @st.fragment(key=STRIP)
    def body() -> None:
        with show_errors():
            now = selection.refreshed()
            if now.state == "running":
                _show(now)

    body()


def _show(selection: Selection) -> None:
    results = selection.results
    training = [trial for trial in results.trials if trial.outcome is None]
    last = sorted(
        (trial for trial in results.ended if trial.ended is not None),
        key=lambda trial: trial.ended or datetime.min,
        reverse=True,
    )[:LAST]
    with st.container(height=TALL, border=True, key="live strip"):
        left, right = st.columns(2, gap="large")
        with left:
            st.caption(escape(f"Training now · {words(time_left(results))} · {_quiet(selection)}"))
            _show_training(selection, training)
        with right:
            st.caption(f"The last {len(last)} that ended" if last else "Nothing has ended yet")
            st.markdown("  \n".join(_ended(selection, trial) for trial in last))
            st.caption(
                marked(
                    "Ctrl-C in its terminal stops the study after this epoch; "
                    f"`{command(results)}` continues it."
                )
            )


def words(left: TimeLeft) -> str:
    """`about 3.0 min left for the search and 40.0 s for the fresh seeds`."""
    if left.search is None:
        return "time left not known yet"
    parts = [(left.search, "the search"), (left.confirmation or 0.0, "the fresh seeds")]
    said = [f"{duration(seconds)} {{}}for {what}" for seconds, what in parts if seconds > 0]
    if not said:
        return "the last runs"
    return "about " + " and ".join(said).replace("{}", "left ", 1).replace("{}", "")


def _quiet(selection: Selection) -> str:
    """How long nothing has started or ended."""
    changed = selection.entry.changed
    if changed is None:
        return "nothing has started"
    seconds = max(0, round((datetime.now() - changed).total_seconds()))
    return f"last change {duration(seconds)} ago"


def _show_training(selection: Selection, training: list[Trial]) -> None:
    objective = selection.results.spec.objective.metric
    curves = selection.histories(training, [objective]) if training else {}
    lines = []
    for trial in training:
        curve = dict(sorted(curves.get(trial.key, {}).get(objective, {}).items()))
        last = next(reversed(curve.values()), None)
        lines.append(
            {
                "trial": trial.key,
                "epoch": str(max(curve, default=0)),
                objective: level(objective, last),
                "curve": list(curve.values()),
            }
        )
    st.dataframe(
        pd.DataFrame(lines, columns=["trial", "epoch", objective, "curve"]),
        hide_index=True,
        height=TALL - 70,
        key="training now",
        column_config={
            "trial": st.column_config.TextColumn(width="medium"),
            "curve": st.column_config.LineChartColumn(f"{objective} by epoch"),
        },
        placeholder="–",
    )


def _ended(selection: Selection, trial: Trial) -> str:
    """How a trial ended, on one line."""
    value = level(selection.results.spec.objective.metric, trial.value)
    said = value if trial.value is not None else str(trial.outcome).replace("_", " ")
    reason = f": {cut(trial.reason, LONGEST_REASON)}" if trial.reason else ""
    return f"{escape(trial.key)} **{escape(said)}**{escape(reason)}"
