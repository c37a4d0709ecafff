"""What a page shows, as its address says it: the only place that reads and writes the address."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import streamlit as st


def read(name: str) -> list[str]:
    """The values that the address has for a name, in its order."""
    return st.query_params.get_all(name)


def write(name: str, values: Sequence[str]) -> None:
    """Let the address have these values for a name; none takes the name out of it."""
    if (carried := st.session_state.get(_carried(name))) is not None:
        st.session_state[_carried(name)] = (*carried[:2], list(values))
    if read(name) == list(values):
        return
    if values:
        st.query_params[name] = list(values)
    else:
        st.query_params.pop(name, None)


def carry(name: str, study: str) -> None:
    """Keep the values of a name when its reader goes to another page, which empties the address,
    and let go of them with the study that they are of."""
    page = urlsplit(st.context.url or "").path
    before, whose, values = st.session_state.get(_carried(name), (page, study, []))
    if whose != study and read(name) == values:
        write(name, [])
    elif whose == study and page != before and not read(name):
        write(name, values)
    st.session_state[_carried(name)] = (page, study, read(name))


def _carried(name: str) -> str:
    return f"carried {name}"
