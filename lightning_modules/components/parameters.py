"""Hyperparameters of components: their defaults, what they may be, what they do."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lightning_modules.components.names import suggestion
from lightning_modules.errors import shown

Value = Any
"""What a parameter may hold: None, bool, int, float, str, or a list or mapping of those."""


@dataclass(frozen=True)
class Parameter:
    """One hyperparameter of a component: its default and what it does, in one line."""

    default: Value
    summary: str

    def validation_error(self, value: Value) -> str | None:
        """What is wrong with `value`, as the end of a sentence, or None."""
        if value is None and self.default is None:
            return None
        return self._validation_error(value)

    def _validation_error(self, value: Value) -> str | None:
        raise NotImplementedError

    def canonical(self, value: Value) -> Value:
        """The one spelling of a value that is right, such as 1.0 for the number 1."""
        return value

    def schema(self) -> dict[str, Any]:
        """JSON schema of the values that this parameter takes."""
        raise NotImplementedError

    def expects(self) -> str:
        """The values it takes, in a few words."""
        raise NotImplementedError


@dataclass(frozen=True)
class Number(Parameter):
    """A number within bounds; `tune` is the range from which a search may start.

    Bounds are inclusive unless `open` names them ("low", "high", "both").
    """

    low: float = -math.inf
    high: float = math.inf
    open: str = ""
    tune: tuple[float, float] | None = None
    log: bool = False
    integer: bool = False
    words: tuple[str, ...] = ()
    """Words that are allowed in place of a number, such as "full"."""

    def expects(self) -> str:
        kind = "an integer" if self.integer else "a number"
        above = ">" if self.open in ("low", "both") else ">="
        below = "<" if self.open in ("high", "both") else "<="
        bounds = []
        if self.low > -math.inf:
            bounds.append(f"{above} {self.low:.10g}")
        if self.high < math.inf:
            bounds.append(f"{below} {self.high:.10g}")
        words = "".join(f' or "{word}"' for word in self.words)
        return " ".join([kind, " and ".join(bounds)]).strip() + words

    def _validation_error(self, value: Value) -> str | None:
        if isinstance(value, str) and value in self.words:
            return None
        numeric = isinstance(value, int) or (isinstance(value, float) and not self.integer)
        if isinstance(value, bool) or not numeric or not math.isfinite(value):
            return f"must be {self.expects()}, got {shown(value)}"
        low_ok = value > self.low if self.open in ("low", "both") else value >= self.low
        high_ok = value < self.high if self.open in ("high", "both") else value <= self.high
        return None if low_ok and high_ok else f"must be {self.expects()}, got {shown(value)}"

    def canonical(self, value: Value) -> Value:
        return float(value) if isinstance(value, int) and not self.integer else value

    def schema(self) -> dict[str, Any]:
        number: dict[str, Any] = {"type": "integer" if self.integer else "number"}
        if self.low > -math.inf:
            number["exclusiveMinimum" if self.open in ("low", "both") else "minimum"] = self.low
        if self.high < math.inf:
            number["exclusiveMaximum" if self.open in ("high", "both") else "maximum"] = self.high
        return {"anyOf": [number, {"enum": list(self.words)}]} if self.words else number


@dataclass(frozen=True)
class Flag(Parameter):
    """True or false."""

    def expects(self) -> str:
        return "true or false"

    def _validation_error(self, value: Value) -> str | None:
        return None if isinstance(value, bool) else f"must be true or false, got {shown(value)}"

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Option(Parameter):
    """One of a few words, or of a few words and whole numbers."""

    options: tuple[str | int, ...] = ()
    meant: Mapping[str, str] = field(default_factory=dict)
    """Words that others have for the options, with what is written here for each."""

    def expects(self) -> str:
        return "one of " + ", ".join(map(str, self.options))

    def canonical(self, value: Value) -> Value:
        """A number is itself as a text, too."""
        return next((each for each in self.options if self._is(value, each)), value)

    def _validation_error(self, value: Value) -> str | None:
        if any(self._is(value, each) for each in self.options):
            return None
        words = list(map(str, self.options))
        meant = None if isinstance(value, bool) else self.meant.get(str(value).lower())
        hint = f"; write {meant}" if meant else suggestion(value, words)
        return f"must be {self.expects()}, got {shown(value)}{hint}"

    @staticmethod
    def _is(value: Value, option: str | int) -> bool:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return (isinstance(value, str) or whole) and str(value) == str(option)

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.options)}


@dataclass(frozen=True)
class Text(Parameter):
    """Any text, such as a path or the name of a column."""

    def expects(self) -> str:
        return "a text"

    def _validation_error(self, value: Value) -> str | None:
        return None if isinstance(value, str) and value else f"must be a text, got {shown(value)}"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}


@dataclass(frozen=True)
class Items(Parameter):
    """A list in which every item is an `item`; `length` fixes how many."""

    item: Parameter = field(default_factory=lambda: Number(0, ""))
    length: int | None = None
    increasing: bool = False
    tune: tuple[Sequence[Value], ...] = ()

    def expects(self) -> str:
        count = f"{self.length} items" if self.length is not None else "items"
        order = "increasing " if self.increasing else ""
        return f"a list of {order}{count}, each {self.item.expects()}"

    def _validation_error(self, value: Value) -> str | None:
        fits = isinstance(value, list | tuple) and self.length in (None, len(value))
        fits = fits and all(self.item.validation_error(item) is None for item in value)
        if fits and self.increasing:
            fits = all(a < b for a, b in itertools.pairwise(value))
        return None if fits else f"must be {self.expects()}, got {shown(value)}"

    def schema(self) -> dict[str, Any]:
        array: dict[str, Any] = {"type": "array", "items": self.item.schema()}
        if self.length is not None:
            array |= {"minItems": self.length, "maxItems": self.length}
        return array


@dataclass(frozen=True)
class DateForm(Text):
    """How dates are written, as Python's `strptime` takes it: `%d/%m/%Y`."""

    def expects(self) -> str:
        return "a form of dates such as %d/%m/%Y, with year, month and day"

    def _validation_error(self, value: Value) -> str | None:
        wanted = datetime(1987, 12, 31, tzinfo=UTC)
        try:
            found = datetime.strptime(wanted.strftime(value), value)
        except (ValueError, TypeError, re.error):
            found = None
        fits = found is not None and found.date() == wanted.date()
        return None if fits else f"must be {self.expects()}, got {value!r}"


@dataclass(frozen=True)
class Entries(Parameter):
    """A mapping from names that the user chooses, such as columns, to an `item` each."""

    item: Parameter = field(default_factory=lambda: Text("", ""))

    def expects(self) -> str:
        return f"a mapping of names, each to {self.item.expects()}"

    def _validation_error(self, value: Value) -> str | None:
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            return f"must be {self.expects()}, got {value!r}"
        errors = [(name, self.item.validation_error(item)) for name, item in value.items()]
        return "; ".join(f"{name} {error}" for name, error in errors if error) or None

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": self.item.schema()}
