"""Real drivers with real workers, and the test's side of the blows that hit them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil

from studies.home import Home
from tests.support import blows
from tests.support.accounts import last_line
from tests.support.invariants import CANARY

PATIENCE = 120.0
"""Seconds after which what a test waits for will never come."""
Found = TypeVar("Found")

GRID = """
study: faulty
data: {name: iris, batch_size: 8}
model: {name: mlp, hidden: []}
optimizer: {name: adam, lr: {values: [0.1, 0.03, 0.01, 0.003, 0.001, 0.0003]}}
regularization: {dropout: 0.0}
trainer: {epochs: 5}
search: {method: grid}
"""


def until(found: Callable[[], Found | None], seconds: float = PATIENCE) -> Found:
    """What `found` gives when it gives something; fails where that takes too long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.01)
    raise AssertionError(f"{found} gave nothing in {seconds:g} s")


@dataclass
class Driver:
    """One process of `fairtune run`."""

    process: subprocess.Popen[bytes]
    output: Path
    errors: Path

    @property
    def said(self) -> str:
        """What it has printed for people so far."""
        return self.errors.read_text()

    def says(self, text: str, seconds: float = PATIENCE) -> None:
        """Wait until it has printed that."""
        until(lambda: text in self.said, seconds)

    def ends(self, seconds: float = PATIENCE) -> int:
        """Its exit code."""
        return self.process.wait(seconds)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def told(self) -> Any:
        """The JSON object of an ended driver."""
        return last_line(self.output.read_text())


@dataclass(frozen=True)
class Faulty:
    """A study that is to be hit."""

    home: Home
    file: Path
    folder: Path

    @classmethod
    def make(cls, home: Home, folder: Path) -> "Faulty":
        """A grid of six points."""
        (folder / "blows").mkdir()
        faulty = cls(home, folder / "faulty.yaml", folder / "blows")
        faulty.write(GRID)
        return faulty

    def write(self, text: str) -> None:
        """Make it another study."""
        self.file.write_text(text)

    def hit(self, trial: int, point: str | int, kind: str) -> None:
        """Order a blow."""
        (self.folder / f"trial-{trial:04d}@{point}").write_text(kind)

    def relieve(self, trial: int, point: str | int) -> None:
        """Take a blow back, or a barrier away."""
        (self.folder / f"trial-{trial:04d}@{point}").unlink()

    def reached(self, trial: int, point: str | int, what: str = "reached") -> psutil.Process:
        """The worker that waits at a barrier, once it does (or its `child`)."""
        file = self.folder / f"trial-{trial:04d}@{point}.{what}"
        pid = until(lambda: file.read_text() if file.exists() else None)
        return psutil.Process(int(pid))

    @property
    def begun(self) -> list[str]:
        """The epochs that workers began, such as trial-0000@1, in order."""
        log = self.folder / "log"
        return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []

    def epochs_of(self, trial: int) -> list[int]:
        """The epochs of a trial that workers began, in order."""
        begun = (each.split("@") for each in self.begun)
        return [int(epoch) for name, epoch in begun if name == f"trial-{trial:04d}"]

    @contextmanager
    def driver(self, *options: str, workers: int = 2, perform: str = "perform") -> Iterator[Driver]:
        """A driver of the study; killed where a test fails before it has ended."""
        argv = [sys.executable, "-m", "tests.support.driven", perform, "run", str(self.file)]
        argv += ["--home", str(self.home.path), "--workers", str(workers), "--json", *options]
        environment = os.environ | {
            blows.FOLDER: str(self.folder),
            "MLFLOW_TRACKING_PASSWORD": CANARY,
            "PYTHONPATH": os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")]),
        }
        output, errors = (self.folder / f"{n}-{time.monotonic_ns()}" for n in ("output", "errors"))
        with (
            output.open("w") as stdout,
            errors.open("w") as stderr,
            subprocess.Popen(
                argv, stdout=stdout, stderr=stderr, env=environment, start_new_session=True
            ) as process,
        ):
            try:
                yield Driver(process, output, errors)
            finally:
                process.kill()

    def family(self) -> list[psutil.Process]:
        """All living processes of this study: drivers, fork servers, workers, their children."""
        mark = str(self.folder)
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(blows.FOLDER) == mark:
                    found.append(process)
            except psutil.Error:
                continue
        return [each for each in found if each.is_running() and alive(each)]

    def leaves_no_orphans(self) -> None:
        """I5: everything that a driver started is gone within 10 s of its end."""
        end = time.monotonic() + 10
        while (left := self.family()) and time.monotonic() < end:
            time.sleep(0.1)
        assert not left, [each.cmdline() for each in left]

    def runs_to_its_end(self, code: int = 0, *options: str, workers: int = 2) -> Driver:
        """Run the same command again, to its end."""
        with self.driver(*options, workers=workers) as driver:
            assert driver.ends() == code, driver.said
            return driver


def alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
