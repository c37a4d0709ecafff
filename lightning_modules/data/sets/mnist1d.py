"""MNIST-1D (Greydanus 2020, arXiv:2011.14439): synthetic signals, made locally and cached."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock

from lightning_modules.data.preparation.new_rows import preparation
from lightning_modules.data.sets.bundled import divide
from lightning_modules.data.tensors import Splits, TensorDataModule, standardize
from lightning_modules.files import replacing
from lightning_modules.rights import private_cache

TARGETS_SHA256 = "6feec4a017698c7fe237c8854cbd2e338c6dd5c16240f6fa79daefaaa129e169"
"""Of the 5,000 labels (int64) that the package makes from its published seed."""


def mnist1d(
    *,
    batch_size: int | str,
    validation: float,
    split_seed: int,
    standardize: bool,
    balance: str,
    augment: Mapping[str, Any] | None = None,
) -> TensorDataModule:
    """4,000 signals to learn from and the published 1,000 to test on, each of 40 points."""
    return TensorDataModule(
        "mnist1d",
        lambda: _splits(validation, split_seed, standardize),
        batch_size,
        balance=balance,
        augment=augment,
    )


@lru_cache(maxsize=4)
def _splits(validation: float, split_seed: int, standardized: bool) -> Splits:
    arrays = load()
    inputs, test_inputs = (arrays[name][:, np.newaxis].astype(float) for name in ("x", "x_test"))
    targets = torch.tensor(arrays["y"], dtype=torch.int64)
    train, held_out = divide(
        np.arange(len(inputs)), validation, split_seed, arrays["y"], "validation"
    )
    fitted_on = inputs[train]
    prepared = preparation(fitted_on, (0, 2), standardized)
    if standardized:
        inputs, test_inputs = (standardize(x, fitted_on, (0, 2)) for x in (inputs, test_inputs))
    x = torch.tensor(inputs, dtype=torch.float32)
    test_targets = torch.tensor(arrays["y_test"], dtype=torch.int64)
    return Splits(
        (x[train], targets[train]),
        (x[held_out], targets[held_out]),
        (torch.tensor(test_inputs, dtype=torch.float32), test_targets),
        outputs=10,
        classes=tuple("0123456789"),
        preparation=prepared,
    )


def load(folder: Path | None = None) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays x, y, x_test and y_test, from the cache where its file is whole.

    Where the user's cache is not theirs alone, the data is made each time.
    The cache is a file beside its SHA-256; where the two disagree, the data is made again.
    """
    folder = folder or private_cache()
    if folder is None:
        return _arrays(_made())
    file, checksum = folder / "mnist1d.npz", folder / "mnist1d.sha256"
    with FileLock(folder / "mnist1d.lock"):
        content = file.read_bytes() if file.exists() else b""
        known = checksum.read_text().strip() if checksum.exists() else ""
        if hashlib.sha256(content).hexdigest() != known:
            content = _made()
            with replacing(file) as beside:
                beside.write_bytes(content)
            with replacing(checksum) as beside:
                beside.write_text(hashlib.sha256(content).hexdigest())
    return _arrays(content)


def _arrays(content: bytes) -> dict[str, np.ndarray[Any, Any]]:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


def _made() -> bytes:
    from mnist1d.data import get_dataset_args, make_dataset

    # it seeds the global generators, which belong to the training that asks
    python, numpy = random.getstate(), np.random.get_state()
    try:
        made = make_dataset(get_dataset_args())
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
    arrays = {name: made[name].astype(np.float32) for name in ("x", "x_test")}
    targets = {name: made[name].astype(np.int64) for name in ("y", "y_test")}
    digest = hashlib.sha256(targets["y"].tobytes() + targets["y_test"].tobytes()).hexdigest()
    if digest != TARGETS_SHA256:
        raise RuntimeError(f"the package mnist1d made other labels than expected ({digest})")
    buffer = io.BytesIO()
    np.savez(buffer, **arrays, **targets)
    return buffer.getvalue()
