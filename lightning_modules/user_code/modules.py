"""Networks, modules and data of the user's own classes, as a training needs them."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.model_helpers import is_overridden
from torch import Tensor, nn

from lightning_modules.components import Network
from lightning_modules.configuration import Configuration, Part
from lightning_modules.configuration.user_classes import classes_in
from lightning_modules.data.padding import PADDED
from lightning_modules.data.table import DATASETS
from lightning_modules.errors import Problem, UserCodeError, UserError
from lightning_modules.networks import SupervisedModule
from lightning_modules.optimization import REGULARIZATION
from lightning_modules.user_code.answers import probabilities_of_labels
from lightning_modules.user_code.distributions import (
    DATA,
    is_data,
    is_module,
    lightning_of,
    trained_by,
)
from lightning_modules.user_code.imports import load, make, misfits, takes
from lightning_modules.user_code.user_metrics import logged_metrics

OFFERED = ("input_shape", "outputs")
"""What a network is given of its data, where it takes them."""


def user_code_problems(configuration: Configuration) -> Iterator[Problem]:
    """What is wrong with the user's own classes in a configuration; they are imported.

    Raises UserCodeError where the class of the data or the model cannot be.
    """
    for key in ("data", "model"):
        part: Part = getattr(configuration, key)
        if not part.is_class:
            continue
        target = load(part.name)
        network = _network_regularizers(configuration) if key == "model" else {}
        offered = OFFERED if key == "model" else ()
        for name, text in misfits(part.name, target, [*part.parameters, *network], offered):
            yield Problem(("regularization" if name in network else key, name), text)
        for each in classes_in(part.parameters, (key,)):
            try:
                inner = load(each.path)
            except UserCodeError as error:
                yield Problem((), str(error))  # it names the class
                continue
            for name, text in misfits(each.path, inner, each.parameters, offered):
                yield Problem((*each.keys, name), text)
        if key == "model" and _is_padded(configuration) and not _takes_lengths(target):
            text = (
                f"{part.name} reads rows of different lengths here, so its forward must take "
                "(inputs, lengths)"
            )
            yield Problem((key, "class"), text)
        if isinstance(target, type):
            wrong = _model_problem if key == "model" else _data_problem
            validation_error = wrong(target, part.name, bool(configuration.optimizer.name))
            if validation_error is not None:
                yield Problem((key, "class"), validation_error)


def _is_padded(configuration: Configuration) -> bool:
    row = DATASETS.get(configuration.data.name)
    return row is not None and row.kind_of(configuration.data.parameters) in PADDED


def _takes_lengths(target: Any) -> bool:
    """Whether the forward of a network can be called with two inputs; a function tells nothing."""
    forward = getattr(target, "forward", None)
    if forward is None or is_module(target):
        return True
    try:
        inspect.signature(forward).bind(None, None, None)
    except TypeError:
        return False
    return True


def user_data(part: Part) -> pl.LightningDataModule:
    """The user's data module; UserCodeError where it is none."""
    data = make(part.name, part.parameters)
    if text := _data_problem(type(data), f"what {part.name} makes"):
        raise UserCodeError(text)
    return data  # type: ignore[no-any-return]


def _data_problem(made: type, name: str, named: bool = False) -> str | None:
    return None if is_data(made) else f"{name} is no LightningDataModule"


def _model_problem(made: type, name: str, named: bool) -> str | None:
    """Whether a class is a module, and has one optimizer: its own, or the one that is named."""
    if not issubclass(made, nn.Module):
        return f"{name} is no torch.nn.Module and no LightningModule"
    lightning = is_module(made)
    if lightning and named:
        return (
            f"{name} is a LightningModule and brings its own optimizer; take optimizer out of the "
            "file, and give its settings to the class"
        )
    if not lightning and not named:
        return (
            f"{name} is a network without an optimizer; name one in the file: "
            "optimizer: {name: adam}"
        )
    return None


def user_network_row(configuration: Configuration) -> Network:
    """The row of an own class, whose `build` knows its parameters: it gives a SupervisedModule."""

    def build(input_shape: tuple[int, ...], outputs: int, **given: Any) -> SupervisedModule:
        network = _made(configuration, input_shape, outputs)
        for name in _network_regularizers(configuration):
            del given[name]
        return SupervisedModule(network, **given)

    return Network("", build)


def user_lightning_module(
    configuration: Configuration, input_shape: tuple[int, ...], outputs: int
) -> pl.LightningModule:
    """The user's LightningModule, which brings its own optimizer."""
    module = _made(configuration, input_shape, outputs)
    assert is_module(type(module))
    return module  # type: ignore[return-value]  # of whichever name


def _made(configuration: Configuration, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    """The user's module; it gets `input_shape` and `outputs` where it takes them and the file does
    not give them.

    Raises UserCodeError where it does not fit the configuration.
    """
    name, named = configuration.model.name, bool(configuration.optimizer.name)
    target = load(name)
    given = _network_parameters(configuration)
    shapes = {"input_shape": input_shape, "outputs": outputs}
    known = {name: value for name, value in shapes.items() if value}
    more = {k: v for k, v in known.items() if takes(target, k) and k not in given}
    if keras := sys.modules.get("keras"):
        keras.utils.clear_session()  # its layers are numbered by process otherwise
    module = make(name, {**given, **more}, known)
    if text := _model_problem(type(module), f"what {name} makes", named):
        raise UserCodeError(text)
    if keras is not None and isinstance(module, keras.Layer):
        return KerasNetwork(module)
    return module  # type: ignore[no-any-return]


class KerasNetwork(nn.Module):
    """A Keras model on torch, which has to be told whether it is trained."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> Tensor:
        outputs: Tensor = self.model(*inputs, training=self.training)
        return outputs


def answered(module: pl.LightningModule, task: str, *inputs: Tensor) -> Tensor:
    """What a trained module answers to inputs (n, ...): class probabilities (n, classes), or what
    its `predict` gives where it has one, else its `forward`.

    A module of the user's may give logits: rows that are no probabilities are put through softmax.
    Of several labels its `predict` gives probabilities and its `forward` logits, since a number
    between 0 and 1 may be either. Raises UserError where it gives no number per class or label.
    """
    found: Tensor = getattr(module, "predict", module)(*inputs)
    if isinstance(module, SupervisedModule):
        return found
    if task == "multilabel":
        return probabilities_of_labels(module, found, hasattr(module, "predict"))
    if task != "classification":
        return found
    if not isinstance(found, Tensor) or found.ndim != 2 or found.shape[1] < 2:
        gives = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise UserError(
            f"{type(module).__name__} answers {len(inputs[0])} rows with {gives}; for a "
            "classification its predict (or forward) must give a number per class for every row"
        )
    are_shares = (found >= 0).all(dim=1) & ((found.sum(dim=1) - 1).abs() <= 1e-3)
    return torch.where(are_shares[:, None], found, found.softmax(dim=1))


def can_test(module: pl.LightningModule, data: pl.LightningDataModule) -> bool:
    """Whether the module has a test step and the data has a test part."""
    base = trained_by(module).LightningModule
    return is_overridden("test_step", module, base) and has_test_part(data)


def has_test_part(data: pl.LightningDataModule) -> bool:
    """Whether the data says what its test part is."""
    base = (lightning_of(type(data), DATA) or pl).LightningDataModule
    return is_overridden("test_dataloader", data, base)


def tested(trainer: pl.Trainer, module: pl.LightningModule) -> dict[str, float]:
    """What the test has given, as `test/...`."""
    if isinstance(module, SupervisedModule):
        said = module.epoch_metrics
        return {name: said[name] for name in said if name.startswith("test/")}
    return {
        "test/" + re.sub(r"^test[/_]", "", name): x for name, x in logged_metrics(trainer).items()
    }


def _network_regularizers(configuration: Configuration) -> dict[str, Any]:
    """Those regularizers that a network builds in, as its parameters."""
    found: dict[str, Any] = {}
    for name, given in configuration.regularization.items():
        if REGULARIZATION[name].role == "network":
            found |= REGULARIZATION[name].build(**given)
    return found


def _network_parameters(configuration: Configuration) -> dict[str, Any]:
    return {**configuration.model.parameters, **_network_regularizers(configuration)}
