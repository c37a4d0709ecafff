"""Passwords and tokens: known by URLs, variables and their form, kept out of all that is shown."""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from markupsafe import escape

URL_SETTINGS = ("FAIRTUNE_STORAGE", "MLFLOW_TRACKING_URI")
SECRET_NAME = re.compile(
    r"(?i)passw(?:or)?d|passphrase|_pwd$|_pass$|_auth$|token(?!iz)|secret|credential|key(?:_?\d+)?$"
)
"""What the name of a variable looks like whose value is a secret."""
SHORTEST = 6
"""Letters of such a value: what is shorter stands in too many words."""
LONG = 10
"""Letters or digits from which on a value is a secret within a word, too."""
BEFORE_WORD = r"(?:(?<![^\W_])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrtfv])|(?<=\x1b\[\dm)|(?<=\x1b\[\d\dm))"
"""Nothing of a word, or what is one character to whoever reads it, as in `%20`."""
HIDDEN = "***"

PARAMETER = re.compile(r"([?&;#])([^?&;#=\s]+)=([^&;#\s]*)")
SECRET_PARAMETER = re.compile(
    r"(?i)pass(?:w|phrase|code|$)|pwd|token|secret|key|sig(?:nature)?$|credential|auth(?!or)|odbc_connect"
)
"""What the name of a URL's parameter looks like that holds a password, token or signature."""
# all patterns below take linear time: none begins with what may be repeated at every position
URL = re.compile(r"(?i)(?:[a-z][a-z0-9+.-]{0,20})?://[^\s\"'<>`]+")
PASSWORD = r"(?:passw(?:or)?d|passphrase)"
WORD = (
    rf"(?<![A-Za-z])(?:PG|ssl)?(?:{PASSWORD}|pwd|secret|"
    r"token|api[_-]?key|(?:secret[_-]?)?access[_-]?key|account[_-]?key|shared[_-]?access[_-]?key|"
    r"(?<=_)(?-i:PASS|AUTH))"
)
"""The end of a name, from where a word of it begins."""
MARK = r"&(?:quot|apos|#0?3[49]|#x2[27]);"
"""A quotation mark in HTML."""
QUOTED = rf"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|(?P<mark>{MARK})(?s:.*?)(?P=mark)"
BARE = r"[^\s,;&)'\"]+"
ASSIGNED = re.compile(rf"(?i)({WORD}=)(?!(?<=pwd=)/)(?:{QUOTED}|{BARE})")
"""As in `password=...` of a connection string, or `PGPASSWORD=...` of a command."""
SAID = re.compile(
    rf"(?i)(--(?:[a-z0-9]+[-_]){{0,3}}{PASSWORD}[ \t]+|(?<![A-Za-z])(?<!//){PASSWORD}[ \t]*:[ \t]*)"
    rf"(?:{QUOTED}|{BARE})"
)
"""As in `--password ...` of a command, or `password: ...` of YAML."""
MAPPED = re.compile(rf"(?i)({WORD}(?:[\"']|{MARK})\s*:\s*)(?:{QUOTED})")
"""As in the JSON of an answer."""
AUTHORIZATION = re.compile(
    r"(?i)(authorization[\"']?\s*[:=]\s*[\"']?)(?:(?:basic|bearer|token|digest|negotiate)\s+)?"
    r"[^\s\"',;]+|(\bbearer\s+)[\w.~+/=-]{8,}"
)


def redact(url: str) -> str:
    """A URL without its passwords, tokens and signatures."""
    scheme, separator, rest = PARAMETER.sub(_hide_parameter, url).partition("://")
    credentials, place = _credentials(rest)
    if credentials is None:
        return f"{scheme}{separator}{rest}"
    user, colon, _ = credentials.partition(":")
    if not colon and scheme.lower().startswith("http"):
        user = HIDDEN  # a token may stand there alone
    return f"{scheme}{separator}{user}{f':{HIDDEN}' if user != HIDDEN else ''}@{place}"


def passwords(url: str) -> set[str]:
    """The passwords and tokens of a URL, as they are written there and as they are."""
    written = {found[3] for found in PARAMETER.finditer(url) if _is_secret(found[2])}
    credentials, _ = _credentials(PARAMETER.sub(_hide_parameter, url).partition("://")[2])
    password = (credentials or "").partition(":")[2]
    # a password with an unquoted @ is cut there by whoever reads the URL
    written |= {(credentials or "") * bool(password), password, *password.split("@")}
    known = {spelled for each in written for spelled in (each, unquote(each), unquote_plus(each))}
    return known - {""}


def without_secrets(text: str) -> str:
    """A text without the passwords of the databases in use and the values of variables that look
    like secrets, however they are spelled in it, and without what has the form of a password."""
    known = (secret for secret in _known_secrets() if len(secret) > 2)
    for secret in sorted(known, key=len, reverse=True):
        text = _without(text, secret)
    text = URL.sub(lambda found: redact(found[0]), text)
    text = AUTHORIZATION.sub(lambda found: f"{found[1] or found[2]}{HIDDEN}", text)
    for pattern in (ASSIGNED, SAID):
        text = pattern.sub(rf"\1{HIDDEN}", text)
    return MAPPED.sub(_hide_mapped, text)


def _without(text: str, secret: str) -> str:
    """A text without a secret; a number is none within a longer one, nor are a few letters or
    digits within a word."""
    if not (secret.isalpha() or secret.isdecimal()):
        return text.replace(secret, HIDDEN)
    pattern = re.escape(secret)
    if secret.isdecimal():
        pattern = rf"(?<!\d)(?<!\d\.){pattern}(?!\.?\d)"
    if len(secret) < LONG:
        pattern = rf"{BEFORE_WORD}{pattern}(?![^\W_])"
    return re.sub(pattern, HIDDEN, text)


def _known_secrets() -> set[str]:
    known: set[str] = set()
    for url in filter(None, map(os.environ.get, URL_SETTINGS)):
        known |= passwords(url)
    for name, value in os.environ.items():
        for url in URL.findall(value):
            known |= {each for each in passwords(url) if len(each) >= SHORTEST}
        if name.startswith("MLFLOW_TRACKING_") and SECRET_NAME.search(name) and value:
            known.add(value)  # a short one is no word of another kind
        elif SECRET_NAME.search(name) and not _is_path(value):
            known |= {each for part in _parts(value) for each in _spellings(part)}
    return known


def _is_path(value: str) -> bool:
    """Whether it says where a secret is."""
    return os.path.isabs(value) and os.path.exists(value)


def _parts(value: str) -> Iterator[str]:
    """A value, and each of its lines: a log may have kept some of them only."""
    return (part for part in {value, *value.splitlines()} if len(part.strip()) >= SHORTEST)


def _spellings(value: str) -> set[str]:
    """A value as programs print it: quoted, as a part of a URL, of JSON, or in other bytes."""
    read_as_utf8 = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return {
        value,
        value.strip(),
        read_as_utf8,
        "\0".join(value),
        repr(value)[1:-1],
        json.dumps(value)[1:-1],
        quote(read_as_utf8, safe=""),
        quote_plus(read_as_utf8),
        html.escape(value),
        html.escape(value, quote=False),
        str(escape(value)),
    }


def _is_secret(parameter: str) -> bool:
    return SECRET_PARAMETER.search(unquote(parameter)) is not None


def _hide_mapped(found: re.Match[str]) -> str:
    mark = found["mark"] or '"'
    return f"{found[1]}{mark}{HIDDEN}{mark}"


def _hide_parameter(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}={HIDDEN}" if _is_secret(found[2]) and found[3] else found[0]


def _credentials(rest: str) -> tuple[str | None, str]:
    """What stands before the host of a URL, and what follows; None where there is nothing.

    A password may have an @ or a slash that should have been quoted.
    """
    server = re.split(r"[/?#]", rest, maxsplit=1)[0]
    before = server.partition("@")[0]
    if "@" in server and ":" not in before:
        user, _, host = server.rpartition("@")
        return user, host + rest[len(server) :]
    _, colon, port = before.rpartition(":")
    is_host = not colon or port.isdigit() or before.endswith("]")
    if "@" not in server and (is_host or "@" not in rest):
        return None, rest
    credentials, _, place = rest.rpartition("@")
    return credentials, place
