"""The record: what a study did, kept in one SQLite file per study, and how it is read back."""

from studies.records.reader import Histories, RecordReader, Search
from studies.records.types import STOPPED, EpochReport, Outcome, Trial, TrialEnd, merit
from studies.records.writer import Record

__all__ = [
    "STOPPED",
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
