"""Why a process ended, in words: its signal or exit code, and the last error that it printed."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence

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
    r"(?:[A-Za-z_]\w*\.)*\w*(?:Error|Exception|Interrupt)\b(?:: .*)?$|ERROR: |Error in "
)
"""How the line of an exception begins in Python and its like, in Julia and in R."""


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
    said = [line.rstrip() for line in errors if line.strip()]
    said = said or [line.rstrip() for line in output if line.strip()]
    starts = [index for index, line in enumerate(said) if line.strip() == TRACEBACK]
    if starts:
        indent = len(said[starts[-1]]) - len(said[starts[-1]].lstrip())
        for line in said[starts[-1] + 1 :]:
            if len(line) - len(line.lstrip()) <= indent:
                return line.strip()
    known = [line.strip() for line in said if ERROR.match(line.strip())]
    return next((lines[-1] for lines in (known, said) if lines), "").strip()


def _signal_words(number: int) -> str:
    try:
        name = signal.Signals(number)
    except ValueError:
        return f"signal {number}"
    words = SIGNALS.get(name)
    return f"{name.name}, {words}" if words else name.name
