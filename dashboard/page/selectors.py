"""Selectors of the sidebar whose value is in the address, so that every view is a link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import streamlit as st

from dashboard.page import address
from dashboard.page.messages import escape
from lightning_modules.components import suggestion

LISTED = 500
"""Trials that a selector lists, the best first: a browser is slow with thousands."""


def select(
    name: str,
    label: str,
    options: Sequence[str],
    *,
    usual: str = "",
    listed: int | None = None,
    why: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """A selector of the sidebar whose value is in the address as `name`; the first unless given.

    Where the address names something else that is said, and the page ends there until its reader
    selects; `why` has reasons by such a name.

    `usual` is a value that the address need not name. With `listed` only the first so many options
    are sent to the browser; the name of any other one can be typed.
    """
    known = frozenset(options)
    asked = next(iter(address.read(name)), None)
    is_there = asked is None or asked in known
    wanted = address.wanted(name, always=not usual)
    value = next((each for each in wanted if each in known), usual or options[0])
    bound = address.bound(name, value if is_there else None, [usual])
    few = listed is not None and len(options) > listed
    shown = dict.fromkeys([*options[:listed], value])
    about = f"The first {listed} of {len(options):,} are listed; type the name of any other."
    st.sidebar.selectbox(
        label, list(shown), **bound, index=0 if is_there else None,
        accept_new_options=few, help=about if few else None,
    )  # fmt: skip
    if not is_there:
        st.error(f"{_missing(label, str(asked), options, why)} Choose another one on the left.")
        st.stop()
    address.keep(name, [value], [usual])
    return value


def _missing(label: str, asked: str, options: Sequence[str], why: Mapping[str, str]) -> str:
    """What is said of a name in the address that is none of the options."""
    what = label.lower()
    said = f"The address of this page names the {what} {asked}, which "
    said += why.get(asked, f"is not there{suggestion(asked, options)}")
    return escape(said) + "."


def select_several(name: str, label: str, options: Sequence[str], none: str) -> tuple[str, ...]:
    """Like `select` for any number of values; `none` says what an empty choice means."""
    given = address.wanted(name)
    value = [option for option in options if option in given]
    bound = address.bound(name, value, [])
    st.sidebar.multiselect(label, options, **bound, placeholder=none)
    if gone := [each for each in address.read(name) if each not in options]:
        st.warning(_missing(label, ", ".join(gone), options, {}))
    else:
        address.keep(name, value)
    return tuple(value)
