"""Data sets that come with scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from lightning_modules.data.batches.columns import Part
from lightning_modules.data.preparation.new_rows import preparation
from lightning_modules.data.tensors import (
    Array,
    Splits,
    TensorDataModule,
    moments,
    standardize,
)
from lightning_modules.errors import DataError

Rows = np.ndarray[Any, np.dtype[np.int64]]


def bundled(
    name: str,
    input_shape: tuple[int, ...],
    *,
    batch_size: int | str,
    validation: float,
    test: float,
    split_seed: int,
    standardize: bool,
    balance: str = "none",
    augment: Mapping[str, Any] | None = None,
    classes: Sequence[int] | None = None,
) -> TensorDataModule:
    """scikit-learn's data set called `name`, its rows given the shape `input_shape`.

    With `classes` it has the rows of these only, numbered anew in this order.
    """
    chosen = None if classes is None else tuple(classes)
    return TensorDataModule(
        name,
        lambda: _splits(name, input_shape, validation, test, split_seed, standardize, chosen),
        batch_size,
        balance=balance,
        augment=augment,
    )


@lru_cache(maxsize=4)
def _splits(
    name: str,
    input_shape: tuple[int, ...],
    validation: float,
    test: float,
    split_seed: int,
    standardized: bool,
    chosen: tuple[int, ...] | None,
) -> Splits:
    from sklearn import datasets

    loaded = getattr(datasets, f"load_{name}")()
    inputs, targets = loaded.data.reshape(-1, *input_shape), loaded.target
    numbers = np.arange(len(inputs)) + 1
    if chosen is not None:
        rows = np.isin(targets, chosen)
        inputs, targets = inputs[rows], np.searchsorted(chosen, targets[rows])
        numbers = numbers[rows]
    classes = targets if np.issubdtype(targets.dtype, np.integer) else None
    rest, test_rows = divide(np.arange(len(inputs)), test, split_seed, classes, "test")
    share = validation / (1 - test)
    train_rows, validation_rows = divide(rest, share, split_seed, classes, "validation")
    # a table has a mean per column, an image or a signal one per channel
    axes = (0, *range(2, inputs.ndim)) if len(input_shape) > 1 else (0,)
    prepared = preparation(inputs[train_rows], axes, standardized)
    mean: Array = np.zeros(1)
    deviation: Array = np.ones(1)
    brightest = inputs.max() if len(input_shape) == 3 else 1.0
    if standardized:
        mean, deviation = moments(inputs[train_rows], axes)
        inputs = standardize(inputs, inputs[train_rows], axes)

    def part(of: Rows) -> Part:
        x = torch.tensor(inputs[of], dtype=torch.float32)
        if classes is None:
            return x, torch.tensor(targets[of], dtype=torch.float32).unsqueeze(1)
        return x, torch.tensor(targets[of], dtype=torch.int64)

    outputs = 1 if classes is None else int(classes.max()) + 1
    names = () if classes is None else tuple(str(each) for each in loaded.target_names)
    return Splits(
        part(train_rows),
        part(validation_rows),
        part(test_rows),
        outputs,
        classes=names if chosen is None else tuple(names[each] for each in chosen),
        preparation=prepared,
        scaling=((mean / brightest).ravel().tolist(), (deviation / brightest).ravel().tolist()),
        names={"row": numbers[test_rows].tolist()},
    )


def divide(
    rows: Rows, share: float, seed: int, classes: Rows | None, what: str
) -> tuple[Rows, Rows]:
    """The rest and `share` of the rows, stratified by `classes` where given.

    Raises DataError where a part would be too small to hold every class.
    """
    from sklearn.model_selection import train_test_split

    strata = None if classes is None else classes[rows]
    try:
        rest, chosen = train_test_split(rows, test_size=share, random_state=seed, stratify=strata)
    except ValueError as error:
        raise DataError(
            f"data.{what}: {len(rows)} rows cannot be divided so: {error}; choose another share"
        ) from None
    return rest, chosen
