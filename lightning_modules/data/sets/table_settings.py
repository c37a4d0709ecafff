"""What a study file says of tables, and of other files whose rows are divided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import pandas as pd

from lightning_modules.data.columns.cells import refuse_unknown
from lightning_modules.data.columns.facts import counts_rows
from lightning_modules.data.columns.kinds import Reading
from lightning_modules.data.preparation.target_rules import TargetRules
from lightning_modules.data.readers.tables.form import FileForm
from lightning_modules.data.readers.tables.read import is_typed, read_frame
from lightning_modules.errors import DataError

LISTS = ("target", "channels", "drop", "id", "categorical", "missing")
"""Parameters that are lists."""
OF_INPUTS = ("data.categorical", "data.dates")
"""Parameters that name columns which are inputs."""


@dataclass(frozen=True, kw_only=True)
class DividedRows:
    """What a study file says of targets, and of how rows are divided at random."""

    task: str
    label_separator: str | None
    missing_targets: str
    rare_classes: str
    validation: float
    test: float
    split_seed: int
    stratify: bool


@dataclass(frozen=True, kw_only=True)
class DividedFile(DividedRows):
    """What a study file says of a file of columns, in values that can key a cache."""

    path: str
    target: tuple[str, ...]
    time: str | None
    split_column: str | None
    group: str | None
    validation_path: str | None
    test_path: str | None
    dates: tuple[tuple[str, str], ...]
    form: FileForm

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """What the parameters of the row describe."""
        own = {"form": FileForm.of(parameters), "dates": tuple(sorted(parameters["dates"].items()))}
        given = {each.name: parameters[each.name] for each in fields(cls) if each.name not in own}
        lists = {name: listed(given[name] or ()) for name in LISTS if name in given}
        return cls(**{**given, **lists, **own})

    @property
    def rules(self) -> TargetRules:
        """What is said of what there is to predict."""
        return TargetRules.of(self.target, vars(self))

    @property
    def apart(self) -> dict[str, str]:
        """The files of parts that have their own."""
        found = {"validation": self.validation_path, "test": self.test_path}
        return {part: path for part, path in found.items() if path is not None}


@dataclass(frozen=True, kw_only=True)
class Table(DividedFile):
    """What a study file says of a table."""

    drop: tuple[str, ...]
    id: tuple[str, ...]
    categorical: tuple[str, ...]
    decimal: str | None
    thousands: str | None
    missing: tuple[str, ...]
    impute: str
    standardize: bool
    categories: str
    embedding_size: int | None

    @property
    def paths(self) -> dict[str, str]:
        """The files by the part that they are, or are divided into."""
        return {"train": self.path, **self.apart}

    @property
    def roles(self) -> list[tuple[str, str]]:
        """The parameters that name a column, each with its column."""
        single = ("split_column", "group", "time")
        one = [("data.target", name) for name in self.target]
        one += [(f"data.{name}", getattr(self, name)) for name in single if getattr(self, name)]
        several = [("data.drop", name) for name in self.drop]
        several += [("data.id", name) for name in self.id]
        dated = [("data.dates", name) for name, _ in self.dates if name != self.time]
        return one + several + dated + [("data.categorical", name) for name in self.categorical]

    @property
    def kept_apart(self) -> set[str]:
        """Columns that are no inputs."""
        return {name for parameter, name in self.roles if parameter not in OF_INPUTS}

    @property
    def reading(self) -> Reading:
        """What is said of the cells."""
        typed = is_typed(self.path)
        return Reading(self.categorical, dict(self.dates), self.decimal, self.thousands, typed)

    def read(self, path: str, texts: Sequence[str] = ()) -> pd.DataFrame:
        """The rows of one of the files, with texts where they must not be taken for numbers."""
        labels = self.target if self.rules.has_texts else ()
        said = [name for name, _ in self.dates]
        names = [name for name in self.id if name != self.time]  # 007 stays 007
        all_texts = self.decimal is not None or self.thousands is not None
        whole = [*self.categorical, *names, *said, *labels, *texts]
        form = self.form.read_as(path, self.path)
        return read_frame(path, whole, self.missing, all_texts, form)


def listed(names: str | Sequence[str]) -> tuple[str, ...]:
    """The names of columns; a single one may stand alone."""
    return (names,) if isinstance(names, str) else tuple(names)


def refuse_columns(table: Table, frame: pd.DataFrame, part: str) -> None:
    """Raise DataError where a file lacks a column that is named, or a column has no name."""
    roles = [role for role in table.roles if part == "train" or role[0] == "data.target"]
    refuse_unknown(roles, frame, table.paths[part])
    for place, name in enumerate(frame.columns):
        is_unnamed = name.startswith("Unnamed: ") and not counts_rows(frame[name])
        if part == "train" and is_unnamed and name not in table.kept_apart:
            raise DataError(
                f"{table.path}: column {place + 1} has no name, as the row numbers that some "
                f"programs write; name it, or leave it out with drop: ['{name}']"
            )
