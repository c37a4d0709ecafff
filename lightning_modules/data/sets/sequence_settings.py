"""What a study file says of sequences of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from lightning_modules.data.preparation.target_rules import TargetRules
from lightning_modules.data.readers.tables.form import FileForm
from lightning_modules.data.sets.table_settings import listed

ROLES = ("series", "time")
"""What a column of a long table is; each is the column's own name unless another is given."""


@dataclass(frozen=True)
class Sequences:
    """What a study file says of sequences, in values that can key a cache."""

    path: str
    series: str | None
    time: str | None
    target: tuple[str, ...]
    """The columns to predict; of a long table `target` where none is named."""
    channels: tuple[str, ...]
    kind: str
    task: str
    label_separator: str | None
    missing_targets: str
    rare_classes: str
    validation: float
    test: float
    split_seed: int
    stratify: bool
    split_column: str | None
    group: str | None
    validation_path: str | None
    test_path: str | None
    standardize: bool
    interpolate: bool | None
    dates: tuple[tuple[str, str], ...]
    form: FileForm

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Sequences:
        """The sequences that the parameters of the row describe."""
        own = ("dates", "form")
        given = {each.name: parameters[each.name] for each in fields(cls) if each.name not in own}
        given["dates"] = tuple(sorted(parameters.get("dates", {}).items()))
        lists = {"target": listed(given["target"] or ()), "channels": tuple(given["channels"])}
        return cls(**{**given, **lists, "form": FileForm.of(parameters)})

    @property
    def rules(self) -> TargetRules:
        """What is said of what there is to predict."""
        return TargetRules.of(self.target or ("target",), vars(self))

    @property
    def apart(self) -> dict[str, str]:
        """The files of parts that have their own."""
        found = {"validation": self.validation_path, "test": self.test_path}
        return {part: path for part, path in found.items() if path is not None}

    @property
    def roles(self) -> dict[str, str]:
        """The column of everything in a long table that is neither a channel nor a target."""
        found = {role: getattr(self, role) or role for role in ROLES}
        dividing = {role: getattr(self, role) for role in ("split_column", "group")}
        return found | {role: name for role, name in dividing.items() if name}
