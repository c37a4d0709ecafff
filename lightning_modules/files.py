"""Files that are whole at every moment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from lightning_modules.rights import inherit_rights

STEM = 50
"""Characters of a name that stand in the one beside it: 255 bytes are as much as one may have."""


def user_path(path: str | Path) -> Path:
    """The path that a user wrote, in which `~` is the home folder, as in a shell."""
    try:
        return Path(path).expanduser()
    except RuntimeError:  # of a user whom this machine does not know
        return Path(path)


@contextmanager
def replacing(path: Path, *, durable: bool = False, keep: Path | None = None) -> Iterator[Path]:
    """A new file, to be written in the block, which takes the place of `path` at its end.

    Whoever opens `path` finds the earlier file or the new one, never half of one. Where the block
    raises, `path` stays as it was.

    Args:
        path: The file to write or to replace; its folder must exist.
        durable: Whether the new file is forced to the disk before it takes the place of the
            earlier one, so that a power failure leaves one of the two.
        keep: Where the earlier file goes; it is overwritten otherwise.

    Yields:
        The path to write to, with the suffix of `path`.

    Raises:
        OSError: The folder cannot be written, or the disk is full.
    """
    beside = path.with_name(f".{path.stem[:STEM]}-{token_hex(4)}{path.suffix}")
    beside.touch(exist_ok=False)  # nobody else's file or link is written, whatever its name
    try:
        inherit_rights(beside)
        yield beside
        if durable:
            with beside.open("rb") as file:
                os.fsync(file.fileno())
        if keep is not None and path.exists():
            path.replace(keep)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
