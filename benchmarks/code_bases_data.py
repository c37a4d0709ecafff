"""Small data in the places and forms in which existing code looks for its own: nothing is loaded
from a network."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

SIDE = 28
TEXT = "the quick brown fox jumps over the lazy dog and then it sleeps by the old river bank\n"


def digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """600 of scikit-learn's digits, as large as MNIST's: images (600, 28, 28) and labels."""
    images, labels = load_digits(return_X_y=True)
    large = np.kron(images.reshape(-1, 8, 8) / 16 * 255, np.ones((3, 3)))
    return np.pad(large, ((0, 0), (2, 2), (2, 2))).astype("uint8")[:600], labels.astype("uint8")[
        :600
    ]


def mnist(folder: Path) -> None:
    """MNIST's files below a folder that torchvision's `MNIST` reads, for 400 and 200 images."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    images, labels = digits()
    for part, rows in (("train", slice(400)), ("t10k", slice(400, 600))):
        count = len(labels[rows])
        header = struct.pack(">4i", 2051, count, SIDE, SIDE)
        (raw / f"{part}-images-idx3-ubyte").write_bytes(header + images[rows].tobytes())
        header = struct.pack(">2i", 2049, count)
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(header + labels[rows].tobytes())


def arrays(folder: Path) -> None:
    """`digits.npz`, as fairtune's set `arrays` reads it and the Keras example wants it."""
    images, labels = digits()
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "digits.npz", x=images[:, None].astype("float32") / 255, y=labels)


def text(folder: Path) -> None:
    """`input.txt`, a text that nanoGPT's own `prepare.py` divides."""
    (folder / "input.txt").write_text(TEXT * 60)


def words(folder: Path) -> None:
    """The three parts of a text, as the language model of pytorch/examples reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, lines in (("train", 40), ("valid", 15), ("test", 15)):
        (folder / f"{part}.txt").write_text(TEXT * lines)


def mushrooms(folder: Path) -> None:
    """Rows in LIBSVM's form, as XGBoost's walkthrough reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    draws = np.random.default_rng(0)
    for part, count in (("train", 300), ("test", 150)):
        rows = draws.normal(size=(count, 5))
        labels = (rows[:, 0] * rows[:, 1] + rows[:, 2] > 0).astype(int)
        lines = [
            f"{label} " + " ".join(f"{place + 1}:{value:.4f}" for place, value in enumerate(row))
            for label, row in zip(labels, rows, strict=True)
        ]
        (folder / f"agaricus.txt.{part}").write_text("\n".join(lines) + "\n")
    (folder / "featmap.txt").write_text("".join(f"{n} f{n} q\n" for n in range(5)))
