"""torchvision's networks, from random weights or from weights that were learned elsewhere."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from lightning_modules.components import unknown
from lightning_modules.data.tensors import TensorDataModule
from lightning_modules.errors import UserError
from lightning_modules.networks.pretrained_weights import (
    ARCHITECTURES,
    IMAGENET,
    NONE,
    file_hash,
    frozen_layers,
    weights_path,
)
from lightning_modules.networks.supervised_module import SupervisedModule

EVALUATED = 64
"""Images at once where nothing is learned: large networks need some 10 MB for each."""
CHECKPOINT = "network.body."
"""How fairtune's own checkpoints call the weights of these networks."""


class Thawing(nn.Module):
    """A network with a head that is new and a backbone, `body`, of which layers may be frozen.

    A frozen layer has no gradient and is in evaluation mode: its batch normalization keeps the
    moments that it has learned, and nothing is dropped in it.
    """

    body: Any

    def __init__(
        self,
        body: nn.Module,
        heads: Sequence[nn.Module],
        frozen: Sequence[str],
        unfreeze_every: int,
        backbone_lr: float,
    ) -> None:
        super().__init__()
        self.body = body
        self.unfreeze_every = unfreeze_every
        self.backbone_lr = backbone_lr
        self._heads = tuple(heads)
        self._layers = tuple(body.get_submodule(name) for name in frozen)
        self._frozen = self._layers
        self.thaw(0)

    def thaw(self, epoch: int) -> None:
        """Let learn what learns in this epoch, counted from 0."""
        thawed = epoch // self.unfreeze_every if self.unfreeze_every else 0
        self._frozen = self._layers[: max(0, len(self._layers) - thawed)]
        for layer in self._layers:
            layer.requires_grad_(layer not in self._frozen)
        self.train(self.training)

    def train(self, mode: bool = True) -> Thawing:
        """As torch's, but frozen layers stay in evaluation mode."""
        super().train(mode)
        for layer in self._frozen:
            layer.eval()
        return self

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        """The head at the learning rate `lr`, the backbone at its share; what never learns is left
        out."""
        head = [weight for layer in self._heads for weight in layer.parameters()]
        other = {id(weight) for weight in head}
        if not self.unfreeze_every:
            other |= {id(weight) for layer in self._layers for weight in layer.parameters()}
        backbone = [weight for weight in self.parameters() if id(weight) not in other]
        groups = [{"params": head, "lr": lr}]
        return [*groups, {"params": backbone, "lr": lr * self.backbone_lr}] if backbone else groups


class TransferModule(SupervisedModule):
    """How a network learns whose backbone may be frozen; `learning` is what SupervisedModule takes.

    Gradual unfreezing follows Howard and Ruder 2018, arXiv:1801.06146.
    """

    network: Thawing

    def on_train_epoch_start(self) -> None:
        self.network.thaw(self.current_epoch)
        super().on_train_epoch_start()

    def learning_weights(self, lr: float) -> Iterable[Any]:
        return self.network.parameter_groups(lr)


class PretrainedNetwork(Thawing):
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
        freeze: str = NONE,
        unfreeze_every: int = 0,
        backbone_lr: float = 1.0,
        image_size: int | None = None,
        normalize: str = "data",
        dropout: float | None = None,
        **learning: Any,
    ) -> None:
        network = PretrainedNetwork(
            name, input_shape, outputs, weights, freeze, unfreeze_every, backbone_lr, image_size,
            normalize, dropout,
        )  # fmt: skip
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
    own = {key: value for key, value in body.state_dict().items() if not key.startswith(head)}
    # torchvision's file has a second head of Inception's, which only training on ImageNet needs
    return fitting(own, read_weights(path, name), name, path, (head, "AuxLogits."))


def fitting(
    own: Mapping[str, Tensor],
    found: Mapping[str, Any],
    name: str,
    path: Path,
    ignored: tuple[str, ...],
) -> dict[str, Tensor]:
    """What a file has for the weights `own`; what begins with `ignored` is left.

    Raises UserError naming the first weight that is missing, of another shape, or not known.
    """
    for key, value in own.items():
        if key not in found and not key.endswith("num_batches_tracked"):
            raise UserError(f"{path}: fits no {name}: it has no {key}")
        given, wanted = tuple(found[key].shape) if key in found else None, tuple(value.shape)
        if given not in (None, wanted):
            raise UserError(f"{path}: fits no {name}: {key} is {given}, and must be {wanted}")
    for key in found:
        if key not in own and not key.startswith(ignored):
            raise UserError(f"{path}: fits no {name}, which has no {key}")
    return {key: found[key] for key in own if key in found}


def read_weights(path: Path, name: str) -> dict[str, Tensor]:
    """The tensors of a `.safetensors` file, a state dict of torch's, or a checkpoint of fairtune's.

    Only tensors and plain values are read. Raises UserError where the file holds something else.
    """
    content: Mapping[str, Any]
    content = read_safetensors(path) if path.suffix == ".safetensors" else read_torch(path)
    if isinstance(content.get("weights"), Mapping) and "configuration" in content:
        model = content["configuration"]["model"]["name"]
        if model != name:
            raise UserError(f"{path}: is the checkpoint of a {model}, not of a {name}")
        weights = content["weights"].items()
        content = {k.removeprefix(CHECKPOINT): v for k, v in weights if k.startswith(CHECKPOINT)}
    for key, value in content.items():
        if not isinstance(value, Tensor):
            raise UserError(f"{path}: is no state dict: {key} is {type(value).__name__}, no tensor")
    return dict(content)


def read_safetensors(path: Path) -> dict[str, Any]:
    """The tensors of a `.safetensors` file."""
    try:
        from safetensors.torch import load_file
    except ImportError:
        raise UserError(f"{path}: reading it needs `pip install fairtune[text]`") from None
    try:
        return dict(load_file(path))
    except Exception as error:  # a foreign file can raise anything here
        raise UserError(f"{path}: is no whole safetensors file: {error}") from None


def read_torch(path: Path) -> Mapping[str, Any]:
    """What one of torch's files holds, tensors and plain values only."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of torch, about foreign files
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:  # torch's text advises to run whatever the file holds
        text = "it holds something else than tensors and plain values"
        raise UserError(f"{path}: cannot be read as weights: {text}") from None
    except Exception as error:  # a foreign file can raise anything here
        raise UserError(f"{path}: cannot be read as weights: {error}") from None
    if not isinstance(content, Mapping) or not all(isinstance(key, str) for key in content):
        raise UserError(f"{path}: is no state dict, but a {type(content).__name__}")
    return content
