"""What a home may hold that comes from somebody else: names that climb, links that lead out of it,
and pipes, for which one would wait."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from lightning_modules.errors import StorageError, UserError

NO_FOLDER = re.compile(r"[/\\\x00-\x1f\x7f]")
LONGEST_NAME = 200
"""Bytes: what is made of a name must be that of a file, too."""


def folder_name(study: str) -> str:
    """The name of a study as that of its folder; UserError where it would be another place."""
    size = len(study.encode(errors="surrogatepass"))
    if study in ("", ".", "..") or NO_FOLDER.search(study) or size > LONGEST_NAME:
        shown = study if size <= LONGEST_NAME else f"{study[:40]}..."
        raise UserError(
            f"{shown!r} cannot be the name of a study: it must be that of one folder; give the "
            "study another name"
        )
    return study


def is_inside(path: Path, home: Path) -> bool:
    """Whether a place lies in a home, all links followed."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(home))


def refuse_links(home: Path, folders: Iterable[Path]) -> None:
    """Raise StorageError where something of a home is a link that leads out of it: one of its own
    entries, or one of `folders` or what is below it. What is written there would change files that
    are none of the home's. The same where it is a pipe, a socket or a device."""
    for path in [*_entries(home), *(each for folder in folders for each in _below(folder))]:
        if path.is_symlink() and not is_inside(path, home):
            raise StorageError(
                f"{path}: is a link to {os.path.realpath(path)}, which is not in the home, so that "
                "nothing is written there; put what it leads to in its place, or name another home "
                "with --home"
            )
        require_no_pipe(path)


def require_no_pipe(path: Path) -> None:
    """Raise StorageError where something of a home is a pipe, a socket or a device, itself or by a
    link: whoever opened it might wait for ever. To be called before anything there is opened."""
    with suppress(OSError):  # what is not there, or not to be seen, is told by whoever opens it
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise StorageError(
                f"{path}: is a pipe, a socket or a device, not a file, and is not opened; move it "
                "away and run the same command again"
            )


def _entries(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from folder.iterdir()


def _below(folder: Path) -> Iterator[Path]:
    yield folder
    for place, folders, files in os.walk(folder):
        yield from (Path(place, name) for name in (*folders, *files))
