"""From a configuration, or from a checkpoint, to the data and the network that it describes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from lightning_modules.configuration import Configuration, Part
from lightning_modules.data.padding import PADDED
from lightning_modules.data.parameters import AUTO, LOADER_WORKERS
from lightning_modules.data.table import DATASETS
from lightning_modules.errors import DataError, UserCodeError, UserError
from lightning_modules.networks import NETWORKS, SupervisedModule
from lightning_modules.networks.input_embedding import EmbeddedNetwork, build_input_embedding
from lightning_modules.networks.pretrained.torch_files import load_torch
from lightning_modules.optimization import REGULARIZATION
from lightning_modules.training.data_description import Described, describe
from lightning_modules.user_code.learning import user_loss, user_optimizer
from lightning_modules.user_code.modules import user_data, user_lightning_module, user_network_row


def build_data(configuration: Configuration, loader_workers: int = 0) -> pl.LightningDataModule:
    """The data that a configuration names; `loader_workers` are what `auto` means there."""
    part = configuration.data
    if part.is_class:
        return user_data(part)
    if part.parameters.get(LOADER_WORKERS) == AUTO:
        part = part.replaced(LOADER_WORKERS, loader_workers)
    data: pl.LightningDataModule = DATASETS[part.name].build(**part.parameters)
    return data


def build_module(
    configuration: Configuration, data: pl.LightningDataModule, weights: str | None = None
) -> pl.LightningModule:
    """The LightningModule (MLP, CNN, ..., or the user's) that a configuration describes.

    `weights` is the file that `model.weights` means, where that names a run.
    """
    return build_network(configuration, describe(data, configuration), weights)


def build_network(
    configuration: Configuration,
    data: Described,
    weights: str | None,
    architecture: Mapping[str, Any] | None = None,
) -> pl.LightningModule:
    """The same for data that is described.

    `architecture` is what a checkpoint says of a network that its parameters alone do not tell.
    Raises DataError where data and loss do not fit.
    """
    input_shape, outputs = data.input_shape, data.outputs
    if configuration.model.is_class and not configuration.optimizer.name:
        return user_lightning_module(configuration, input_shape, outputs)
    if configuration.model.is_class:
        row, parameters = user_network_row(configuration), {}
    else:
        row = NETWORKS[configuration.model.name]
        parameters = dict(configuration.model.parameters)
    if "weights" in parameters and weights is not None:
        parameters["weights"] = weights
    if architecture is not None:
        parameters["architecture"] = architecture
    embedding = None
    if data.input_embedding is not None and not row.reads_tokens:
        embedding = build_input_embedding(data.input_embedding)
        input_shape = embedding.shape(input_shape)
    padded = _kind(configuration.data) in PADDED
    if row.time_first and len(input_shape) == 2 and padded:
        parameters["sequence"] = True
    learning = {}
    for name, given in configuration.regularization.items():
        if REGULARIZATION[name].role == "network":
            parameters |= REGULARIZATION[name].build(**given)
        else:
            learning[name] = given
    binary = (
        configuration.loss.name == "binary_cross_entropy" and configuration.task != "multilabel"
    )
    if binary and outputs != 2:
        raise DataError(f"binary_cross_entropy needs two classes, but the data has {outputs}")
    module: SupervisedModule = row.build(
        input_shape,
        1 if binary else outputs,
        **parameters,
        task=configuration.task,
        loss=_loss(configuration.loss),
        optimizer=_optimizer(configuration.optimizer),
        schedule=configuration.schedule.to_dict(),
        regularization=learning,
        objective=configuration.objective.metric,
        goal=configuration.objective.goal,
    )
    if configuration.task == "regression":
        # as wide as those that a checkpoint may hold
        module.target_mean, module.target_scale = torch.zeros(outputs), torch.ones(outputs)
    if embedding is not None:
        module.network = EmbeddedNetwork(embedding, module.network)
    module.reads_lengths = padded and not configuration.data.is_class
    return module


def _loss(part: Part) -> Any:
    return user_loss(part) if part.is_class else part.to_dict()


def _optimizer(part: Part) -> Any:
    return user_optimizer(part) if part.is_class else part.to_dict()


def _kind(data: Part) -> str:
    return "sequence" if data.is_class else DATASETS[data.name].kind_of(data.parameters)


def read_checkpoint(checkpoint: Path) -> dict[str, Any]:
    """What a checkpoint holds; only tensors and plain values are read.

    Raises UserError where the file is no whole checkpoint.
    """
    problem = f"{checkpoint}: is no whole fairtune checkpoint"
    content = load_torch(checkpoint, problem)
    if not isinstance(content, Mapping):
        raise UserError(f"{problem}: it is a {type(content).__name__}")
    return dict(content)


def restore(checkpoint: Path) -> pl.LightningModule:
    """The trained network of a checkpoint, ready to predict; only plain tensors are read.

    Raises UserError where the file is no whole checkpoint, and where its network is of a class
    that may not be imported here.
    """
    content = read_checkpoint(checkpoint)
    try:
        configuration = Configuration.resolve(content["configuration"])
        shape = tuple(content["input_shape"])
        described = Described(shape, content["outputs"], input_embedding=content["front"])
        module = build_network(configuration, described, "none", content.get("architecture"))
        module.load_state_dict(content["weights"])
    except UserCodeError:
        raise
    except Exception as error:  # a foreign file can raise anything here
        raise UserError(f"{checkpoint}: is no whole fairtune checkpoint: {error}") from None
    return module.eval()
