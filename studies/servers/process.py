"""Servers that commands start: a process of their own, ended with the command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from types import FrameType

from studies.home import Home
from studies.home.safe_path import with_safe_path
from studies.servers.token import TOKEN


def serve(
    module: str, home: Home, port: int, token: str | None, settings: Mapping[str, str]
) -> int:
    """Run the module of a server until it ends, and say how; Ctrl-C goes through as
    KeyboardInterrupt.

    Its working folder is an empty one: nothing of the current folder has a say.
    """
    signal.signal(signal.SIGTERM, _end)
    places = {"FAIRTUNE_STORAGE": home.optuna_url, "MLFLOW_TRACKING_URI": home.mlflow_uri}
    secret = {TOKEN: token} if token else {}
    environment = with_safe_path({**os.environ, **places, **settings, **secret})
    with tempfile.TemporaryDirectory(prefix="fairtune-") as folder:
        command = [sys.executable, "-m", module, str(port)]
        server = subprocess.Popen(command, env=environment, cwd=folder)
        try:
            return server.wait()
        finally:
            server.terminate()  # a server left behind would keep the port
            server.wait()


def _end(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)
