"""What tells the studies that a version without records has run; nothing heavy is imported."""

from __future__ import annotations

from pathlib import Path

from studies.home.home import RECORD, Home

SPOOL = "spool"
"""The folder beside it in which versions without records noted the epochs."""


def is_earlier(folder: Path) -> bool:
    """Whether a version without records has run the study of a folder, and nobody imported it."""
    return not (folder / RECORD).exists() and (folder / SPOOL).is_dir()


def earlier_studies(home: Home) -> list[str]:
    """The studies of a home that an earlier version has run, by name."""
    folders = [spool.parent for spool in home.path.glob(f"studies/*/{SPOOL}")]
    return sorted(folder.name for folder in folders if is_earlier(folder))
