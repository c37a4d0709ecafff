"""The way from a trial to its run in the MLflow UI, which may not run."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import streamlit as st

from dashboard import data
from studies.home import Home, home_option, redact
from studies.records import Trial
from studies.servers.running_ui import VIEW, Answer, is_local

SERVER = "http://127.0.0.1:5000"
TYPED = "mlflow"
NOT_THERE = {
    Answer.none: "No MLflow UI answers at {}. This opens one:",
    Answer.other: "What answers at {} is no MLflow UI. This opens one beside it:",
    Answer.unknown: "The MLflow server at {} is of another home. This opens one of this home:",
}


def show_link(home: Home, trial: Trial) -> None:
    """A link to the run where a server has it, else the command that opens one."""
    if trial.run_id is None:
        st.caption("MLflow has no run of this trial yet.", width="content")
        return
    address = _address(home)
    answer = Answer.known
    if address and is_local(address):
        answer = data.mlflow_answer(address, trial.run_id)
    there = bool(address) and answer not in NOT_THERE
    if there:
        run = f"{address}/#/runs/{quote(trial.run_id, safe='')}?{VIEW}"
        st.link_button("Open in MLflow", run, icon=":material/open_in_new:")
    label = "MLflow UI" if there else "Open in MLflow"
    with st.popover(label, type="tertiary" if there else "secondary", icon=":material/lan:"):
        if answer == Answer.token:
            st.caption("Open the address first that `fairtune ui` has printed: it has a token.")
        if not address:
            st.caption("An address begins with http:// or https://.")
        elif not there:
            st.caption(NOT_THERE[answer].format(f"`{address}`"))
            st.code(_command(home, address, beside=answer != Answer.none), language="bash")
        st.text_input(
            "MLflow UI", _usual(home), key=TYPED, persist_state="session",
            help="Where `fairtune ui`, or your MLflow server, listens",
        )  # fmt: skip


def _usual(home: Home) -> str:
    """Where the MLflow UI is to be found unless a person types another address."""
    if home.mlflow_uri.startswith(("http://", "https://")):
        return redact(home.mlflow_uri)
    return SERVER


def _address(home: Home) -> str:
    """Where the MLflow UI is to be found; empty where what was typed is no address."""
    parts = urlsplit((st.session_state.get(TYPED) or _usual(home)).strip())
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return ""
    server = parts.netloc.rpartition("@")[2]  # a browser asks for the password itself
    return f"{parts.scheme}://{server}{parts.path.rstrip('/')}"


def _command(home: Home, address: str, *, beside: bool) -> str:
    """The command that opens the UI where it is looked for, or beside a server that is there."""
    port = (urlsplit(address).port or 80) + beside
    option = "" if port == 5000 else f" --port {port}"
    return f"fairtune ui{home_option(home.path)}{option}"
