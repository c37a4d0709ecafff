"""Asks whether the MLflow UI runs on this machine, and whether it knows a run."""

from __future__ import annotations

import json
from contextlib import suppress
from enum import StrEnum
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import ProxyHandler, build_opener

SECONDS = 0.5
"""How long an answer is waited for: a server of this machine has it at once."""
MOST_BYTES = 2**22
VIEW = "workflowType=machine_learning"
"""What MLflow shows its pages for trainings by: else they are those for language models. It belongs
behind the place within its page, which begins with `#`."""
EXPERIMENTS = f"#/experiments?{VIEW}"
"""The list of studies within MLflow's page."""
LOCAL = ("127.0.0.1", "localhost")
_open = build_opener(ProxyHandler({})).open  # a proxy knows nothing of this machine


class Answer(StrEnum):
    """What a server says when it is asked for a run."""

    known = "the run is there"
    unknown = "an MLflow server that does not have the run"
    token = "`fairtune ui`, which asks for the token of its address"
    other = "a server that is no MLflow UI"
    none = "nothing"


def is_local(address: str) -> bool:
    """Whether an address is one of this machine; others are not asked."""
    parts = urlsplit(address)
    return parts.scheme == "http" and parts.hostname in LOCAL


def ask(address: str, run_id: str) -> Answer:
    """Ask the server at an address of this machine for a run."""
    url = f"{address}/api/2.0/mlflow/runs/get?run_id={quote(run_id, safe='')}"
    with suppress(OSError, HTTPException, TypeError, ValueError):
        try:
            with _open(url, timeout=SECONDS) as answer:
                said = json.loads(answer.read(MOST_BYTES).decode())
        except HTTPError as error:
            text = error.read(MOST_BYTES).decode()
            if error.code == 403 and "`fairtune ui`" in text:
                return Answer.token
            return Answer.unknown if "error_code" in json.loads(text) else Answer.other
        except URLError as error:
            nobody = isinstance(error.reason, ConnectionRefusedError)
            return Answer.none if nobody else Answer.other
        return Answer.known if "run" in said else Answer.other
    return Answer.other
