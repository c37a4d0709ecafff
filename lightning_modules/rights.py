"""Who may read and write what is made: what its folder allows, and never more."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from platformdirs import user_cache_path


def inherit_rights(path: Path) -> None:
    """Take from a new file or folder what its own folder does not allow.

    In a folder whose group is passed on (set-group-ID), which people share, it is given all of the
    folder's rights, whatever the umask is.
    """
    own, folder = (stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent))
    rights = folder if folder & stat.S_ISGID else own & folder
    kind = 0o2777 if path.is_dir() else 0o666
    if rights & kind != own:
        path.chmod(rights & kind)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are missing, with the rights of their folders.

    Raises OSError where that is impossible.
    """
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    inherit_rights(path)


def make_file(path: Path) -> Path:
    """Make an empty file with the rights of its folder, where there is none; the file."""
    if not path.exists():
        path.touch()
        inherit_rights(path)
    return path


def limit_umask(folder: Path) -> int:
    """Let this process give what it makes no more rights than a folder has, or the same where that
    is shared; the umask that it had."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    before = os.umask(~mode & 0o777)
    if not mode & stat.S_ISGID:
        os.umask(before | (~mode & 0o777))
    return before


def private_cache() -> Path | None:
    """The user's own cache folder; None where others could put something into it."""
    folder = user_cache_path("fairtune")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.stat()
        is_own = not hasattr(os, "getuid") or found.st_uid == os.getuid()
        if not is_own or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return None
        if found.st_mode & 0o077:
            folder.chmod(0o700)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None
