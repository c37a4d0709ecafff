"""The process of a user's program: started for a task, talked with, and ended with its children."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import shutil
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from lightning_modules.configuration import COMMAND
from lightning_modules.configuration.program_words import filled, variables, working_folder
from lightning_modules.errors import UserError
from lightning_modules.files import replacing
from lightning_modules.rights import make_folder
from studies.engines import Task
from studies.program import TRIAL
from studies.study_file.command_template import values_of

PYTHON_PATH = "PYTHONPATH"
LAST_LINES = 50
"""The lines of each of its two streams that are kept."""
GRACE_SECONDS = 3.0
"""What a program has to end when it is told to stop, and again when it is terminated."""
LAST_WORDS_SECONDS = 0.5
"""For the last words of a program that has ended: a child of it may hold the pipe open."""


ALWAYS_VISIBLE = re.compile(
    r"(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|TEMP|TMP|SYSTEMROOT|PYTHON\w*|"
    r"VIRTUAL_ENV|CONDA_PREFIX|LD_LIBRARY_PATH|DYLD_\w+|CUDA_VISIBLE_DEVICES|FAIRTUNE_DRIVER)"
)
"""The variables without which a program cannot run as it does elsewhere."""


class ProgramProcess:
    """A running program; its lines are read by threads, so that it never waits for a reader."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.log: deque[str] = deque(maxlen=LAST_LINES)
        """What it printed on standard output, but for its reports."""
        self.errors: deque[str] = deque(maxlen=LAST_LINES)
        """What it printed on standard error."""
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        assert process.stdin is not None
        os.set_blocking(process.stdin.fileno(), False)  # it may never read
        self._readers = [
            threading.Thread(target=read, args=(stream,), daemon=True)
            for read, stream in ((self._hear, process.stdout), (self._note, process.stderr))
            if stream is not None
        ]
        for reader in self._readers:
            reader.start()

    @classmethod
    @contextlib.contextmanager
    def started(
        cls, task: Task, folder: Path, stand_in: Mapping[str, str], joined: bool = False
    ) -> Iterator[ProgramProcess]:
        """Start it in the group of this process, with which it dies; it ends with the block.

        It has an empty folder of its own, and sees the variables of a `stand_in`, too. `joined`:
        standard error is read as standard output, in the order in which it writes to them.
        """
        configuration, split = task.configuration, task.split or 0
        words, whole_file = configuration.model.parameters, folder / "configuration.json"
        checkpoint = str(Path(task.checkpoint).absolute()) if task.checkpoint else ""
        values = values_of(
            configuration,
            task.seed,
            split,
            checkpoint,
            whole=str(whole_file.absolute()),
            folder=str(written(folder)),
        )
        whole = {
            **configuration.to_dict(),
            "seed": task.seed,
            "split": split,
            "checkpoint": checkpoint or None,
            "folder": str(written(folder)),
        }
        shutil.rmtree(written(folder), ignore_errors=True)  # of an attempt before
        make_folder(written(folder))
        with replacing(whole_file) as beside:
            beside.write_text(json.dumps(whole, indent=2))
        command = filled(words[COMMAND], values)
        threads = str(configuration.trainer["threads"])
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if joined else subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                cwd=working_folder(words),
                env=_before(
                    stand_in,
                    {
                        **visible(task.env),
                        "OMP_NUM_THREADS": threads,
                        "PYTHONUNBUFFERED": "1",
                        TRIAL: task.trial,
                        **variables(words, values),
                    },
                ),
            )
        except OSError as error:
            why = error.strerror or str(error)
            raise UserError(f"the program {command[0]} cannot be started: {why}") from error
        program = cls(process)
        try:
            yield program
        finally:
            program.close()

    def lines(self, every: float | None = None) -> Iterator[str]:
        """What it prints on standard output, line by line, until it closes that or ends; with
        `every`, nothing (an empty text) where it was silent for so many seconds."""
        wait, silent = every or LAST_WORDS_SECONDS, 0.0
        while True:
            try:
                line = self._lines.get(timeout=wait)
            except queue.Empty:
                silent += wait
                if self.process.poll() is not None and silent >= LAST_WORDS_SECONDS:
                    return  # a child of it holds the pipe open
                if every:
                    yield ""
                continue
            if line is None:
                return
            silent = 0.0
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
                reader.join(LAST_WORDS_SECONDS)
        return self.process.poll() or 0

    def ends_within(self, seconds: float) -> bool:
        """Whether it has ended, waiting up to so many seconds for that."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        return self.process.poll() is not None

    def wait_briefly(self) -> None:
        """Wait for a program that was told to stop, as long as it has for that."""
        self.wait(GRACE_SECONDS)

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
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _note(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self.errors.append(line.rstrip("\n"))


def written(folder: Path) -> Path:
    """The folder, in that of a trial's state, for what its program writes."""
    return (folder / "written").absolute()


def visible(names: Sequence[str] | None) -> dict[str, str]:
    """The variables of this process that a program sees: all, or those named and what it needs."""
    if names is None:
        return dict(os.environ)
    return {
        name: value
        for name, value in os.environ.items()
        if name in names or ALWAYS_VISIBLE.fullmatch(name)
    }


def _before(stand_in: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The variables of a program with those of a stand-in, which its Python finds first."""
    both = {**own, **stand_in}
    paths = [each[PYTHON_PATH] for each in (stand_in, own) if each.get(PYTHON_PATH)]
    return {**both, PYTHON_PATH: os.pathsep.join(paths)} if paths else both


def _lives(process: psutil.Process) -> bool:
    """Whether it runs; one that has ended may wait for long for a parent that asks."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
