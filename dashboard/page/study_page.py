"""What every page of a study has: its question, how far it is, what it does now, its sections."""

from __future__ import annotations

from dashboard.page import sections
from dashboard.page.brush import show_brush
from dashboard.page.live import Rows, Section, contents, follow, show_sections
from dashboard.page.picked_panel import keep_picked, picked_panel
from dashboard.page.selection import Selection
from dashboard.page.strip import strip

HEADING = Section("heading", "", sections.heading, tall=150)


def show_study(
    selection: Selection, rows: Rows, *, brushed: bool = False, panel: bool = True
) -> None:
    """Draw a page of a study, and let it follow the study; on one that can be `brushed` there is
    room for what that keeps. Without a `panel` it shows the picked trials itself."""
    found = list(rows(selection))
    show_sections(selection, [HEADING])
    strip(selection)
    show_brush(selection.results, selection.repeat, selection.metrics, room=brushed)
    keep_picked(selection)
    if panel:
        picked_panel(selection)
    contents(found)
    show_sections(selection, found)
    follow(selection, HEADING, rows)
