"""A study on one card: what was asked, what was found, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass

from studies.analysis import StudyRow
from studies.analysis.time_left import TimeLeft
from studies.records import Annotation
from studies.reporting.answer import Answer


@dataclass(frozen=True)
class StudyCard:
    """A study among those of a home."""

    row: StudyRow
    answer: Answer | None
    """What was found; None while the study runs, since it takes seconds and changes."""
    left: TimeLeft | None
    """What a study that runs still takes."""
    annotation: Annotation
    command: str
    """The command that continues the study."""
