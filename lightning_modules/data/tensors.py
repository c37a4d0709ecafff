"""In-memory tensors, split and standardized."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Splits:
    """Inputs (n, *input_shape) and targets, (n,) classes or (n, 1) values, of the three parts."""

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    batch_size: int | str


def bundled(
    name: str,
    input_shape: tuple[int, ...],
    *,
    batch_size: int | str,
    validation: float,
    test: float,
    split_seed: int,
    standardize: bool,
    regression: bool = False,
) -> Splits:
    """A data set that comes with scikit-learn; the split is stratified for classification."""
    from sklearn import datasets
    from sklearn.model_selection import train_test_split

    inputs, targets = getattr(datasets, f"load_{name}")(return_X_y=True)
    rows = np.arange(len(inputs))
    classes = None if regression else targets
    rest, test_rows = train_test_split(
        rows, test_size=test, random_state=split_seed, stratify=classes
    )
    train_rows, validation_rows = train_test_split(
        rest,
        test_size=validation / (1 - test),
        random_state=split_seed,
        stratify=None if classes is None else classes[rest],
    )
    if standardize:
        mean, deviation = inputs[train_rows].mean(0), inputs[train_rows].std(0)
        inputs = (inputs - mean) / np.where(deviation > 0, deviation, 1.0)

    def part(chosen: np.ndarray[tuple[int], np.dtype[np.int64]]) -> tuple[Tensor, Tensor]:
        x = torch.tensor(inputs[chosen], dtype=torch.float32).reshape(-1, *input_shape)
        if regression:
            return x, torch.tensor(targets[chosen], dtype=torch.float32).unsqueeze(1)
        return x, torch.tensor(targets[chosen], dtype=torch.int64)

    return Splits(part(train_rows), part(validation_rows), part(test_rows), batch_size)
