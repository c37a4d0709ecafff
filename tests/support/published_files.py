"""Tiny files in the layout of torchvision's sets."""

import hashlib
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

Array = np.ndarray[Any, Any]
NAMES = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}


def pixels(count: int, *shape: int) -> Array:
    return np.random.default_rng(count).integers(0, 256, (count, *shape), dtype=np.uint8)


def write_idx(folder: Path, train: int = 100, test: int = 20) -> None:
    """Files of images 28 × 28 and of their classes, which take turns."""
    folder.mkdir(parents=True)
    for part, count in (("train", train), ("t10k", test)):
        header = struct.pack(">4B3I", 0, 0, 8, 3, count, 28, 28)
        images = pixels(count, 28, 28)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        labels = np.arange(count, dtype=np.uint8) % 10
        header = struct.pack(">4BI", 0, 0, 8, 1, count)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())


def write_cifar(root: Path, patch: pytest.MonkeyPatch) -> None:
    """Batches of twenty images, whose checksums torchvision takes for the published ones."""
    folder = root / CIFAR10.base_folder
    folder.mkdir(parents=True)

    def write(name: str, content: dict[str, Any]) -> str:
        (folder / name).write_bytes(pickle.dumps(content))
        return hashlib.md5((folder / name).read_bytes(), usedforsecurity=False).hexdigest()

    def batch(index: int) -> dict[str, Any]:
        return {"data": pixels(20 + index, 3072)[:20], "labels": [n % 10 for n in range(20)]}

    names = [f"data_batch_{index}" for index in range(1, 6)]
    patch.setattr(CIFAR10, "train_list",
                  [[name, write(name, batch(n))] for n, name in enumerate(names)])  # fmt: skip
    patch.setattr(CIFAR10, "test_list", [["test_batch", write("test_batch", batch(6))]])
    labels = {"label_names": list("abcdefghij")}
    patch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": write("batches.meta", labels)})
