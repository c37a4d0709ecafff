"""Trials by arm or repeat: a table of groups, each of which can be listed alone."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from dashboard import data
from dashboard.page import address
from dashboard.page.selection import Selection
from dashboard.page.tables import Filters
from dashboard.page.trial_filters import REPEAT, filter_arms, fitting
from studies.analysis.trial_groups import Grouping, TrialGroup, trial_groups
from studies.reporting.tables.trials import groups_table
from studies.results import is_share
from studies.results.wording import level_words
from studies.statistics import ALPHA


def grouping(selection: Selection) -> Grouping | None:
    """By what the trials are to be grouped."""
    options = ["arm"] * (len(selection.results.arms) > 1)
    options += ["repeat"] * (selection.results.spec.repeats > 1)
    if not options:
        return None
    groups = ["none", *options]
    chosen = st.segmented_control(
        "Group", groups, required=True, **address.single("group", groups, "none")
    )
    return None if chosen == "none" else chosen  # type: ignore[return-value]


def show_groups(selection: Selection, table: pd.DataFrame, by: Grouping, filters: Filters) -> None:
    """A row for each group of the trials that fit all filters but that of the group itself."""
    others = replace(filters, arm=()) if by == "arm" else replace(filters, repeat=())

    def grouped() -> list[TrialGroup]:
        listed = set(fitting(selection, table, others)["trial"])
        trials = [trial for trial in selection.results.trials if trial.key in listed]
        return trial_groups(trials, by, selection.results.spec)

    groups = data.groups(
        selection.home, selection.study, selection.entry.token, by, others, grouped
    )
    if not groups:
        return
    names, only = [group.name for group in groups], getattr(filters, by)
    key = f"groups by {by} {' '.join(only)}"
    metric = selection.results.spec.objective.metric
    number = st.column_config.NumberColumn
    value = "%.2f %%" if is_share(metric) else "%.4g"
    st.dataframe(
        groups_table(groups, metric),
        hide_index=True,
        key=key,
        on_select=lambda: _list(by, names, key),
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [names.index(n) for n in only if n in names]}},
        placeholder="–",
        column_config={
            "group": st.column_config.TextColumn(by, pinned=True),
            "mean": number(f"mean {metric}", format=value),
            "interval": st.column_config.TextColumn(f"{level_words(ALPHA)} interval of the mean"),
            "best": number(f"best {metric}", format=value),
        },
        alt=f"Trials by {by}",
    )
    st.caption(
        "Tick a group to list its trials alone. The mean is over the completed trials of a group "
        "that fit the filters, of whatever configuration, and its interval treats them as "
        "independent draws. That is a description of these trials, and no verdict."
    )


def _list(by: Grouping, names: list[str], key: str) -> None:
    """Lists the trials of the ticked groups alone."""
    wanted = [names[row] for row in st.session_state[key]["selection"]["rows"] if row < len(names)]
    if by == "repeat":
        st.session_state[REPEAT] = wanted
    else:
        filter_arms(wanted)
