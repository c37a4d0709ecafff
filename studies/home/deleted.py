"""Studies that were deleted and that a mirror may still have: their records are kept until then."""

from __future__ import annotations

from pathlib import Path

from studies.home.home import Home

MARK = "@"
"""Between the name of a study, which has none, and the identity of its record."""


def deleted_studies(home: Home, study: str | None = None) -> list[Path]:
    """The folders of deleted studies: all, or those of a name."""
    found = sorted(home.deleted.iterdir()) if home.deleted.is_dir() else []
    return [each for each in found if study in (None, study_of(each))]


def study_of(folder: Path) -> str:
    """The name of the study that a folder is left of."""
    return folder.name.rpartition(MARK)[0]


def place_for(home: Home, study: str, record: str) -> Path:
    """Where the folder of a study goes when it is deleted; `record` is the record's identity."""
    return home.deleted / f"{study}{MARK}{record[:12]}"
