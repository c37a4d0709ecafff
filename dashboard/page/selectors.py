"""Selectors of the sidebar whose value is in the address, so that every view is a link."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

LISTED = 500
"""Trials that a selector lists, the best first: a browser is slow with thousands."""


def select(
    name: str, label: str, options: Sequence[str], *, usual: str = "", listed: int | None = None
) -> str:
    """A selector of the sidebar whose value is in the address as `name`; the first unless given.

    `usual` is a value that the address need not name. Page changes empty the address, so what was
    selected is remembered beside it. With `listed` only the first so many options are sent to the
    browser; the name of any other one can be typed.
    """
    known = frozenset(options)
    wanted = (st.query_params.get(name), st.session_state.get(f"last {name}"))
    value = next((str(each) for each in wanted if each in known), options[0])
    st.session_state[name] = value
    few = listed is not None and len(options) > listed
    shown = dict.fromkeys([*options[:listed], value])
    about = f"The first {listed} of {len(options):,} are listed; type the name of any other."
    st.sidebar.selectbox(
        label, list(shown), key=name, on_change=_write, args=(name, usual),
        accept_new_options=few, help=about if few else None,
    )  # fmt: skip
    _write(name, usual)
    return value


def select_several(name: str, label: str, options: Sequence[str], none: str) -> tuple[str, ...]:
    """Like `select` for any number of values; `none` says what an empty choice means."""
    given = st.query_params.get_all(name) or st.session_state.get(f"last {name}", [])
    value = [option for option in options if option in given]
    st.session_state[name] = value
    st.sidebar.multiselect(
        label, options, key=name, on_change=_write, args=(name, []), placeholder=none
    )
    _write(name, [])
    return tuple(value)


def _write(name: str, usual: str | list[str]) -> None:
    value = st.session_state[name]
    st.session_state[f"last {name}"] = value
    if value == usual:
        st.query_params.pop(name, None)
    elif st.query_params.get_all(name) != (value if isinstance(value, list) else [value]):
        st.query_params[name] = value
