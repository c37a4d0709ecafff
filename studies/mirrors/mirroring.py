"""The mirrors as the driver sees them: a process that it starts, looks after and does not need."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from logging import getLogger

import psutil

from lightning_modules.errors import FairtuneError
from studies.home import Home
from studies.mirrors.left import NAMES, what_is_left
from studies.records.deliveries import MirrorStatus, statuses

START_AFTER = 10.0
"""Seconds that a study runs before its mirrors cost it anything."""
LOOK_SECONDS = 2.0
RESTART_SECONDS, LONGEST_RESTART = 5.0, 60.0
"""The pause before a process that died is started again."""
GIVE_UP_SECONDS = 5.0
"""How long the end of a run waits for mirrors that do not come along."""
LOADING_SECONDS = 60.0
"""How long it waits while they load their libraries, which says nothing of how it goes."""
LEAVE_SECONDS = 3.0
"""How long a user who stops a study waits."""
WAIT_SECONDS = 0.1
BUSY_SECONDS = 0.01
"""Loading uses so much of the processor between two looks."""
SETTINGS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""The mirrors compute little, and nothing of it side by side."""


class Mirroring:
    """Starts the process of the mirrors when it is time, and ends it."""

    def __init__(self, home: Home, study: str, start_after: float = START_AFTER) -> None:
        self.home = home
        self.study = study
        self._next_look = time.monotonic() + start_after
        self._pause = RESTART_SECONDS
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._known: Mapping[str, MirrorStatus] = {}
        """What the mirrors said last."""
        self._first: Mapping[str, int] = {}
        """Their steps before the process was started."""
        self._used = 0.0
        """Seconds of the processor that the process has used."""
        self._warned: set[str] = set()
        self._asked = False
        """Whether the mirrors were told to finish."""

    def tick(self) -> None:
        """Look after the process; to be called often."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        if self._process is None:
            self._start()
        elif self._process.poll() is not None:
            self._end()
            self._next_look = now + self._pause
            self._pause = min(2 * self._pause, LONGEST_RESTART)
        else:
            self._known = statuses(self.home, self.study)
            text = "%s. The study goes on; its record is complete, and `fairtune sync %s` delivers "
            self._warn(text + "what is missing", self.study)

    def begin_to_finish(self) -> None:
        """The study has ended: the mirrors are to come up to its end. `finish` waits for them."""
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._start()
        self._ask("finish")
        self._asked = True

    def finish(self, stopping: Callable[[], bool] = lambda: False) -> None:
        """Wait while the mirrors come along with the end of the study, and say what is left."""
        with suppress(KeyboardInterrupt):
            if not self._asked:
                self.begin_to_finish()
            self._wait(stopping)
        self._conclude()

    def leave(self) -> None:
        """The user has stopped the study: wait a little for mirrors that run, and say what is
        left."""
        with suppress(KeyboardInterrupt):
            if self._process is not None and self._process.poll() is None:
                self._ask("leave")
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(LEAVE_SECONDS)
        self._conclude()

    def close(self) -> None:
        """End the process."""
        self._end()

    def _start(self) -> None:
        self._known = statuses(self.home, self.study)
        self._first = {name: status.steps for name, status in self._known.items()}
        self._started, self._used = time.monotonic(), 0.0
        urls = {
            "FAIRTUNE_STORAGE": self.home.optuna_url,
            "MLFLOW_TRACKING_URI": self.home.mlflow_uri,
        }
        argv = [sys.executable, "-P", "-m", "studies.mirrors.process"]
        with suppress(OSError):  # it is tried again
            self._process = subprocess.Popen(
                [*argv, str(self.home.path), self.study],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=SETTINGS | os.environ | urls,
            )

    def _ask(self, word: str) -> None:
        """Tell the process what is waited for."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.write(f"{word}\n".encode())
                self._process.stdin.flush()

    def _wait(self, stopping: Callable[[], bool]) -> None:
        """Wait until the process has ended, as long as it comes along."""
        give_up = time.monotonic() + GIVE_UP_SECONDS
        while self._process is not None and not stopping():
            with suppress(subprocess.TimeoutExpired):
                if self._process.wait(WAIT_SECONDS) == 0 or time.monotonic() > give_up:
                    return
                time.sleep(WAIT_SECONDS)
                self._end()
                self._start()
                self._ask("finish")
            if self._comes_along():
                give_up = time.monotonic() + GIVE_UP_SECONDS
            elif time.monotonic() > give_up:
                return

    def _comes_along(self) -> bool:
        """Whether something got done since the last look, or the libraries are being loaded."""
        before, self._known = self._known, statuses(self.home, self.study)
        for name, status in self._known.items():
            if not status.error and (name not in before or before[name].steps != status.steps):
                return True
        loading = any(
            name not in self._known or self._known[name].steps == self._first.get(name, 0)
            for name in NAMES
        )
        if not loading or time.monotonic() - self._started > LOADING_SECONDS:
            return False
        before_used, self._used = self._used, self._processor_seconds()
        return self._used - before_used > BUSY_SECONDS

    def _processor_seconds(self) -> float:
        with suppress(psutil.Error):
            if self._process is not None:
                parent = psutil.Process(self._process.pid)
                times = [each.cpu_times() for each in (parent, *parent.children())]
                return float(sum(each.user + each.system for each in times))
        return self._used

    def _conclude(self) -> None:
        """End the process and say what is left."""
        self._end()
        self._known = statuses(self.home, self.study)
        with suppress(FairtuneError):  # the record says itself what is wrong with it
            left = what_is_left(self.home, self.study)
            if left:
                self._warn("%s")
                getLogger("fairtune").warning("%s", left)

    def _warn(self, text: str, *words: str) -> None:
        """Say why a mirror fails, once."""
        for name, status in self._known.items():
            if status.error and name not in self._warned:
                self._warned.add(name)
                getLogger("fairtune").warning(text, status.error, *words)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(1.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin is not None:
            with suppress(OSError), closing(process.stdin):
                pass
