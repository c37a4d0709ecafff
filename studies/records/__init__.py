"""The record: what a study did, kept in one SQLite file per study, and how it is read back."""

from studies.records.reader import Histories, RecordReader
from studies.records.types import (
    STOPPED,
    Annotation,
    EpochReport,
    Outcome,
    Search,
    Trial,
    TrialEnd,
    merit,
)
from studies.records.writer import Record

__all__ = [
    "STOPPED",
    "Annotation",
    "EpochReport",
    "Histories",
    "Outcome",
    "Record",
    "RecordReader",
    "Search",
    "Trial",
    "TrialEnd",
    "merit",
]
