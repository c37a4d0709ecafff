"""The process of the mirrors: `python -m studies.mirrors.process HOME STUDY`.

It has the lowest priority, reads the record and lives only as long as the driver that started it:
its standard input says what the driver waits for, and its end that the driver is gone.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from studies.home import Home
from studies.mirrors.follower import Follower, Mirror, Request, log

LOCK = "mirrors.lock"
"""In the folder of the study: only one process brings its mirrors up."""
LOCK_SECONDS = 10.0
"""How long to wait for one that is about to end."""
BUSY = 5
"""The exit code where another process has the lock."""


def main(home: Home, study: str) -> int:
    """Bring both mirrors up to the record until the driver has what it waits for."""
    _keep_out_of_the_way()
    sys.excepthook = lambda kind, error, where: _log(home, study, error)
    request = Request()
    threading.Thread(target=_listen, args=(request,), daemon=True).start()
    try:
        with FileLock(home.study(study) / LOCK).acquire(timeout=LOCK_SECONDS):
            _follow(home, study, request)
    except Timeout:
        return BUSY
    return 0


def _follow(home: Home, study: str, request: Request) -> None:
    """Each mirror has a thread of its own, so that one that hangs does not hold up the other."""

    def optuna() -> Mirror:
        from studies.mirrors.optuna_mirror import OptunaMirror

        return OptunaMirror(home, study)

    def mlflow() -> Mirror:
        from studies.mirrors.mlflow_mirror import MlflowMirror

        return MlflowMirror(home, study)

    def follow(name: str, url: str, load: Callable[[], Mirror]) -> None:
        try:
            with Follower(home, study, name, url) as follower:
                follower.follow(load, request)
        except BaseException as error:
            _log(home, study, error)
            os._exit(1)

    parts = [("mlflow", home.mlflow_uri, mlflow), ("optuna", home.optuna_url, optuna)]
    threads = [threading.Thread(target=follow, args=part, daemon=True) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _listen(request: Request) -> None:
    """Hear what the driver waits for; end with it, also in the middle of a call that hangs."""
    for line in sys.stdin:
        match line.strip():
            case "finish":
                request.change("finish")
            case "leave":
                request.change("leave")
    os._exit(0)


def _keep_out_of_the_way() -> None:
    """Training comes first, and Ctrl-C is for the driver to hear."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(50_000, 20, 100)  # a fifth of the imports' time
    with suppress(OSError):
        os.nice(19)
    with suppress(psutil.Error, OSError, AttributeError, ValueError):
        psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)


def _log(home: Home, study: str, error: BaseException) -> None:
    log(home, study, "".join(traceback.format_exception(error)))


if __name__ == "__main__":
    code = main(Home.at(Path(sys.argv[1])), sys.argv[2])
    os._exit(code)  # what libraries do at the end of a process is of no use here
