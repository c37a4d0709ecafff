"""Passwords of databases: known by their URLs, and kept out of everything that is shown."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote, unquote_plus

URL_SETTINGS = ("FAIRTUNE_STORAGE", "MLFLOW_TRACKING_URI")
SECRET_SETTINGS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
SECRET_PARAMETER = re.compile(r"(?i)([?&](?:password|passwd|sslpassword|pwd)=)([^&#]*)")
"""A parameter of a URL in which drivers take a password, too."""


def redact(url: str) -> str:
    """A database URL without its passwords."""
    scheme, separator, rest = SECRET_PARAMETER.sub(r"\1***", url).partition("://")
    credentials, at, place = rest.rpartition("@")
    if not at:
        return f"{scheme}{separator}{rest}"
    return f"{scheme}{separator}{credentials.partition(':')[0]}:***@{place}"


def passwords(url: str) -> set[str]:
    """The passwords of a database URL, as they are written there and as they are."""
    written = {found[2] for found in SECRET_PARAMETER.finditer(url)}
    bare = SECRET_PARAMETER.sub(r"\1", url)
    credentials, at, _ = bare.partition("://")[2].rpartition("@")
    password = credentials.partition(":")[2] if at else ""
    # a password with an unquoted @ is cut there by whoever reads the URL
    written |= {credentials * bool(password), password, *password.split("@")}
    known = {spelled for each in written for spelled in (each, unquote(each), unquote_plus(each))}
    return known - {""}


def without_secrets(text: str) -> str:
    """A text without the passwords of the databases in use, however they were spelled in it."""
    secrets = {os.environ.get(name, "") for name in SECRET_SETTINGS}
    for url in filter(None, map(os.environ.get, URL_SETTINGS)):
        secrets |= passwords(url)
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
