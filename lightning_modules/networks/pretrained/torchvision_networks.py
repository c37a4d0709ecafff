"""torchvision's networks, from random weights or from weights that were learned elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from lightning_modules.components import apart, unknown
from lightning_modules.data.tensors import TensorDataModule
from lightning_modules.errors import UserError
from lightning_modules.networks.learning import LEARNING
from lightning_modules.networks.pretrained.transfer import (
    EVALUATED,
    GradualUnfreezing,
    TransferModule,
)
from lightning_modules.networks.pretrained.weight_files import fitting, read_weights
from lightning_modules.networks.pretrained.weights import (
    ARCHITECTURES,
    IMAGENET,
    NONE,
    file_hash,
    frozen_layers,
    weights_path,
)


class PretrainedNetwork(GradualUnfreezing):
    """One of torchvision's networks with a head of its own.

    Images (n, 1 or 3, h, w) to (n, outputs). Inside, images are resized to `image_size` pixels per
    side (bilinear), one channel is repeated to three, and with `normalize: imagenet` values in 0..1
    get the moments that ImageNet's weights expect.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        name: str,
        input_shape: Sequence[int],
        outputs: int,
        weights: str = NONE,
        freeze: str = NONE,
        unfreeze_every: int = 0,
        backbone_lr: float = 1.0,
        image_size: int | None = None,
        normalize: str = "data",
        dropout: float | None = None,
    ) -> None:
        """Raises UserError where the weights do not fit, or where images have other channels."""
        if name not in ARCHITECTURES:
            raise UserError(unknown("network", name, ARCHITECTURES))
        if input_shape[0] not in (1, 3):
            raise UserError(f"{name} reads images of 1 or 3 channels, got {input_shape[0]}")
        architecture = ARCHITECTURES[name]
        body = _body(name, outputs, dropout)
        if weights != NONE:
            _load(body, name, weights_path(name, weights))
        frozen = frozen_layers(freeze, architecture.layers)
        head = body.get_submodule(architecture.head)
        super().__init__(body, [head], frozen, unfreeze_every, backbone_lr)
        self.image_size = image_size or architecture.size
        self.normalizes = normalize == IMAGENET
        for moment in ("mean", "deviation"):
            values = torch.tensor(getattr(architecture, moment)).reshape(3, 1, 1)
            self.register_buffer(moment, values, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        if self.training:
            return self._answer(images)
        return torch.cat([self._answer(part) for part in torch.split(images, EVALUATED)])

    def prepare(self, images: Tensor) -> Tensor:
        """What the body reads: (n, 3, image_size, image_size)."""
        size = (self.image_size, self.image_size)
        if images.shape[-2:] != size:
            images = interpolate(images, size, mode="bilinear", antialias=True)
        images = images.expand(-1, 3, -1, -1)
        return (images - self.mean) / self.deviation if self.normalizes else images

    def _answer(self, images: Tensor) -> Tensor:
        outputs: Tensor = self.body(self.prepare(images))
        return outputs


class Pretrained(TransferModule):
    """One of torchvision's networks and how it learns."""

    network: PretrainedNetwork

    def __init__(
        self,
        name: str,
        input_shape: Sequence[int],
        outputs: int,
        weights: str = NONE,
        **given: Any,
    ) -> None:
        """`given` are parameters of `PretrainedNetwork` and of `SupervisedModule`."""
        parameters, learning = apart(given, LEARNING)
        network = PretrainedNetwork(name, input_shape, outputs, weights, **parameters)
        super().__init__(network, **learning)
        self.weights_hash = "" if weights == NONE else file_hash(weights_path(name, weights))

    def setup(self, stage: str) -> None:
        super().setup(stage)
        data = getattr(self.trainer, "datamodule", None)
        if self.network.normalizes and isinstance(data, TensorDataModule):
            seen = data.splits.train[0][:EVALUATED]
            low, high = float(seen.min()), float(seen.max())
            if low < 0 or high > 1:
                raise UserError(
                    f"normalize: imagenet needs images with values from 0 to 1, but {data.name} "
                    f"gives {low:g} to {high:g}; leave normalize out"
                )


SETTINGS: dict[str, dict[str, Any]] = {"inception_v3": {"aux_logits": False, "init_weights": True}}
"""What torchvision's builders are told besides the number of outputs."""


def _body(name: str, outputs: int, dropout: float | None) -> nn.Module:
    from torchvision.models import get_model

    given: dict[str, Any] = dict(SETTINGS.get(name, {}))
    if dropout is not None:
        given["dropout"] = dropout
    body: nn.Module = get_model(name, weights=None, num_classes=outputs, **given)
    if name == "squeezenet1_1":
        # torchvision rectifies the answers, which leaves none below zero
        body.get_submodule("classifier")[2] = nn.Identity()  # type: ignore[operator]
    return body


def check_weights(name: str, path: Path) -> None:
    """Raise UserError where a file's weights do not fit torchvision's network called `name`."""
    with torch.device("meta"):
        body = _body(name, 2, None)
    _fitting(body, name, path)


def _load(body: nn.Module, name: str, path: Path) -> None:
    body.load_state_dict(_fitting(body, name, path), strict=False)


def _fitting(body: nn.Module, name: str, path: Path) -> dict[str, Tensor]:
    """The weights of a file for all of the body but its head."""
    head = ARCHITECTURES[name].head + "."
    expected = {key: value for key, value in body.state_dict().items() if not key.startswith(head)}
    # torchvision's file has a second head of Inception's, which only training on ImageNet needs
    return fitting(expected, read_weights(path, name), name, path, (head, "AuxLogits."))
