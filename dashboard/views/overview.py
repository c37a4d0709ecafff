"""All studies of the home: how far each has come and what it has found."""

import pandas as pd
import streamlit as st

from dashboard import data
from dashboard.page.messages import marked, say_what_to_run, show_errors
from dashboard.page.selection import available
from lightning_modules.errors import FairtuneError
from studies.analysis import StudyEntry, StudyRow
from studies.results import duration, level

PAUSE = 5.0  # seconds after which the page asks whether anything has changed
SHOWN = 8  # arms that a row names
COLUMNS = {
    "progress": st.column_config.ProgressColumn(format="percent", color="blue", width=110),
    "best": st.column_config.TextColumn(
        help="The mean over the winners of its arm's repeats, or over fresh seeds where there are "
        "any; else the best trial"
    ),
    "metric": st.column_config.TextColumn(help="↑ larger is better, ↓ smaller is better"),
    "arm": st.column_config.TextColumn(help="The arm whose search found the configuration to use"),
    "searches": st.column_config.NumberColumn(help="Searches of each arm, the repeats"),
    "seeds": st.column_config.NumberColumn(
        help="Fresh runs of the configuration to use; 0: it is one trial of the search"
    ),
    "changed": st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm"),
    "trials": st.column_config.NumberColumn(format="localized", help="Trials that have ended"),
    "epochs": st.column_config.NumberColumn(format="localized"),
    "question": st.column_config.TextColumn(width="large"),
}
ARROWS = {"maximize": "↑", "minimize": "↓"}
FIRST = "state"
"""The column whose cells open nothing: a keyboard that reaches the table selects its first cell."""


def cells(row: StudyRow) -> dict[str, object]:
    """A study as a line of the table."""
    more = ["…"] if len(row.arms) > SHOWN else []
    return {
        "state": row.state,
        "study": row.study,
        "progress": row.progress,
        "best": level(row.best_metric, row.best),
        "metric": f"{row.best_metric} {ARROWS[row.goal]}",
        "arm": row.best_arm or "–",
        "searches": row.searches,
        "seeds": row.fresh_seeds,
        "trials": sum(row.outcomes.values()),
        "epochs": row.epochs,
        "time": duration(row.seconds),
        "changed": row.changed,
        "outcomes": ", ".join(f"{n:,} {how}" for how, n in row.outcomes.items()) or "none ended",
        "compares": " × ".join(row.factors) or "–",
        "arms": ", ".join([*row.arms[:SHOWN], *more]) or "–",
        "question": row.description,
    }


@st.fragment(run_every=PAUSE)
def studies() -> None:
    """The table; it follows the home by itself."""
    with show_errors():
        found = available()
        for name, problem in data.unreadable(data.home()).items():
            st.warning(marked(f"{name}: {problem}"))
        if not found:
            say_what_to_run()
            return
        words = st.text_input("Search", placeholder="name, question, arm, metric …").lower().split()
        lines = [(study, cells(row)) for study, row in rows(found)]
        lines = [
            (study, line)
            for study, line in lines
            if all(word in " ".join(map(str, line.values())).lower() for word in words)
        ]
        event = st.dataframe(
            pd.DataFrame([line for _, line in lines], columns=list(lines[0][1]) if lines else None),
            hide_index=True,
            column_config=COLUMNS,
            on_select="rerun",
            selection_mode=["single-row", "single-cell"],
            key="studies",
        )
        st.caption(f"{len(lines)} of {len(found)} studies; click one to open it.")
        selected = event["selection"]
        picked = [row for row, column in selected["cells"] if column != FIRST]
        for index in (*selected["rows"], *picked):
            study = lines[index][0]
            st.switch_page("views/answer.py", query_params={"study": study.study})


def rows(found: list[StudyEntry]) -> list[tuple[StudyEntry, StudyRow]]:
    """The studies that can be read; of the others it is said why they cannot."""
    home, read = data.home(), []
    for study in found:
        try:
            driver = home.driver(study.study)
            read.append((study, data.row(home, study.study, study.token, driver)))
        except FairtuneError as error:
            st.warning(marked(f"{study.study}: {error}"))
    return read


studies()
