"""The token in the address of a server, without which it shows nothing."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import suppress

import psutil

TOKEN = "FAIRTUNE_TOKEN"
"""Hands a token to the process of a server: everybody can read arguments."""
FIRST_PERSON = 501 if sys.platform == "darwin" else 1000
"""User numbers below it are those of the system."""
NOBODY = 65534


def new_token(wanted: bool | None) -> str | None:
    """A random token where one is wanted; where that is not said (None), on a machine that other
    people use."""
    needed = used_by_others() if wanted is None else wanted
    return secrets.token_urlsafe(32) if needed else None


def address(port: int, token: str | None) -> str:
    """The address at which a browser opens the pages of a server of this machine."""
    return f"http://127.0.0.1:{port}" + (f"/?token={token}" if token else "")


def used_by_others() -> bool:
    """Whether another person than who runs this process has an account here that can log in, or a
    process; true where nobody can say."""
    if not hasattr(os, "getuid"):
        return True
    return any(
        FIRST_PERSON <= user != NOBODY and user != os.getuid()
        for user in [*_accounts(), *_owners_of_processes()]
    )


def _accounts() -> Iterator[int]:
    import pwd

    for account in pwd.getpwall():
        if not account.pw_shell.endswith(("/nologin", "/false")):
            yield account.pw_uid


def _owners_of_processes() -> Iterator[int]:
    """Accounts of a directory service are not listed, but their processes are."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            yield process.uids().real
