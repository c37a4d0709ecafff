"""Networks whose weights may come from elsewhere: what they are called and where files are.

Torch is not imported until a file is read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lightning_modules.components import Number, Parameter, Text, suggestion
from lightning_modules.errors import UserError
from lightning_modules.files import user_path

NONE, IMAGENET = "none", "imagenet"
RUN = "runs:/"
UNTIL = "until:"


@dataclass(frozen=True)
class Architecture:
    """One of torchvision's networks."""

    head: str
    """The layer that answers; it is made new for the classes of the data."""
    layers: tuple[str, ...]
    """The other layers that have weights, from the inputs to the answer: the backbone."""
    file: str
    """What torchvision calls the file of the weights that were learned on ImageNet."""
    size: int = 224
    """Pixels per side at which those were learned."""
    smallest: int = 32
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    """Of every colour, as those weights expect it to be subtracted from values in 0..1."""
    deviation: tuple[float, float, float] = (0.229, 0.224, 0.225)
    dropout: float | None = None
    """Before the answer; None where there is none."""


def _features(*numbers: int) -> tuple[str, ...]:
    return tuple(f"features.{number}" for number in numbers)


_RESNET = ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4")
_INCEPTION = (
    "Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3",
    "Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e",
    "Mixed_7a", "Mixed_7b", "Mixed_7c",
)  # fmt: skip

ARCHITECTURES: dict[str, Architecture] = {
    "vgg11": Architecture(
        "classifier.6",
        (*_features(0, 3, 6, 8, 11, 13, 16, 18), "classifier.0", "classifier.3"),
        "vgg11-8a719046.pth",
        dropout=0.5,
    ),
    "vgg16": Architecture(
        "classifier.6",
        (
            *_features(0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
            "classifier.0",
            "classifier.3",
        ),
        "vgg16-397923af.pth",
        dropout=0.5,
    ),
    "resnet18": Architecture("fc", _RESNET, "resnet18-f37072fd.pth"),
    "resnet34": Architecture("fc", _RESNET, "resnet34-b627a593.pth"),
    "resnet50": Architecture("fc", _RESNET, "resnet50-11ad3fa6.pth"),
    "inception_v3": Architecture(
        "fc",
        _INCEPTION,
        "inception_v3_google-0cc3c7bd.pth",
        size=299,
        smallest=75,
        mean=(0.5, 0.5, 0.5),
        deviation=(0.5, 0.5, 0.5),
        dropout=0.5,
    ),
    "squeezenet1_1": Architecture(
        "classifier.1",
        _features(0, 3, 4, 6, 7, 9, 10, 11, 12),
        "squeezenet1_1-b8a52dc0.pth",
        dropout=0.5,
    ),
    "mobilenet_v3_small": Architecture(
        "classifier.3",
        (*_features(*range(13)), "classifier.0"),
        "mobilenet_v3_small-047dcff4.pth",
        dropout=0.2,
    ),
    "mobilenet_v3_large": Architecture(
        "classifier.3",
        (*_features(*range(17)), "classifier.0"),
        "mobilenet_v3_large-5c1a4163.pth",
        dropout=0.2,
    ),
    "efficientnet_b0": Architecture(
        "classifier.1",
        _features(*range(9)),
        "efficientnet_b0_rwightman-7f5810bc.pth",
        dropout=0.2,
    ),
}


@dataclass(frozen=True)
class Weights(Text):
    """Where weights come from; never the network."""

    def expects(self) -> str:
        return f"{NONE}, {IMAGENET}, a file, or {RUN} and the id of an MLflow run of this home"

    def _validation_error(self, value: Any) -> str | None:
        if not isinstance(value, str) or not value:
            return f"must be {self.expects()}, got {value!r}"
        if "://" in value:
            return f"{value!r} is a URL; weights are never fetched: name a file"
        if value.startswith(RUN) and not re.fullmatch(f"{RUN}[0-9A-Za-z_-]+", value):
            return f"must be {self.expects()}, got {value!r}"
        return None


@dataclass(frozen=True)
class Freeze(Parameter):
    """Which layers of a backbone do not learn; without `layers` only its files know them."""

    layers: tuple[str, ...] = ()

    def expects(self) -> str:
        if not self.layers:
            return f"none, backbone or {UNTIL}LAYER"
        return f"none, backbone or {UNTIL}LAYER, a layer being one of {', '.join(self.layers)}"

    def _validation_error(self, value: Any) -> str | None:
        if value in (NONE, "backbone"):
            return None
        if isinstance(value, str) and value.startswith(UNTIL):
            return _unknown_layer(value, self.layers) if self.layers else None
        return f"must be {self.expects()}, got {value!r}"

    def schema(self) -> dict[str, Any]:
        if not self.layers:
            return {"type": "string", "pattern": f"^({NONE}|backbone|{UNTIL}.+)$"}
        return {"enum": [NONE, "backbone", *(UNTIL + layer for layer in self.layers)]}


def _unknown_layer(freeze: str, layers: tuple[str, ...]) -> str | None:
    layer = freeze.removeprefix(UNTIL)
    if layer in layers:
        return None
    return f"has no layer {layer!r}{suggestion(layer, layers)}; known are {', '.join(layers)}"


def frozen_layers(freeze: str, layers: tuple[str, ...]) -> tuple[str, ...]:
    """The layers that do not learn at first; `until:` includes the layer that it names.

    Raises UserError where there is none of that name.
    """
    if freeze == NONE:
        return ()
    if freeze == "backbone":
        return layers
    if validation_error := _unknown_layer(freeze, layers):
        raise UserError(f"model.freeze: {validation_error}")
    return layers[: layers.index(freeze.removeprefix(UNTIL)) + 1]


def learning_parameters(layers: tuple[str, ...]) -> dict[str, Parameter]:
    """What every network takes that may start from weights of elsewhere."""
    return {
        "freeze": Freeze(
            NONE, "what does not learn: nothing, the backbone, or it up to a layer", layers
        ),
        "unfreeze_every": Number(
            0,
            "epochs after which the last frozen layer learns too, then the one before; 0: never",
            low=0,
            integer=True,
        ),
        "backbone_lr": Number(
            1.0,
            "the backbone's learning rate, as a factor of the head's",
            low=0.01,
            high=1.0,
            tune=(0.01, 1.0),
            log=True,
        ),
    }


def conflicts(parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Parameters of a network that are right alone and senseless together."""
    if parameters.get("unfreeze_every") and parameters.get("freeze", NONE) == NONE:
        return [("unfreeze_every", "has nothing to unfreeze; give freeze too, or leave it out")]
    return []


def weights_path(name: str, weights: str) -> Path:
    """The file that `weights` means for the network called `name`.

    Raises UserError where there is none.
    """
    if weights.startswith(RUN):
        raise UserError(f"{weights} can be read by a study only; name the checkpoint's file here")
    if weights != IMAGENET:
        path = user_path(weights)
        if not path.is_file():
            raise UserError(f"model.weights: there is no file {path}")
        return path
    from torch.hub import get_dir

    path = Path(get_dir()) / "checkpoints" / ARCHITECTURES[name].file
    if not path.is_file():
        raise UserError(
            f"model.weights: {path} is missing; nothing is fetched silently: where there is a "
            f"network, run python -c \"import torchvision; torchvision.models.get_model('{name}', "
            "weights='DEFAULT')\", or put the file there"
        )
    return path


def file_hash(path: Path) -> str:
    """Identity of a file's content: 12 hexadecimal digits."""
    stat = path.stat()
    return _hash(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=16)
def _hash(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]
