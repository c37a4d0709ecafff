"""The dashboard's pages; `fairtune dashboard` starts it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from altair.utils.schemapi import disable_debug_mode

from studies.records.garbage_collection import gc_paused

with gc_paused():
    from dashboard import data
    from dashboard.page import preparing
    from dashboard.page.messages import escape, show_errors

disable_debug_mode()  # charts are checked as they are drawn, not once more for each of their parts
preparing.PAGE_OPENED.set()
ICON = Path(__file__).with_name("icon.svg")  # a browser fetches that of a page from the network
PAGES = (
    ("overview", "Overview", ":material/home:"),
    ("optimizers", "Optimizers", ":material/speed:"),
    ("schedules", "Schedules", ":material/timeline:"),
    ("regularization", "Regularization", ":material/compress:"),
    ("compare", "Compare", ":material/balance:"),
    ("search", "Search", ":material/search:"),
    ("trials", "Trials", ":material/table:"),
    ("trial", "Trial", ":material/science:"),
    ("data", "Data", ":material/database:"),
)
SIDEBAR = 240  # pixels: the tables and figures need the rest

st.set_page_config(
    page_title="fairtune", page_icon=str(ICON), layout="wide", initial_sidebar_state=SIDEBAR
)
page = st.navigation(
    [
        st.Page(f"views/{name}.py", title=title, icon=icon, default=name == "overview")
        for name, title, icon in PAGES
    ]
)
st.title(page.title)
with show_errors(), gc_paused():  # what is imported and read for a first page stays
    st.sidebar.caption("Home")
    path = data.home().path
    st.sidebar.text(path.name, help=escape(str(path)))
    page.run()
