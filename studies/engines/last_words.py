"""Why a process ended, in words: its signal or exit code, and the last error that it printed."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Sequence

SIGNALS = {
    signal.SIGSEGV: "a segmentation fault",
    signal.SIGBUS: "an access to memory that is not there",
    signal.SIGABRT: "it gave up by itself (abort)",
    signal.SIGFPE: "an arithmetic error",
    signal.SIGILL: "an instruction that this processor does not know",
    signal.SIGKILL: "somebody's kill -9, or the system's when memory ran out",
    signal.SIGTERM: "it was asked to end",
    signal.SIGHUP: "its terminal was closed",
    signal.SIGINT: "Ctrl-C",
    signal.SIGPIPE: "nobody read what it wrote",
    signal.SIGXCPU: "its limit of processor time",
}
"""What a signal is, for people."""
SHELL = 128
"""A shell adds this to the signal of a program that it ran, for an exit code."""
COMMON_CODES = {126: "it cannot be executed", 127: "a command was not found"}
"""Exit codes of shells."""
TRACEBACK = "Traceback (most recent call last):"
ERROR = re.compile(
    r"(?:[A-Za-z_]\w*\.)*\w*(?:Error|Exception|Interrupt)\b(?:: .*)?$|ERROR: |Error in |"
    r"Exception in thread |what\(\): "
)
"""How the line of an exception begins in Python and its like, in Julia, R, Java and C++."""
OF_LAUNCHER = re.compile(r"(?:\w+\.)*(?:CalledProcessError|ChildFailedError)\b")
"""What accelerate and torchrun say of the process that they started, which has said more itself."""
RANK = re.compile(r"^\[rank\d+\]: ?")
"""How torch marks the lines of an exception where several processes train."""


def exit_words(what: str, code: int) -> str:
    """How a process ended that did not end well.

    Args:
        what: The process, such as `the program`.
        code: Its exit code, below 0 for a signal, as `subprocess` says it.
    """
    if code < 0:
        return f"{what} was killed by {_signal_words(-code)}"
    words = COMMON_CODES.get(code, "")
    if code - SHELL in SIGNALS:
        words = f"a shell's word for {_signal_words(code - SHELL)}"
    return f"{what} ended with exit code {code}" + (f" ({words})" if words else "")


def error_line(errors: Sequence[str], output: Sequence[str]) -> str:
    """The line that says what went wrong: the last exception on standard error, else its last
    line; the same of standard output where nothing else was printed, and empty where nothing was at
    all."""
    said = [RANK.sub("", line).rstrip() for line in errors if line.strip()]
    said = said or [line.rstrip() for line in output if line.strip()]
    raised = list(_raised(said))
    known = [line.strip() for line in said if ERROR.match(line.strip())]
    told = [[line for line in lines if not OF_LAUNCHER.match(line)] for lines in (raised, known)]
    return next((lines[-1] for lines in (*told, raised, known, said) if lines), "").strip()


def _raised(said: Sequence[str]) -> Iterator[str]:
    """The exceptions at the ends of Python's tracebacks."""
    indent: int | None = None
    for line in said:
        here = len(line) - len(line.lstrip())
        if line.strip() == TRACEBACK:
            indent = here
        elif indent is not None and here <= indent:
            yield line.strip()
            indent = None


def _signal_words(number: int) -> str:
    try:
        name = signal.Signals(number)
    except ValueError:
        return f"signal {number}"
    words = SIGNALS.get(name)
    return f"{name.name}, {words}" if words else name.name
