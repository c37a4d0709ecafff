"""What a training has logged by itself: scalars since the last epoch, and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lightning_modules.user_code.trial_logging.files import MOST_BYTES, MOST_FILES, LoggedFiles

MOST_NAMES = 1000
"""Of scalars, in one training."""


@dataclass
class Logged:
    """Takes what is logged, within limits."""

    files: LoggedFiles
    _scalars: dict[str, float] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)
    _dropped: bool = False

    def scalar(self, name: str, value: Any) -> None:
        """Take a number, the last of an epoch counts; what is none is left out."""
        number = _number(value)
        if number is None:
            return
        if name not in self._names and len(self._names) >= MOST_NAMES:
            self._dropped = True
            return
        self._names.add(name)
        self._scalars[name] = number

    def take(self) -> dict[str, float]:
        """The scalars since this was asked last."""
        found, self._scalars = self._scalars, {}
        return found

    def images(self, name: str, images: Sequence[Any], step: int | None = None) -> None:
        """Take figures or images; several are numbered."""
        for index, image in enumerate(images):
            self.files.figure(f"{name}-{index}" if len(images) > 1 else name, image, step)

    def table(
        self, name: str, columns: Any, data: Any, dataframe: Any = None, step: int | None = None
    ) -> None:
        """Take a table, or a data frame."""
        if dataframe is not None:
            columns, data = list(dataframe.columns), dataframe.to_numpy().tolist()
        self.files.table(name, {"columns": columns, "data": data}, step)

    @property
    def remark(self) -> str:
        """What was too much, in words for people; empty where nothing was."""
        said = []
        if self._dropped:
            said.append(f"it logs more than {MOST_NAMES:,} different scalars; others are left out")
        if self.files.unreadable:
            said.append(f"{self.files.unreadable} of its pictures or tables could not be written")
        if self.files.is_full:
            most = f"{MOST_FILES} files or {MOST_BYTES // 2**20} MB"
            said.append(f"it logs more than {most} in a trial; the rest is left out")
        return "; ".join(said)


def _number(value: Any) -> float | None:
    """A number, also of a tensor or an array of one; None where it is something else."""
    if isinstance(value, str | bytes) or value is None:
        return None
    try:
        return float(value.detach() if hasattr(value, "detach") else value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None
