"""A trial that is a program of the user's, in any language.

The program is started without a shell. After every epoch it prints one line on standard output,
`{"epoch": 1, "metrics": {"val/accuracy": 0.9}}`, and before it ends it may print
`{"test": {"test/accuracy": 0.9}}`; every other line is its log. After each epoch it may read one
line of standard input: `proceed`, or `stop`, upon which it should end.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import psutil

from lightning_modules.configuration import COMMAND
from lightning_modules.errors import UserError
from studies.engines import Task
from studies.engines.reported_epochs import ReportedEpochs
from studies.home import without_secrets
from studies.records import EpochReport, Outcome, TrialEnd
from studies.study_file.command_template import WHOLE, filled

LAST_LINES = 50
GRACE_SECONDS = 3.0
"""What a program has to end when it is told to stop, and again when it is terminated."""
PATIENCE_SECONDS = 0.5
"""For the last words of a program that has ended: a child of it may hold the pipe open."""
NOT_FINITE = re.compile(r"(?<=[\s:,\[])([+-]?)(nan|inf)(?:inity)?(?=[\s,}\]])", re.IGNORECASE)
"""What C and awk print where JSON knows no word; Python's json reads NaN and Infinity."""


def run_program(task: Task, ask: Callable[[EpochReport], bool]) -> TrialEnd:
    """Run a task's program, asking after every epoch whether to go on.

    Raises UserError where the program cannot be started or does not keep to the protocol.
    """
    assert task.continuation is not None
    folder = Path(task.continuation)
    folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with _Program.started(task, folder) as program:
        account = ReportedEpochs(task.configuration, "the program")
        for line in program.lines():
            said = _object(line)
            if said is None:
                program.log.append(line)
            elif "epoch" in said:
                report = account.epoch(said)
                go_on = ask(report)
                if account.diverged:
                    return account.end(Outcome.diverged, account.diverged, began, task)
                program.answer("proceed" if go_on else "stop")
                if not go_on:
                    program.wait(GRACE_SECONDS)
                    reason = f"stopped by the pruner after epoch {report.epoch}"
                    return account.end(Outcome.pruned, reason, began, task)
            elif "test" in said:
                account.take_test(said["test"])
            else:
                program.log.append(line)
        code = program.wait()
        last = "\n".join(program.log)
        if code == 0 and not account.epochs:
            raise UserError("the program reported no epoch; its last words: " + _last(last))
        if code == 0:
            return account.end(Outcome.completed, "", began, task)
        reason = f"the program ended with exit code {code}: {_last(last)}"
        if code < 0:
            reason = f"the program was killed by {signal.Signals(-code).name}"
        outcome = Outcome.crashed if code < 0 else Outcome.error
        return account.end(outcome, without_secrets(reason), began, task, without_secrets(last))


class _Program:
    """A running program; its lines are read by threads, so that it never waits for a reader."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.log: deque[str] = deque(maxlen=LAST_LINES)
        self._said: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        assert process.stdin is not None
        os.set_blocking(process.stdin.fileno(), False)  # it may never read
        self._readers = [
            threading.Thread(target=read, args=(stream,), daemon=True)
            for read, stream in ((self._hear, process.stdout), (self._note, process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    @classmethod
    @contextlib.contextmanager
    def started(cls, task: Task, folder: Path) -> Iterator[_Program]:
        """Start it in the group of this process, with which it dies; it ends with the block."""
        configuration, split = task.configuration, task.split or 0
        values = {
            **configuration.flat(),
            "seed": task.seed,
            "split": split,
            "epochs": configuration.trainer["epochs"],
            "checkpoint": task.checkpoint or "",
            WHOLE: str(folder / "configuration.json"),
        }
        whole = {
            **configuration.to_dict(),
            "seed": task.seed,
            "split": split,
            "checkpoint": task.checkpoint,
        }
        (folder / "configuration.json").write_text(json.dumps(whole, indent=2))
        command = filled(configuration.model.parameters[COMMAND], values)
        threads = str(configuration.trainer["threads"])
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                env={**os.environ, "OMP_NUM_THREADS": threads, "PYTHONUNBUFFERED": "1"},
            )
        except OSError as error:
            why = error.strerror or str(error)
            raise UserError(f"the program {command[0]} cannot be started: {why}") from error
        program = cls(process)
        try:
            yield program
        finally:
            program.close()

    def lines(self) -> Iterator[str]:
        """What it prints on standard output, line by line, until it closes that or ends."""
        while True:
            try:
                line = self._said.get(timeout=PATIENCE_SECONDS)
            except queue.Empty:
                if self.process.poll() is not None:
                    return  # a child of it holds the pipe open
                continue
            if line is None:
                return
            yield line

    def answer(self, word: str) -> None:
        """Say a word to it; it need not listen."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            os.write(self.process.stdin.fileno(), f"{word}\n".encode())

    def wait(self, seconds: float | None = None) -> int:
        """Its exit code, once it has ended and everything that it said was read."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
            for reader in self._readers:
                reader.join(PATIENCE_SECONDS)
        return self.process.poll() or 0

    def close(self) -> None:
        """End it and its children: first asked to, then by force."""
        members: list[psutil.Process] = []
        if self.process.poll() is None:
            with contextlib.suppress(psutil.NoSuchProcess):
                head = psutil.Process(self.process.pid)
                members = [head, *head.children(recursive=True)]
        for end in (psutil.Process.terminate, psutil.Process.kill):
            for member in members:
                with contextlib.suppress(psutil.NoSuchProcess):
                    end(member)
            until = time.monotonic() + GRACE_SECONDS
            while time.monotonic() < until and any(_lives(member) for member in members):
                time.sleep(0.02)
        self.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()

    def _hear(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._said.put(line.rstrip("\n"))
        self._said.put(None)

    def _note(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self.log.append(line.rstrip("\n"))


def _lives(process: psutil.Process) -> bool:
    """Whether it runs; one that has ended may wait for long for a parent that asks."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _object(line: str) -> dict[str, Any] | None:
    """A line that is a JSON object; UserError where one is a report that cannot be read."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(NOT_FINITE.sub(_spelled, line))
    except ValueError as error:
        if re.match(r'\s*\{\s*"(epoch|test)"', line):
            raise UserError(f"the program reported what is no JSON: {line.strip()!r}") from error
        return None
    return found if isinstance(found, dict) else None


def _spelled(found: re.Match[str]) -> str:
    if found[2].lower() == "nan":
        return "NaN"
    return ("-" if found[1] == "-" else "") + "Infinity"


def _last(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1] if lines else "none"
