"""One fork server for all studies that a process of the tests runs itself.

It has imported what trainings and mirrors need, whichever test comes first: each of them would
import that anew, for seconds, although most tests are not about processes.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from multiprocessing import forkserver, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from unittest import mock

from studies.engines.training import PRELOAD
from studies.home import Home
from studies.mirrors.mirror_process import MirrorProcess, environment_for

MIRRORS = (
    "studies.mirrors.process",
    "studies.mirrors.optuna.mirror",
    "studies.mirrors.mlflow.mirror",
)
set_preload = forkserver.set_forkserver_preload


def preload_everything(modules: Sequence[str]) -> None:
    """What `set_forkserver_preload` is, for a server that serves everybody."""
    set_preload(list(dict.fromkeys([*PRELOAD, *MIRRORS, *modules])))


def forked_mirror_processes() -> AbstractContextManager[object]:
    """Meanwhile, the processes of the mirrors come from the fork server."""
    return mock.patch("studies.mirrors.mirroring.MirrorProcess", ForkedMirrorProcess)


class ForkedMirrorProcess(MirrorProcess):
    """The process of the mirrors, from the fork server."""

    def __init__(self, home: Home, study: str) -> None:
        self._home = home
        self._study = study
        self._said = None
        self._process = Forked(home, study)  # type: ignore[assignment]


class Forked:
    """What `MirrorProcess` uses of a `subprocess.Popen`."""

    def __init__(self, home: Home, study: str) -> None:
        context = get_context("forkserver")
        read, write = context.Pipe(duplex=False)
        self._process = context.Process(
            target=mirror, args=(read, dict(environment_for(home)), home.path, study), daemon=True
        )
        self._process.start()
        read.close()
        self.stdin = os.fdopen(os.dup(write.fileno()), "wb")
        write.close()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        self._process.join(timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired("mirrors", timeout)
        return code


def mirror(read: Connection, environment: Mapping[str, str], path: Path, study: str) -> None:
    """Become the process of the mirrors."""
    from studies.mirrors.process import serve

    os.setsid()
    os.dup2(read.fileno(), 0)
    sys.stdin = os.fdopen(0, closefd=False)
    os.environ.clear()
    os.environ.update(environment)
    serve(Home.at(path), study)
