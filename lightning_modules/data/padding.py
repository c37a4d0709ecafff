"""Rows of different lengths as one array, which is how a stored example and a served model have
them: series end where NaN begins, texts where token 0 begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lightning_modules.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

PADDED = ("sequence", "text")
"""The kinds of data that have lengths."""


def joined(inputs: Tensor, lengths: Tensor | None = None) -> Any:
    """Inputs (n, steps, ...) as an array that shows the lengths (n,); without them as they are."""
    array = inputs.numpy().copy()
    if lengths is not None and inputs.is_floating_point():
        for row, length in zip(array, lengths.tolist(), strict=True):
            row[length:] = np.nan
    return array


def parted(array: Any) -> tuple[Tensor, Tensor]:
    """Inputs, 0 where they are padding, and lengths (n,).

    Raises DataError where a row is empty or where padding stands before its end.
    """
    import torch

    padding = np.isnan(array).any(axis=2) if array.dtype.kind == "f" else array == 0
    lengths = (~padding).sum(axis=1)
    wrong = (padding != (np.arange(array.shape[1]) >= lengths[:, None])).any(axis=1) | (lengths < 1)
    if wrong.any():
        what = "NaN" if array.dtype.kind == "f" else "token 0"
        raise DataError(
            f"row {int(wrong.argmax()) + 1} of the inputs: {what} is padding, and stands only "
            "beyond the end of a row, which has one step or more"
        )
    inputs = np.nan_to_num(array) if array.dtype.kind == "f" else array
    return torch.from_numpy(inputs), torch.from_numpy(lengths)
