"""What tells a study that a version without records has run."""

from __future__ import annotations

from pathlib import Path

SPOOL = "spool"
"""The folder in which those versions noted the epochs of a study."""
FILE = "record.db"
"""The record's name in the folder of its study."""


def is_earlier(folder: Path) -> bool:
    """Whether a version without records has run the study of a folder, and nobody imported it."""
    return not (folder / FILE).exists() and (folder / SPOOL).is_dir()
