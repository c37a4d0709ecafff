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
    request = Request()
    try:
        with FileLock(home.study(study) / LOCK).acquire(timeout=LOCK_SECONDS):
            # each has a process of its own: one that hangs does not hold up the other, and their
            # libraries are loaded side by side
            source, sink = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(sink)
                _listen(request, source)
                os._exit(_follow(home, study, "optuna", request))
            os.close(source)
            _listen(request, sys.stdin.fileno(), sink)
            code = _follow(home, study, "mlflow", request)
            _, status = os.waitpid(child, 0)
            return code or os.waitstatus_to_exitcode(status)
    except Timeout:
        return BUSY


def _follow(home: Home, study: str, name: str, request: Request) -> int:
    """Bring one mirror up to the record; the exit code."""

    def load() -> Mirror:
        if name == "optuna":
            from studies.mirrors.optuna_mirror import OptunaMirror

            return OptunaMirror(home, study)
        from studies.mirrors.mlflow_mirror import MlflowMirror

        return MlflowMirror(home, study)

    url = home.optuna_url if name == "optuna" else home.mlflow_uri
    try:
        with Follower(home, study, name, url) as follower:
            follower.follow(load, request)
    except BaseException:
        log(home, study, traceback.format_exc())
        return 1
    return 0


def _listen(request: Request, source: int, sink: int | None = None) -> None:
    """Hear what the driver waits for, and pass it on; end with the driver, also in the middle of a
    call that hangs."""

    def hear() -> None:
        with open(source, "rb", buffering=0) as lines:
            for line in lines:
                if sink is not None:
                    with suppress(OSError):  # the other one has ended
                        os.write(sink, line)
                match line.strip():
                    case b"finish":
                        request.change("finish")
                    case b"leave":
                        request.change("leave")
        os._exit(0)

    threading.Thread(target=hear, daemon=True).start()


def _keep_out_of_the_way() -> None:
    """Training comes first, and Ctrl-C is for the driver to hear."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(50_000, 20, 100)  # a fifth of the imports' time
    with suppress(OSError):
        os.nice(19)
    with suppress(psutil.Error, OSError, AttributeError, ValueError):
        psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)


if __name__ == "__main__":
    code = main(Home.at(Path(sys.argv[1])), sys.argv[2])
    os._exit(code)  # what libraries do at the end of a process is of no use here
