"""What a program logs to wandb, mlflow or trackio, by a stand-in on the path of its Python."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lightning_modules.configuration.program_words import asked_for, may_be_told, words_of
from lightning_modules.errors import UserError
from studies.engines import Task
from studies.engines.programs.process import PYTHON_PATH, written
from studies.engines.programs.written_epochs import Written
from studies.study_file.command_template import WHOLE
from studies.study_file.metrics_source import WITH_CONFIG, MetricsSource

STAND_INS = Path(__file__).resolve().parent / "stand_ins"
LOGGED, CONFIG = "FAIRTUNE_LOGGED", "FAIRTUNE_CONFIG"
"""Name the file that the stand-in writes, and the one with the trial's values, to the program."""
UNTOLD = ("command", "name", "class", "label", "cwd", "env")
"""Words that are no values of a training."""


class Captured:
    """The metrics that a program hands to a stand-in, which writes them into a file."""

    numbered = False

    def __init__(self, source: MetricsSource, task: Task, folder: Path) -> None:
        """`folder` is one of the trial's own."""
        self._way = source.way
        self._file, self._config = folder / "logged.jsonl", folder / "config.json"
        paths = paths_of_names(source, task)
        command = asked_for(words_of(task.configuration.model.parameters))
        told = WHOLE in command or source.way not in WITH_CONFIG
        self._unread = set() if told else {*paths.values()} - {*command}
        """Values that the program has not read, and is told by nothing else."""
        self._file.write_text("")  # of an attempt before
        self._config.write_text(
            json.dumps(
                {"values": values_of(paths, task), "paths": paths, "folder": str(written(folder))}
            )
        )
        self._read = 0
        """Bytes that were read."""
        self._names: set[str] = set()

    def variables(self) -> dict[str, str]:
        """The environment by which a program finds the stand-in, and that the files."""
        path = [str(STAND_INS / self._way), str(STAND_INS / "common")]
        return {
            PYTHON_PATH: os.pathsep.join(path),
            LOGGED: str(self._file.absolute()),
            CONFIG: str(self._config.absolute()),
        }

    def heard(self, line: str) -> Iterator[Written]:
        """Nothing is in the lines of the log."""
        yield from ()

    def news(self, over: bool) -> Iterator[Written]:
        """What was logged since."""
        with self._file.open("rb") as file:
            file.seek(self._read)
            found = file.read()
        whole = found[: found.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            said = json.loads(line)
            self._unread -= set(said["read"])
            self._names.update(said["metrics"])
            if said["metrics"]:
                yield Written(said["metrics"], said["step"])

    def require_read(self) -> None:
        """Raise UserError where a value of the study has reached nobody."""
        if self._unread:
            names = ", ".join(sorted(self._unread))
            raise UserError(
                f"the program is told {names} by {self._way}.config alone, and did not read it "
                "there: let it, or add it to model.command"
            )

    def missing(self, metric: str) -> str:
        """What is said where a metric was not found."""
        if not self._names:
            return f"it logged no number with {self._way}"
        names = ", ".join(sorted(self._names))
        return f"it logged {names} with {self._way}; say with metrics.names which one is {metric}"


def paths_of_names(source: MetricsSource, task: Task) -> dict[str, str]:
    """The names of what the study file gives a trial, with the paths that they mean: the path
    itself, and its last word where that says which is meant."""
    given = [
        name
        for name, value in task.configuration.flat().items()
        if any(name == each or name.startswith(f"{each}.") for each in source.given)
        and may_be_told(name, value)
        and not any(word in UNTOLD for word in name.split("."))
    ]
    last = Counter(name.rpartition(".")[2] for name in given)
    short = {word: name for name in given if last[word := name.rpartition(".")[2]] == 1}
    return {**short, **{name: name for name in given}}


def values_of(paths: Mapping[str, str], task: Task) -> dict[str, Any]:
    """The values of a trial by these names, and what is the trial's own."""
    flat = task.configuration.flat()
    return {
        **{name: flat[path] for name, path in paths.items()},
        "epochs": task.configuration.trainer["epochs"],
        "seed": task.seed,
        "split": task.split or 0,
    }
