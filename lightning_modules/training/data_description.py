"""What a training and a prediction need to know of the data, be it fairtune's or the user's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytorch_lightning as pl
from torch import Tensor

from lightning_modules.configuration import Configuration
from lightning_modules.configuration.user_classes import classes_in
from lightning_modules.data.tensors import TensorDataModule
from lightning_modules.errors import DataError
from lightning_modules.user_code.imports import load, needs


@dataclass(frozen=True)
class Described:
    """A data module in plain values."""

    input_shape: tuple[int, ...] = ()
    """Of one row; empty where nobody asked."""
    outputs: int = 0
    """Classes, or values to predict; 0 where nobody asked."""
    hash: str = ""
    """Identity of the data; empty where the module does not say it."""
    classes: tuple[str, ...] = ()
    """The names of classes or labels."""
    values: tuple[str, ...] = ()
    """The names of values to predict, where there are several."""
    preparation: Mapping[str, Any] = field(default_factory=dict)
    input_embedding: Mapping[str, Any] | None = None


def describe(data: pl.LightningDataModule, configuration: Configuration) -> Described:
    """A data module, described as far as the network needs it.

    Of a module of the user's, `input_shape`, `outputs` (or `num_classes`) and `data_hash` are taken
    from its attributes, else the first two from its first training batch.

    Raises DataError where something is missing.
    """
    if isinstance(data, TensorDataModule):
        return Described(
            data.input_shape,
            data.outputs,
            data.splits.hash,
            data.splits.classes,
            data.splits.values,
            data.splits.preparation,
            data.splits.input_embedding,
        )
    missing = needed(configuration)
    if missing and not all(_attribute(data, name) for name in missing):
        data.prepare_data()
        data.setup("fit")  # some know more of themselves after it
    shape, outputs = _attribute(data, "input_shape"), _attribute(data, "outputs")
    batch = None
    if "input_shape" in missing and not shape:
        batch = _first_batch(data)
        shape = batch[0].shape[1:]
    if "outputs" in missing and not outputs:
        targets = (batch or _first_batch(data))[-1]
        if configuration.task == "classification" or targets.ndim != 2:
            raise DataError(
                f"{type(data).__name__} does not say what there is to predict: give it the "
                "attribute num_classes (of a regression, outputs: the number of values)"
            )
        outputs = targets.shape[1]
    return Described(
        tuple(shape or ()), int(outputs or 0), str(getattr(data, "data_hash", "") or "")
    )


def needed(configuration: Configuration) -> list[str]:
    """What the network must be told of the data."""
    names = ["input_shape", "outputs"]
    if not configuration.model.is_class:
        return names
    found = classes_in(configuration.model.to_dict())
    made = [(load(each.path), each.parameters) for each in found]
    return [
        name
        for name in names
        if any(needs(target, name) and name not in given for target, given in made)
    ]


def _attribute(data: pl.LightningDataModule, name: str) -> Any:
    found = getattr(data, name, None)
    return getattr(data, "num_classes", None) if found is None and name == "outputs" else found


def _first_batch(data: pl.LightningDataModule) -> Sequence[Tensor]:
    batch = next(iter(data.train_dataloader()), None)
    tensors = isinstance(batch, list | tuple) and all(isinstance(each, Tensor) for each in batch)
    if batch is None or not tensors or len(batch) < 2:
        raise DataError(
            f"the batches of {type(data).__name__} are not (inputs, targets): a network of "
            "fairtune's, or one with an optimizer of the file, can only learn from such"
        )
    return tuple(batch)
