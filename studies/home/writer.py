"""What tells a home from its copies, which have the same records."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

from lightning_modules.hashing import short_hash
from studies.home.home import Home


def writer_of(home: Home) -> dict[str, Any]:
    """What tells a home from its copies, also where its host is called differently every time or
    where it was lost and made again: either of both is enough."""
    place = f"{socket.gethostname()}:{home.path.resolve()}"
    found: dict[str, Any] = {"place": short_hash(place)}
    with suppress(OSError):
        found["folder"] = (home.path / "studies").stat().st_ino
    return found
