"""What a study file says of sequences of one's own."""

from __future__ import annotations

from dataclasses import dataclass

from lightning_modules.data.preparation.target_rules import TargetRules
from lightning_modules.data.sets.table_settings import DividedFile

ROLES = ("series", "time")
"""What a column of a long table is; each is the column's own name unless another is given."""


@dataclass(frozen=True, kw_only=True)
class Sequences(DividedFile):
    """What a study file says of sequences."""

    series: str | None
    channels: tuple[str, ...]
    kind: str
    standardize: bool
    interpolate: bool | None

    @property
    def rules(self) -> TargetRules:
        """What is said of what there is to predict: of a long table `target` if nothing is."""
        return TargetRules.of(self.target or ("target",), vars(self))

    @property
    def roles(self) -> dict[str, str]:
        """The column of everything in a long table that is neither a channel nor a target."""
        found = {role: getattr(self, role) or role for role in ROLES}
        dividing = {role: getattr(self, role) for role in ("split_column", "group")}
        return found | {role: name for role, name in dividing.items() if name}
