"""Epochs from metrics that a program writes for others, piece by piece."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from lightning_modules.errors import UserError

NUMBER = (
    r"[-+]?(?:(?:nan|inf(?:inity)?)(?![A-Za-z])|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)"
    r"(?:[ \t]*%)?"
)
"""A number as programs write it; a share may be in percent."""
_number = re.compile(NUMBER, re.IGNORECASE)

Metrics = dict[str, float]


@dataclass(frozen=True)
class Written:
    """Metrics that were written at once, in a line or a row."""

    metrics: Mapping[str, float]
    at: float | None = None
    """The epoch or step that was written with them."""


class Epochs(Protocol):
    """Puts what was written together to epochs."""

    def add(self, written: Written) -> Iterator[Metrics]:
        """Take a piece; the epochs that are over by that."""
        ...

    def rest(self) -> Iterator[Metrics]:
        """The epoch that is over with the program, if any."""
        ...


@dataclass
class NumberedEpochs:
    """Epochs that are numbered, from whatever number on: one is over where another begins."""

    objective: str
    _number: int | None = None
    _metrics: Metrics = field(default_factory=dict)

    def add(self, written: Written) -> Iterator[Metrics]:
        """Raises UserError where a number is less than the one before, or the objective comes
        before all numbers."""
        if written.at is not None:
            if not math.isfinite(written.at):
                raise UserError(f"the program wrote epoch {written.at}, which is no number")
            number = math.ceil(written.at)  # a fraction is of the epoch that goes on
            if self._number is not None and number < self._number:
                raise went_back("epoch", number, self._number)
            if self._number is not None and number > self._number:
                yield self._metrics
                self._metrics = {}
            self._number = number
        elif self._number is None and self.objective in written.metrics:
            raise UserError(
                f"the program wrote {self.objective} before the number of any epoch; leave the "
                f"epoch out of metrics: then every {self.objective} is one epoch"
            )
        self._metrics = {**self._metrics, **written.metrics}

    def rest(self) -> Iterator[Metrics]:
        if self.objective in self._metrics:
            yield self._metrics


@dataclass
class CountedEpochs:
    """Epochs that are counted by the objective: every value of it is one.

    What was written before it belongs to it, and what has the same step after it.
    """

    objective: str
    _waiting: list[Written] = field(default_factory=list)
    _step: float | None = None
    """Of the latest objective, as long as more may come with that step."""
    _before: int = 0
    """Pieces that came until that objective."""
    _last: float = -math.inf
    """The last step that is over."""

    def add(self, written: Written) -> Iterator[Metrics]:
        """Raises UserError where the objective's steps go back."""
        step, is_objective = written.at, self.objective in written.metrics
        if step is not None and step <= self._last:
            if is_objective:
                raise went_back("step", step, self._last)
            return  # of an epoch that is over
        if self._step is not None and (is_objective if step is None else step > self._step):
            yield self._over()
        self._waiting.append(written)
        if is_objective:
            if step is not None and self._step is not None and step < self._step:
                raise went_back("step", step, self._step)
            self._step, self._before = step, len(self._waiting)
            if step is None:
                yield self._over()

    def rest(self) -> Iterator[Metrics]:
        if self._step is not None:
            yield self._over()

    def _over(self) -> Metrics:
        step, metrics = self._step, Metrics()
        later = []
        for place, written in enumerate(self._waiting):
            at = written.at
            if step is None or (place < self._before if at is None else at <= step):
                metrics.update(written.metrics)
            else:
                later.append(written)
        self._waiting = later
        self._step, self._last = None, self._last if step is None else step
        return metrics


def went_back(what: str, number: float, before: float) -> UserError:
    """What is said of a program that has started anew by itself."""
    return UserError(
        f"the program wrote {what} {number:g} after {what} {before:g}, as one does that starts "
        "anew: let it go on counting"
    )


def number_of(text: str, what: str) -> float:
    """A number as a program writes it: `1e-3`, `nan`, `93.1%` (which is 0.931).

    Raises UserError where `text` is none; `what` says of what it was to be the number.
    """
    text = text.strip().rstrip(",;:")
    found = _number.fullmatch(text) or _number.fullmatch(text.rstrip("."))
    if found is None:
        raise UserError(f"the program wrote {text[:100]!r} as {what}, which is no number")
    if text.endswith("%"):
        return float(text.rstrip("% \t")) / 100
    return float(found[0])
