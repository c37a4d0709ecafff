"""The process of the mirrors: `python -m studies.mirrors.process HOME STUDY`.

It has the lowest priority, reads the record and lives only as long as the driver that started it:
its standard input says when to begin and what the driver waits for, and its end that the driver is
gone. Until it is told to begin, it only loads its libraries.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import psutil
from filelock import Timeout

from studies.home import Home, database
from studies.mirrors.follower import Follower, Mirror, Request, log
from studies.mirrors.mirror_process import BUSY
from studies.records.deliveries import Deliveries

LOCK = "mirrors.lock"
"""In the folder of the study: only one process brings its mirrors up."""
LAST, EVENLY = 19, 0
"""Priorities beside other sessions: while the study trains, and once it waits for its mirrors."""
LOCK_SECONDS = 10.0
"""How long to wait for one that is about to end."""


def main(home: Home, study: str) -> int:
    """Bring both mirrors up to the record until the driver has what it waits for."""
    _keep_out_of_the_way()
    request = Request()
    try:
        with database.file_lock(home.study(study) / LOCK).acquire(timeout=LOCK_SECONDS):
            Deliveries.open(home, study).close()  # made anew by one where it is damaged
            # each on its own: one that hangs does not hold up the other, and their libraries are
            # loaded side by side
            both = _in_processes if hasattr(os, "fork") else _in_threads
            return both(home, study, request)
    except Timeout:
        return BUSY


def _in_processes(home: Home, study: str, request: Request) -> int:
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(sink)
        _end_with_the_driver()
        _listen(request, source)
        os._exit(_follow(home, study, "optuna", request))
    os.close(source)

    def end_child() -> None:
        """Also where it is stopped, or hangs so that it does not hear of the driver's end."""
        with suppress(OSError):
            os.kill(child, signal.SIGKILL)

    _listen(request, sys.stdin.fileno(), sink, end_child)
    code = _follow(home, study, "mlflow", request)
    _, status = os.waitpid(child, 0)
    return code or os.waitstatus_to_exitcode(status)


def _in_threads(home: Home, study: str, request: Request) -> int:
    codes: list[int] = []
    other = threading.Thread(target=lambda: codes.append(_follow(home, study, "optuna", request)))
    other.start()
    _listen(request, sys.stdin.fileno())
    code = _follow(home, study, "mlflow", request)
    other.join()
    return code or max(codes, default=1)


def _follow(home: Home, study: str, name: str, request: Request) -> int:
    """Bring one mirror up to the record; the exit code."""

    def build_mirror() -> Mirror:
        if name == "optuna":
            from studies.mirrors.optuna.mirror import OptunaMirror

            return OptunaMirror(home, study)
        from studies.mirrors.mlflow.mirror import MlflowMirror

        return MlflowMirror(home, study)

    url = home.optuna_url if name == "optuna" else home.mlflow_uri
    try:
        with Follower(home, study, name, url) as follower:
            follower.follow(build_mirror, request)
    except BaseException:
        log(home, study, traceback.format_exc())
        return 1
    return 0


def _listen(
    request: Request,
    source: int,
    sink: int | None = None,
    at_end: Callable[[], None] = lambda: None,
) -> None:
    """Hear what the driver waits for, and pass it on; end with the driver, also in the middle of a
    call that hangs."""

    def hear() -> None:
        with open(source, "rb", buffering=0) as lines:
            for line in lines:
                if sink is not None:
                    with suppress(OSError):  # the other one has ended
                        os.write(sink, line)
                match line.strip():
                    case b"begin":
                        request.begin()
                    case b"finish":
                        _divide_the_processor(EVENLY)
                        request.change("finish")
                    case b"leave":
                        _divide_the_processor(EVENLY)
                        request.change("leave")
        at_end()
        os._exit(0)

    threading.Thread(target=hear, daemon=True).start()


def _end_with_the_driver() -> None:
    """End this process, the child, when the driver does although the parent is stopped: the end of
    the parent's standard input is seen without reading from it."""

    def look() -> None:
        poll = select.poll()
        poll.register(sys.stdin.fileno(), 0)
        poll.poll()
        os._exit(0)

    if hasattr(select, "poll"):
        threading.Thread(target=look, daemon=True).start()


def _keep_out_of_the_way() -> None:
    """Training comes first, and Ctrl-C is for the driver to hear."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(50_000, 20, 100)  # a fifth of the imports' time
    with suppress(OSError, AttributeError):  # not everywhere
        os.nice(19)
    _divide_the_processor(LAST)
    with suppress(psutil.Error, OSError, AttributeError, ValueError):
        psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)


def _divide_the_processor(priority: int) -> None:
    """Where Linux divides the processor by sessions, a process's own priority counts within its
    session only: set that of the session."""
    with suppress(OSError), open("/proc/self/autogroup", "w") as group:
        group.write(str(priority))


def _say_no_more() -> None:
    """From here on the log hears of everything; what libraries print may hold passwords, and a
    study may take weeks."""
    with suppress(OSError), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stderr.fileno())


def serve(home: Home, study: str) -> NoReturn:
    """Be the process of the mirrors of a study."""
    _say_no_more()
    code = 1
    try:
        code = main(home, study)
    except BaseException:
        log(home, study, traceback.format_exc())
    os._exit(code)  # what libraries do at the end of a process is of no use here


if __name__ == "__main__":
    serve(Home.at(Path(sys.argv[1])), sys.argv[2])
