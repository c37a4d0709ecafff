"""Imports and reads what most first pages need, while Streamlit starts and a browser loads it."""

from __future__ import annotations

import sys
from contextlib import suppress
from threading import Event, Thread

PAGE_OPENED = Event()
"""Somebody has opened a page; it reads what it needs."""
SWITCH = 0.001
"""Seconds after which threads take turns meanwhile: the server has many short ones."""


def start() -> None:
    """Begin in a thread that nobody waits for."""
    Thread(target=prepare, name="prepare", daemon=True).start()


def prepare() -> None:
    """Import what pages show, and read the study that was changed last."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH)
    try:
        _read()
    finally:
        sys.setswitchinterval(usual)


def _read() -> None:
    from lightning_modules.errors import FairtuneError
    from studies.records.garbage_collection import freeze_after_import

    with freeze_after_import(), suppress(FairtuneError):  # the page will say what is wrong
        from dashboard import data
        from dashboard.page import sections  # noqa: F401

        home = data.home()
        for latest in data.study_entries(home)[:1]:
            if PAGE_OPENED.is_set():
                return
            objective = data.study(home, latest.study, latest.token).spec.objective.metric
            for read in (data.compared, data.reported):
                if not PAGE_OPENED.is_set():
                    read(home, latest.study, latest.token, objective)
