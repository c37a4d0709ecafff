"""Metrics from the lines that a program prints, by regular expressions."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lightning_modules.errors import UserError
from studies.engines.programs.written_epochs import NUMBER, Written, number_of
from studies.study_file.metrics_source import EPOCH

LONGEST = 10_000
"""Characters of a line that are looked at."""
SECONDS = 2.0
"""Of the processor, for all patterns and one line: some patterns take years for some lines."""
COMMA = re.compile(r",\d")
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
DIGITS = re.compile(r"\((?:(?:\[(?:\\d|0-9|[-+.eE%\\])+\]|\\d|\\\.|[-+]\?)[?+*]?)+\)")
"""A group that reads digits and what belongs to numbers: it is to read the whole number."""


class LogLines:
    """The metrics in the lines of a program's log, a pattern for each."""

    def __init__(self, patterns: Mapping[str, str]) -> None:
        self.numbered = EPOCH in patterns
        self._patterns = {
            name: re.compile(pattern if name == EPOCH else _whole_number(pattern))
            for name, pattern in patterns.items()
        }

    def heard(self, line: str) -> Iterator[Written]:
        """What a line says, if anything. Raises UserError where that is no number, or where a
        pattern takes too long."""
        line = COLOURS.sub("", line[:LONGEST])
        with _limited(line):
            matches = {name: each.search(line) for name, each in self._patterns.items()}
        read = {name: match for name, match in matches.items() if match is not None and match[1]}
        _refuse_shared(read, line)
        found = {name: number_of(_whole(match, name), name) for name, match in read.items()}
        if found:
            at = found.pop(EPOCH, None)
            yield Written(found, at)

    def news(self, over: bool) -> Iterator[Written]:
        """Everything is in the lines."""
        yield from ()

    def missing(self, metric: str) -> str:
        """What is said where a metric was not found."""
        return f"no line of it matched metrics.patterns of {metric}"


def _whole_number(pattern: str) -> str:
    """A pattern whose group reads the whole number where it reads its digits: `1e-3`, `nan`."""
    return DIGITS.sub(lambda _: f"((?i:{NUMBER}))", pattern, count=1)


def _refuse_shared(read: Mapping[str, re.Match[str]], line: str) -> None:
    """Raise UserError where two metrics are read from one number: `acc (...)` is found in `test acc
    0.9`, too, and would make a test value one of validation."""
    readers: dict[tuple[int, int], str] = {}
    for name, match in read.items():
        other = readers.setdefault(match.span(1), name)
        if other != name:
            raise UserError(
                f"metrics.patterns: {other} and {name} both read {match[1]} in the line "
                f"{line[:100]!r}; let each begin with what stands before its own alone, such as "
                r"'\bloss: ' or '^acc ', which are not found in 'val_loss: ' and 'test acc '"
            )


def _whole(match: re.Match[str], name: str) -> str:
    """The text of a group. Raises UserError where a number goes on behind it: `0` of `0,93`."""
    rest = match.string[match.end(1) :]
    if name != EPOCH and match[1][-1].isdigit() and COMMA.match(rest) and "." not in match[1]:
        number = match[1] + re.split(r"[^\d.,]", rest)[0]
        raise UserError(
            f"the program wrote {number!r} as {name}: numbers with commas are not read; let it "
            "write a point, and no thousands separator"
        )
    return match[1]


@contextmanager
def _limited(line: str) -> Iterator[None]:
    """Raise UserError where the block needs the processor for longer than patterns may; in the
    main thread alone, as signals are."""
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def ring(*_: Any) -> None:
        raise UserError(
            f"metrics.patterns: took more than {SECONDS:g} s for the line {line[:100]!r}; write "
            "them without a repetition of a repetition, such as (a+)+"
        )

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
