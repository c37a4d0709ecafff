"""Sentences on a page: what went wrong, what to run first, and text that a person wrote.

All text that a person wrote and that goes through Markdown (`st.markdown`, `st.caption`, `st.info`,
labels of pages and links) needs `escape`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from dashboard import data
from lightning_modules.errors import FairtuneError
from studies.home import home_option, without_secrets
from studies.sentences import markdown

PRESETS = {
    "": "quickstart",
    "any": "quickstart",
    "optimizer": "quickstart-optimizers",
    "schedule": "schedules",
    "regularization": "regularization",
}
"""What to run first, by the factor of a page."""


def escape(text: str) -> str:
    """Text that Streamlit's Markdown shows as it is, on one line."""
    text = re.sub(r":(?=[\w+/-]+:)", ":\u2060", markdown.escape(text))  # `:name:` would be an emoji
    return text.replace("$", r"\$")


def marked(text: str) -> str:
    """A sentence in which commands, in backticks, are code; the rest is text."""
    return markdown.marked(text, _spaced)


def _spaced(text: str) -> str:
    """The same as `escape`, with the spaces at the ends."""
    before, after = (" " * (text != stripped) for stripped in (text.lstrip(), text.rstrip()))
    return f"{before}{escape(text)}{after}" if text.strip() else " " * bool(text)


def show_prose(text: str) -> None:
    """Prose, and its commands to copy."""
    for part, code in markdown.with_code(text):
        if code:
            st.code(part, language="bash")
        elif part.strip(" .;,"):
            st.markdown(escape(part.strip()))


@contextmanager
def show_errors() -> Iterator[None]:
    """What fairtune complains of becomes a sentence on the page."""
    try:
        yield
    except FairtuneError as error:
        st.error(marked(without_secrets(str(error))))


def say_what_to_run(factor: str = "") -> None:
    """What a person does who has no study yet."""
    named = "anything" if factor == "any" else f"alternatives for the {factor}"
    what = f"compares {named}" if factor else "has run"
    st.info(f"No study of this home {what} yet. Start one in a terminal:")
    place = home_option(data.home().path)
    st.code(f"fairtune run {PRESETS[factor]}{place}", language="bash")
    st.caption("It appears here while it runs.")
