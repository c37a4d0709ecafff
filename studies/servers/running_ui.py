"""Asks whether the MLflow UI runs on this machine, and whether it knows a run."""

from __future__ import annotations

import json
from contextlib import suppress
from enum import StrEnum
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import ProxyHandler, build_opener

SECONDS = 0.5
"""How long an answer is waited for: a server of this machine has it at once."""
MOST_BYTES = 2**22
LOCAL = ("127.0.0.1", "localhost")
_open = build_opener(ProxyHandler({})).open  # a proxy knows nothing of this machine


class Answer(StrEnum):
    """What a server says when it is asked for a run."""

    known = "the run is there"
    unknown = "an MLflow server that does not have the run"
    token = "`fairtune ui`, which asks for the token of its address"
    none = "no MLflow server"


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
            return Answer.unknown if "error_code" in json.loads(text) else Answer.none
        return Answer.known if "run" in said else Answer.none
    return Answer.none
