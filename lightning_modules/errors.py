"""The exception tree of fairtune.

FairtuneError                     exit code 1: anything fairtune says itself
├── UserError                     exit code 2: the user's file, option or data is wrong
│   ├── ConfigurationError        a training configuration does not fit the components
│   ├── DataError                 data cannot be used; names the file, column or row
│   └── UserCodeError              a class of the user's may not be imported, or cannot be used
├── WorkersError                  exit code 1: no process can be started that trains
│   └── ClusterError              exit code 4: the cluster that trains is gone
├── NothingCompletedError         exit code 3: no trial completed
├── StorageError                  exit code 4: a database or a folder cannot be used
└── BusyError                     exit code 5: another process runs this study
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MAX_VALUE, MAX_MESSAGE = 200, 2000
"""Characters of a value, and of a problem with it, that a message shows."""


def cut(text: str, length: int = MAX_VALUE) -> str:
    """The beginning of a text, with `…` in place of what is beyond `length` characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


def shown(value: object) -> str:
    """A value as a message shows it: as Python writes it, cut where it is long."""
    return cut(repr(value))


def visible(text: str) -> str:
    """A text for a terminal: what would steer it, such as an escape sequence, is spelled out."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in text
    )


class Interrupted(Exception):
    """A training was asked to end so that another process continues it; no error."""


class FairtuneError(Exception):
    """Root of everything that fairtune raises on purpose; its message is one clear sentence."""

    exit_code = 1


class UserError(FairtuneError):
    """The user's file, option or data is wrong."""

    exit_code = 2


class DataError(UserError):
    """Data cannot be used."""


class UserCodeError(UserError):
    """A class or function of the user's may not be imported, or cannot be used."""


class WorkersError(FairtuneError):
    """No process can be started that trains."""


class ClusterError(WorkersError):
    """The cluster that trains is gone, or cannot be used."""

    exit_code = 4


class NothingCompletedError(FairtuneError):
    """A study ended without a completed trial."""

    exit_code = 3


class StorageError(FairtuneError):
    """A database or a folder cannot be used."""

    exit_code = 4


class BusyError(FairtuneError):
    """Another process runs this study."""

    exit_code = 5


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where: `path` is the chain of keys from the top."""

    path: tuple[str | int, ...]
    message: str

    def __str__(self) -> str:
        where = ".".join(cut(str(key)) for key in self.path)
        message = cut(self.message, MAX_MESSAGE)
        return f"{where}: {message}" if where else message


class ConfigurationError(UserError):
    """A training configuration does not fit the components; carries every problem at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[ConfigurationError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)
