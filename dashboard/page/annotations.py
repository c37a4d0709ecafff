"""What people have written about a study or a trial, and the commands that change it."""

from __future__ import annotations

import shlex

import streamlit as st

from dashboard.page.messages import escape
from lightning_modules.errors import cut
from studies.home import Home, home_option
from studies.records import Annotation


def show_annotation(home: Home, run: str, annotation: Annotation) -> None:
    """The note and the tags of `run`, which is `<study>` or `<study>/<trial>`; pages only read, so
    that they are changed in a terminal."""
    if annotation.note:
        lines = (escape(line) for line in annotation.note.splitlines())
        st.markdown("  \n".join(lines))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name, value in annotation.tags.items():
            st.badge(escape(cut(f"{name} = {value}")), color="gray")
        about = "note and tags" if annotation.texts else "add a note or tags"
        with st.popover(about, type="tertiary", icon=":material/edit_note:"):
            st.caption("They are written in a terminal, also while the study runs:")
            target, place = shlex.quote(run), home_option(home.path)
            st.code(f"fairtune note {target} 'TEXT'{place}", language="bash")
            st.code(f"fairtune tag {target} KEY=VALUE{place}", language="bash")
