"""What a page shows, as its address says it: the only place that reads and writes the address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st


def read(name: str) -> list[str]:
    """The values that the address has for a name, in its order."""
    return st.query_params.get_all(name)


def write(name: str, values: Sequence[str]) -> None:
    """Let the address have these values for a name; none takes the name out of it."""
    if read(name) == list(values):
        return
    if values:
        st.query_params[name] = list(values)
    else:
        st.query_params.pop(name, None)
