"""Data that was read from files and prepared, before it becomes tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lightning_modules.data.preparation.splitting import Division
from lightning_modules.data.preparation.summary import ColumnSummary, DataSummary, summarize
from lightning_modules.data.preparation.targets import Outputs

if TYPE_CHECKING:
    from lightning_modules.data.tensors import Splits

PARTS = Division._fields


@dataclass(frozen=True)
class Facts:
    """What is told of the columns of a file."""

    columns: Sequence[ColumnSummary] = ()
    notices: Sequence[str] = ()
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class Prepared:
    """Inputs (n, ...), lengths of padded ones and targets of every part, and how new rows are
    prepared."""

    parts: Mapping[str, tuple[Any, ...]]
    outputs: Outputs
    preparation: Mapping[str, Any]
    names: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """What names the rows of the test part, see `Splits.names`."""
    facts: Callable[[], Facts] = field(default=Facts)
    """Looks at the columns; a training does without."""

    def summary(self, name: str) -> DataSummary:
        """What the data became; `name` is that of the file."""
        outputs, facts = self.outputs, vars(self.facts())
        return summarize(
            name, self.parts, outputs.count, outputs.classes, values=outputs.values, **facts
        )

    def splits(self) -> Splits:
        """The same as tensors."""
        import torch

        from lightning_modules.data.tensors import Splits

        train, validation, test = (
            tuple(torch.from_numpy(column) for column in self.parts[part]) for part in PARTS
        )
        return Splits(
            train,
            validation,
            test,
            self.outputs.count,
            self.outputs.classes,
            self.preparation,
            names=self.names,
            values=self.outputs.values,
        )
