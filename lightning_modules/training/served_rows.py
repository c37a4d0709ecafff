"""Rows that a served network is given: prepared already, or raw as its data set has them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from lightning_modules.configuration import Configuration
from lightning_modules.data.padding import parted
from lightning_modules.data.table import DATASETS
from lightning_modules.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

ROWS = "the rows"
"""What errors call rows that come from no file."""
AS_ARRAYS = ("images", "mnist", "fashion_mnist", "cifar10", "sequences", "text")
"""Data sets of which a served network takes prepared inputs only."""


@dataclass(frozen=True)
class ServedRows:
    """How the inputs of a served network are made of what it is given."""

    configuration: Configuration
    preparation: Mapping[str, Any]
    shape: Sequence[int]
    """Of one prepared row; that of a data module of the user's may be another."""
    padded: bool
    """Whether rows have lengths, so that the first side of the shape may differ."""
    precision: type[np.floating[Any]] = np.float32
    """That of the network's own numbers."""

    @classmethod
    def of(cls, content: Mapping[str, Any], module: pl.LightningModule) -> ServedRows:
        """For the network of a checkpoint."""
        return cls(
            Configuration.resolve(content["configuration"]),
            content["preparation"],
            content["input_shape"],
            bool(getattr(module, "reads_lengths", False)),
            np.float64 if _is_double(module) else np.float32,
        )

    def inputs(self, given: Any) -> tuple[Tensor, ...]:
        """Inputs for the network of an array of prepared rows, or of a DataFrame of raw ones (or
        what makes one: a dictionary of columns, a list of dictionaries).

        Series are padded with NaN, texts with token 0. Raises DataError where a row cannot be used.
        """
        if isinstance(given, Mapping) or (isinstance(given, list) and _holds_rows(given)):
            import pandas as pd

            given = pd.DataFrame(given)
        if hasattr(given, "to_numpy"):
            if not (_is_unnamed(given) or self.configuration.data.is_class):
                return self._raw(given)
            given = given.to_numpy()
        array = self._prepared(np.asarray(given))
        return parted(array) if self.padded else (torch.from_numpy(array),)

    def _raw(self, frame: pd.DataFrame) -> tuple[Tensor, ...]:
        """Raw rows go the way that rows of a file go."""
        data = self.configuration.data
        row = DATASETS[data.name]
        if row.read_new is None or data.name in AS_ARRAYS:
            raise DataError(
                f"{ROWS}: the network of {data.name} is given arrays of prepared inputs, and no "
                "table; `fairtune predict` prepares rows of a file"
            )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / ("rows.parquet" if data.name == "table" else "rows.npy")
            try:
                _write(frame, path)
                found: tuple[Tensor, ...] = row.read_new(path, self.preparation, **data.parameters)
            except DataError as error:
                raise DataError(str(error).replace(str(path), ROWS)) from None
        return found

    def _prepared(self, array: Any) -> Any:
        """Prepared rows as the network takes them."""
        if array.dtype.kind not in "biuf":
            raise DataError(
                f"{ROWS}: an array holds prepared numbers, and this one {array.dtype}; send raw "
                f"rows as a DataFrame{self._columns()}"
            )
        wanted = [] if self.configuration.data.is_class else list(self.shape)
        free = 1 if self.padded else 0
        fits = array.ndim == 1 + len(wanted) and list(array.shape[1 + free :]) == wanted[free:]
        if wanted and not fits:
            raise DataError(
                f"{ROWS}: have the shape {array.shape}, and the network takes rows × "
                f"{' × '.join(str(size) for size in wanted)}; give it such, or raw rows as a "
                f"DataFrame{self._columns()}"
            )
        if array.dtype.kind == "f" or not (self.padded or self.configuration.data.is_class):
            with np.errstate(over="ignore"):  # what is too large is refused below
                array = array.astype(self.precision)
        if not self.padded and array.dtype.kind == "f":
            wrong = ~np.isfinite(array.reshape(len(array), -1)).all(axis=1)
            if wrong.any():
                raise DataError(
                    f"{ROWS}: row {int(wrong.argmax()) + 1} holds a value that is missing or "
                    f"infinite; fill it in, or send raw rows as a DataFrame{self._columns()}"
                )
        return np.ascontiguousarray(array)

    def _columns(self) -> str:
        """The raw columns, where they have names."""
        kinds = [self.preparation.get(kind, ()) for kind in ("numbers", "categories")]
        names = dict.fromkeys(column["name"] for columns in kinds for column in columns)
        return f" with the columns {', '.join(names)}" if names else ""


def _is_double(module: pl.LightningModule) -> bool:
    return any(weights.dtype == torch.float64 for weights in module.parameters())


def _holds_rows(given: Sequence[Any]) -> bool:
    return bool(given) and all(isinstance(row, Mapping) for row in given)


def _is_unnamed(frame: Any) -> bool:
    """Whether columns are only counted, as those of an array that became a table."""
    return all(str(name) == str(place) for place, name in enumerate(getattr(frame, "columns", ())))


def _write(frame: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".npy":
        try:
            np.save(path, frame.to_numpy(np.float64))
        except (ValueError, TypeError) as error:
            raise DataError(f"{ROWS}: hold what is no number ({error}); correct them") from None
        return
    mixed = [name for name in frame.columns if frame[name].dtype == object]
    whole = frame.assign(**{str(n): frame[n].map(str, na_action="ignore") for n in mixed})
    whole.rename(columns=str).to_parquet(path, index=False)
