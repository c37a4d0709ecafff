"""Servers that commands start: a process of their own, ended with the command."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from types import FrameType


def serve(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a server until it ends, and say how; Ctrl-C goes through as KeyboardInterrupt."""
    signal.signal(signal.SIGTERM, _end)
    server = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        return server.wait()
    finally:
        server.terminate()  # a server left behind would keep the port
        server.wait()


def _end(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)
