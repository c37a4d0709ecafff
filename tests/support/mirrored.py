"""Recorded studies, and the process that brings their mirrors up to them."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import optuna

from studies.home import Home
from tests.support.recorded import (
    STUDY,
    Recording,
    of_every_kind,
    recording,
)

PATIENCE = 60.0
"""Seconds after which something that has to happen is missed."""


def write(home: Home, tell: Callable[[Recording], None] = of_every_kind) -> None:
    """A study that was recorded and is over."""
    with recording(home) as told:
        tell(told)
        told.finish()


@contextmanager
def storage(home: Home) -> Iterator[optuna.storages.RDBStorage]:
    opened = optuna.storages.RDBStorage(home.optuna_url)
    yield opened
    opened.remove_session()
    opened.engine.dispose()


def add_a_trial(home: Home) -> None:
    with storage(home) as opened:
        study = optuna.load_study(study_name=f"{STUDY}/adam", storage=opened)
        study.add_trial(optuna.trial.create_trial(value=1.0))


def load(home: Home) -> "subprocess.Popen[bytes]":
    """A process that is not told to begin."""
    argv = [sys.executable, "-P", "-m", "studies.mirrors.process", str(home.path), STUDY]
    return subprocess.Popen(argv, stdin=subprocess.PIPE)


def start(home: Home) -> "subprocess.Popen[bytes]":
    process = load(home)
    ask(process, "begin")
    return process


def ask(process: "subprocess.Popen[bytes]", word: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{word}\n".encode())
    process.stdin.flush()


def gone(process: "subprocess.Popen[bytes]") -> None:
    """Wait until a process has ended, and its child."""
    process.wait(PATIENCE)
    assert process.stdin is not None
    process.stdin.close()
