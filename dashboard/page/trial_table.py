"""The list of trials: their names open them, and several ticked ones are compared."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from dashboard.page.picks import MOST, pick, picked
from dashboard.page.selection import Selection
from dashboard.page.tables import CURVE, RUNNING
from studies.records import Outcome
from studies.reporting.tables.trials import thinned
from studies.results import is_share

LISTED = 1_000
"""Rows that are sent to the browser at once, the best first; filters find the others."""
FEW = 12
"""Rows that need no scrolling."""
ICONS = {
    Outcome.completed: "✓",
    Outcome.pruned: "✂",
    Outcome.interrupted: "‖",
    RUNNING: "▶",
}
FAILED = "✕"
OPENED, TURN = "opened trial", "turn of the table of trials"


def show_trials(selection: Selection, found: pd.DataFrame, columns: Sequence[str]) -> None:
    """The rows, in their order; what is ticked is in the address as the picked trials."""
    if opened := st.session_state.pop(OPENED, None):
        address = {"study": selection.study, "trial": opened}
        st.switch_page("views/trial.py", query_params=address)
    listed = found.head(LISTED)
    keys = list(listed["trial"])
    turn = st.session_state.setdefault(TURN, 0)
    key = f"trials {crc32(' '.join(keys).encode())} {turn}"
    shown, settings = _cells(selection, listed, columns)
    places = [keys.index(each) for each in picked() if each in keys]
    st.dataframe(
        shown,
        hide_index=True,
        key=key,
        on_select=lambda: _selected(key, keys),
        selection_mode=["multi-row", "single-cell"],
        selection_default={"selection": {"rows": places}},
        height=460 if len(shown) > FEW else "content",
        placeholder="–",
        column_config=settings,
        alt="Trials",
    )


def clear() -> None:
    """Nothing is picked any more, and nothing is ticked."""
    pick([])
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1


def _selected(key: str, keys: Sequence[str]) -> None:
    """Picks what is ticked, and opens the trial whose name was clicked."""
    selected = st.session_state[key]["selection"]
    ticked = [keys[row] for row in selected["rows"] if row < len(keys)]
    before = picked()
    kept = [each for each in before if each in ticked or each not in keys]
    wanted = [*kept, *(each for each in ticked if each not in before)]
    pick(wanted)
    if len(wanted) > MOST:  # the first of them is no longer picked, nor ticked
        st.session_state[TURN] += 1
    for row, column in selected["cells"]:
        if column == "trial" and row < len(keys):
            st.session_state[OPENED] = keys[row]


def _cells(
    selection: Selection, listed: pd.DataFrame, columns: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, ColumnConfig]]:
    """What is shown of the rows, and how: the name first of all that is no first column, as a
    keyboard that reaches a table selects its first cell."""
    metric = selection.results.spec.objective.metric
    if "trial" not in columns or columns[0] == "trial":
        columns = ["outcome", "trial", *(c for c in columns if c not in ("outcome", "trial"))]
    shown = listed.reindex(columns=list(columns))
    number = st.column_config.NumberColumn
    settings: dict[str, ColumnConfig] = {}
    for name in shown.select_dtypes("float").columns:
        share = is_share(metric if name == "value" else name)
        shown[name] = 100 * shown[name] if share else shown[name]
        label = metric if name == "value" else name
        settings[name] = number(label, format="%.2f %%" if share else "%.4g")
    settings["trial"] = st.column_config.TextColumn(help="Click a name to open the trial")
    if "outcome" in columns:
        shown["outcome"] = [_told(outcome) for outcome in listed["outcome"]]
    if CURVE in columns:
        trials = {trial.key: trial for trial in selection.results.trials}
        shown[CURVE] = [thinned(trials[key].curve) for key in listed["trial"]]
        settings[CURVE] = st.column_config.LineChartColumn(
            width=110, help=f"{metric} by epoch, each row on a scale of its own"
        )
    return shown, settings


def _told(outcome: Outcome | None) -> str:
    icon = ICONS.get(outcome or RUNNING, FAILED)
    return f"{icon} {str(outcome or RUNNING).replace('_', ' ')}"
