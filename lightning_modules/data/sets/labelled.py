"""Texts and sequences with their targets: divided into parts, their targets made numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lightning_modules.data.columns.target_columns import TargetColumns
from lightning_modules.data.preparation.prepared import PARTS
from lightning_modules.data.preparation.splitting import divide_rows, refuse_unused
from lightning_modules.data.preparation.target_rules import TargetRules
from lightning_modules.data.preparation.targets import Outputs, encoded, left_out, without


@dataclass(frozen=True)
class Labelled:
    """What a file holds: rows, a target for each, and what may divide them."""

    rows: Any
    """A sequence, or an array."""
    where: str
    """The file."""
    columns: TargetColumns | None = None
    """The targets as they stand in the file; None where nobody needs them."""
    targets: Sequence[Any] = ()
    """Those that were read, see `preparation.targets`."""
    said: Sequence[str] | None = None
    """The part of every row, where a column says it."""
    groups: Sequence[str] | None = None
    times: Any = None
    """What orders the rows, (n,)."""
    chosen: Sequence[int] | None = None
    """The places of the rows in the file; None where they are all of it."""
    notices: Sequence[str] = ()
    """What is to be said of the file."""

    @property
    def numbers(self) -> Sequence[int]:
        """The places of the rows in the file, from 0."""
        return range(len(self.rows)) if self.chosen is None else self.chosen

    def read(self, rules: TargetRules, notes: list[str]) -> Labelled:
        """The rows that have targets, which are read."""
        assert self.columns is not None
        found = self.columns.read(rules, notes)
        return replace(self._kept(np.flatnonzero(found.kept)), targets=found.targets)

    def without(self, out: Collection[str], task: str) -> Labelled:
        """The same where classes or labels are left out."""
        kept, targets = without(self.targets, out, task)
        return replace(self._kept(np.flatnonzero(kept)), targets=targets)

    def taken(self, places: Any) -> Labelled:
        """The rows at these places, with their targets."""
        return replace(self._kept(places), targets=[self.targets[at] for at in places])

    def _kept(self, places: Any) -> Labelled:
        said, groups = (
            None if each is None else [each[at] for at in places]
            for each in (self.said, self.groups)
        )
        return replace(
            self,
            rows=_chosen(self.rows, places),
            said=said,
            groups=groups,
            times=None if self.times is None else self.times[places],
            chosen=[self.numbers[at] for at in places],
        )

    def place(self, at: int) -> str:
        """What the row at a place is called in its file."""
        assert self.columns is not None
        return self.columns.place(self.numbers[at])


def _chosen(rows: Any, places: Any) -> Any:
    return rows[places] if isinstance(rows, np.ndarray) else [rows[at] for at in places]


@dataclass(frozen=True)
class Shares:
    """How the rows of the main file are divided."""

    validation: float
    test: float
    split_seed: int
    stratify: bool


@dataclass(frozen=True)
class Divided:
    """The parts, their targets as numbers, and what was left out."""

    parts: Mapping[str, Labelled]
    targets: Mapping[str, Any]
    outputs: Outputs
    notes: Sequence[str]


def divide(
    main: Labelled,
    apart: Mapping[str, Labelled],
    shares: Shares,
    rules: TargetRules,
    own: Mapping[str, str] | None = None,
) -> Divided:
    """Read the targets and divide the rows; those in `apart` have files of their own.

    `own` is what errors call these files, where they are no `data.test_path`.
    """
    column = "split_column" if main.said is not None else None
    if column is None and main.times is not None:
        column = "time"
    refuse_unused(vars(shares), own or {part: f"data.{part}_path" for part in apart}, column)
    assert main.columns is not None
    names, notes = main.columns.names, [*main.notices]
    rules = replace(rules, columns=tuple(str(column.name) for column in main.columns.columns))
    main = main.read(rules, notes)
    needed = 1 if column or not shares.stratify else 3 - len(apart)
    what = f"{main.where}: {names[0]}"
    out = left_out(main.targets, rules, needed, what, main.place, notes)
    main = main.without(out, rules.task)
    rows = divide_rows(
        len(main.rows),
        validation=0.0 if "validation" in apart else shares.validation,
        test=0.0 if "test" in apart else shares.test,
        split_seed=shares.split_seed,
        where=main.where,
        classes=main.targets if shares.stratify and rules.task == "classification" else None,
        said=main.said,
        groups=main.groups,
        times=main.times,
        place=main.place,
    )._asdict()
    parts = {part: main.taken(rows[part]) for part in PARTS}
    parts |= {
        part: found.read(rules, notes).without(out, rules.task) for part, found in apart.items()
    }
    targets, outputs = encoded(
        {part: found.targets for part, found in parts.items()},
        {part: found.where for part, found in parts.items()},
        rules,
        names,
        out,
    )
    return Divided(parts, targets, outputs, notes)
