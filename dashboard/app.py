"""The dashboard's pages; `fairtune dashboard` starts it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from altair.utils.schemapi import disable_debug_mode

from studies.records.garbage_collection import gc_paused

with gc_paused():
    from dashboard import data
    from dashboard.page import address, preparing, shortcuts
    from dashboard.page.messages import escape, show_errors

disable_debug_mode()  # charts are checked as they are drawn, not once more for each of their parts
preparing.PAGE_OPENED.set()
ICON = Path(__file__).with_name("icon.svg")  # a browser fetches that of a page from the network
PAGES = {
    "": (("overview", "Overview", ":material/home:"),),
    "Study": (
        ("answer", "Answer", ":material/check_circle:"),
        ("parameters", "Parameters", ":material/tune:"),
        ("trials", "Trials", ":material/table:"),
        ("trainings", "Trainings", ":material/show_chart:"),
        ("timeline", "Timeline", ":material/schedule:"),
        ("data", "Data", ":material/database:"),
        ("trial", "Trial", ":material/science:"),
    ),
    "Questions": (
        ("optimizers", "Optimizers", ":material/speed:"),
        ("schedules", "Schedules", ":material/timeline:"),
        ("regularization", "Regularization", ":material/compress:"),
        ("compare", "Compare", ":material/balance:"),
    ),
}
HIDDEN = ("trial",)
"""Pages that others lead to, for what they pick."""
SIDEBAR = 240  # pixels: the tables and figures need the rest
STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding: 2.5rem 2.5rem 4rem; }
@media (max-width: 640px) { [data-testid="stMainBlockContainer"] { padding: 3rem 1rem; } }
[data-testid="stSidebarUserContent"] :has(> .st-key-picked-panel) { order: -1; }
[data-stale="true"] { opacity: 1 !important; transition: none !important; }
</style>"""
"""An answer belongs on the first screen: Streamlit leaves 96 pixels free above it. What is drawn
again is not dimmed meanwhile. Picked trials stand first in the sidebar, where they are seen."""

st.set_page_config(
    page_title="fairtune", page_icon=str(ICON), layout="wide", initial_sidebar_state=SIDEBAR
)
pages = {
    name: st.Page(
        f"views/{name}.py",
        title=label,
        icon=icon,
        default=name == "overview",
        visibility="hidden" if name in HIDDEN else "visible",
    )
    for group in PAGES.values()
    for name, label, icon in group
}
page = st.navigation(
    {title: [pages[name] for name, _, _ in group] for title, group in PAGES.items()}
)
st.html(STYLE)
st.title(page.title, anchor=False)
with show_errors(), gc_paused():  # what is imported and read for a first page stays
    st.sidebar.caption("Home")
    path = data.home().path
    st.sidebar.text(path.name, help=escape(str(path)))
    try:
        with address.completed(page.url_path):
            page.run()
    finally:  # a page that stops early has keys too
        shortcuts.listen({name: (each.url_path, each.title) for name, each in pages.items()})
