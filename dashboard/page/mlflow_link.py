"""The way from a trial to its run in the MLflow UI, which may not run."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import streamlit as st

from dashboard import data
from studies.home import Home, home_option, redact
from studies.records import Trial
from studies.servers.running_ui import VIEW, Answer, is_local

SERVER = "http://127.0.0.1:5000"
NOT_THERE = {
    Answer.none: "No MLflow UI answers at {}. This opens one:",
    Answer.other: "What answers at {} is no MLflow UI. This opens one beside it:",
    Answer.unknown: "The MLflow server at {} is of another home. This opens one of this home:",
}


def show_link(home: Home, trial: Trial) -> None:
    """A link to the run where a server has it, else the command that opens one."""
    if trial.run_id is None:
        st.caption("MLflow has no run of this trial yet.")
        return
    address = _address(home)
    if not address:
        st.caption("An address begins with http:// or https://.")
        return
    answer = data.mlflow_answer(address, trial.run_id) if is_local(address) else Answer.known
    if answer in NOT_THERE:
        st.caption(NOT_THERE[answer].format(f"`{address}`"))
        st.code(_command(home, address, beside=answer != Answer.none), language="bash")
        return
    run = f"{address}/#/runs/{quote(trial.run_id, safe='')}?{VIEW}"
    st.link_button("Open its MLflow run", run, icon=":material/open_in_new:")
    if answer == Answer.token:
        st.caption("Open the address first that `fairtune ui` has printed: it has a token.")


def _address(home: Home) -> str:
    """Where the MLflow UI is to be found; empty where what was typed is no address."""
    usual = SERVER
    if home.mlflow_uri.startswith(("http://", "https://")):
        usual = redact(home.mlflow_uri)
    with st.popover("MLflow UI", type="tertiary", icon=":material/lan:"):
        typed = st.text_input(
            "MLflow UI", usual, key="mlflow", persist_state="session",
            help="Where `fairtune ui`, or your MLflow server, listens",
        )  # fmt: skip
    parts = urlsplit((typed or "").strip())
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return ""
    server = parts.netloc.rpartition("@")[2]  # a browser asks for the password itself
    return f"{parts.scheme}://{server}{parts.path.rstrip('/')}"


def _command(home: Home, address: str, *, beside: bool) -> str:
    """The command that opens the UI where it is looked for, or beside a server that is there."""
    port = (urlsplit(address).port or 80) + beside
    option = "" if port == 5000 else f" --port {port}"
    return f"fairtune ui{home_option(home.path)}{option}"
