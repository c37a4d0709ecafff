"""Files that a user names: there, readable, not empty, and whether they have changed."""

from __future__ import annotations

import os
from pathlib import Path

from lightning_modules.components import suggestion
from lightning_modules.errors import DataError
from lightning_modules.files import user_path

Stamp = tuple[str, int, int]
"""Where a file is, when it was written (ns) and its size in bytes: a cache is keyed by it."""


def file_at(path: str) -> Path:
    """The file at a path that is relative to the current folder.

    Raises DataError where it is none, is empty or cannot be read.
    """
    file = user_path(path)
    if os.path.isdir(file):
        raise DataError(f"{path}: is a folder; name a file in it")
    if os.path.exists(file) and not os.path.isfile(file):
        raise DataError(f"{path}: is a device or a pipe; name a file")
    if not os.path.exists(file):  # a name that is too long does not exist
        near = file.parent.iterdir() if os.path.isdir(file.parent) else ()
        hint = suggestion(file.name, sorted(one.name for one in near if one.is_file()))
        hint = hint or f"; relative paths start from {Path.cwd()}"
        raise DataError(f"{path}: there is no such file{hint}")
    try:
        with file.open("rb") as opened:
            empty = not opened.read(1)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); make it readable") from None
    if empty:
        raise DataError(f"{path}: is empty; write the data into it or name another file")
    return file


def stamp(path: str) -> Stamp:
    """What tells whether a file is still the one that was read."""
    file = file_at(path)
    found = file.stat()
    return str(file.resolve()), found.st_mtime_ns, found.st_size
