"""The process of the mirrors as the driver holds it: started, asked, and ended with its child."""

from __future__ import annotations

import os
import signal
import site
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

from studies.home import Home
from studies.home.safe_path import with_safe_path
from studies.mirrors.follower import LOG, log

END_SECONDS = 1.0
"""How long it may take to end, asked and then by force: a disk that hangs lets nothing end."""
BUSY = 5
"""Its exit code where another process has the lock."""
MOST_SAID = 2**16
SETTINGS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""The mirrors compute little, and nothing of it side by side."""


class MirrorProcess:
    """`python -m studies.mirrors.process` and its child, in a session of their own: Ctrl-C is for
    the driver to hear, and both are ended together."""

    def __init__(self, home: Home, study: str) -> None:
        """Start the process of the mirrors; raises OSError where that fails."""
        self._home = home
        self._study = study
        argv = [sys.executable, "-m", "studies.mirrors.process", str(home.path), study]
        self._said = _unnamed_file()
        try:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._said or subprocess.DEVNULL,
                env=environment_for(home),
                start_new_session=True,
            )
        except BaseException:
            self._close_said()
            raise

    @property
    def lives(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it has ended: negative is the number of a signal; None where it lives."""
        return self._process.poll()

    def wait(self, seconds: float) -> bool:
        """Wait so long for the process to end; whether it has."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return not self.lives

    def ask(self, word: str) -> None:
        """Send it a word: that it may begin, or for what the driver waits."""
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.write(f"{word}\n".encode())
                self._process.stdin.flush()

    def processor_seconds(self) -> float | None:
        """What it and its child have used of the processor; None where nobody knows."""
        with suppress(psutil.Error):
            parent = psutil.Process(self._process.pid)
            times = [each.cpu_times() for each in (parent, *parent.children())]
            return float(sum(each.user + each.system for each in times))
        return None

    def end(self) -> None:
        """End it and its child, of which one may be stopped or hang and the other one be gone.

        What an ended process has said, that could not say it itself, goes to its log.
        """
        code = self.exit_code
        self._signal(signal.SIGTERM)
        self.wait(END_SECONDS)
        self._signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        self.wait(END_SECONDS)
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        if code not in (None, 0, BUSY):
            self._keep_what_was_said()
        self._close_said()

    def why_ended(self) -> str:
        """Why it has ended before it was done, in words; empty where nothing is wrong."""
        code = self.exit_code
        if code in (None, 0):
            return ""
        if code == BUSY:
            return "a process of an earlier run holds the mirrors"
        how = f"with exit code {code}" if code > 0 else f"by signal {-code}"
        path = self._home.study(self._study) / LOG
        why = f" ({path} says why)" if code > 0 else ""
        return f"the process of the mirrors was ended {how}{why}"

    def _signal(self, number: int) -> None:
        with suppress(OSError):  # nobody is left
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, number)
            else:
                self._process.terminate()

    def _keep_what_was_said(self) -> None:
        if self._said is None:
            return
        with suppress(OSError):
            size = self._said.seek(0, os.SEEK_END)
            self._said.seek(max(0, size - MOST_SAID))
            if text := self._said.read().decode(errors="replace"):
                log(self._home, self._study, text)

    def _close_said(self) -> None:
        if self._said is not None:
            with suppress(OSError):
                self._said.close()


def _unnamed_file() -> IO[bytes] | None:
    """Where a process may write what it cannot write to its log, which has no passwords."""
    with suppress(OSError):
        return tempfile.TemporaryFile()
    return None


def environment_for(home: Home) -> Mapping[str, str]:
    """It loads the fairtune of this process, wherever that was found."""
    folder = str(Path(__file__).parents[2])
    found = SETTINGS | os.environ
    installed = [*site.getsitepackages(), site.getusersitepackages()]
    if folder not in installed:  # these come after Python's own modules
        others = os.environ.get("PYTHONPATH")
        found["PYTHONPATH"] = os.pathsep.join([folder, *([others] if others else [])])
    found |= {"FAIRTUNE_STORAGE": home.optuna_url, "MLFLOW_TRACKING_URI": home.mlflow_uri}
    return with_safe_path(found)
