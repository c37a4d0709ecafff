"""torchvision's data sets, from its files in a local folder, or downloaded.

Nothing here imports torch before data is read or downloaded.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lightning_modules.errors import DataError
from lightning_modules.files import user_path

if TYPE_CHECKING:
    from torch import Tensor

    from lightning_modules.data.tensors import Splits, TensorDataModule


class Published(NamedTuple):
    """One of torchvision's classes and the files that it reads below its root."""

    name: str
    folder: str
    files: tuple[str, ...]
    color: str


IDX = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
BATCHES = (*(f"data_batch_{index}" for index in range(1, 6)), "test_batch", "batches.meta")
PUBLISHED = {
    "mnist": Published("MNIST", "MNIST/raw", IDX, "gray"),
    "fashion_mnist": Published("FashionMNIST", "FashionMNIST/raw", IDX, "gray"),
    "cifar10": Published("CIFAR10", "cifar-10-batches-py", BATCHES, "rgb"),
}


def published(
    name: str,
    *,
    root: str,
    download: bool,
    batch_size: int | str,
    validation: float,
    split_seed: int,
    standardize: bool,
    balance: str,
    augment: Mapping[str, Any] | None,
) -> TensorDataModule:
    """A set of torchvision's; the published test part is the test part.

    Raises DataError, when the data is asked for, where its files cannot be used.
    """
    from lightning_modules.data.tensors import TensorDataModule

    def load() -> Splits:
        states = check_files(name, root=root, download=download)
        return _splits(name, user_path(root), states, validation, split_seed, standardize)

    return TensorDataModule(name, load, batch_size, balance=balance, augment=augment)


def check_files(name: str, *, root: str, download: bool, **_: Any) -> tuple[tuple[int, int], ...]:
    """See that the files are there, or download them; gives what changes when they are written.

    Raises DataError where a file is missing and may not or cannot be downloaded.
    """
    known = PUBLISHED[name]
    files = [user_path(root) / known.folder / file for file in known.files]
    if missing := [file for file in files if not file.is_file()]:
        if not download:
            raise DataError(
                f"{missing[0]}: is missing, so {known.name} cannot be read; put torchvision's "
                "files there, correct data.root, or write download: true"
            )
        _download(known, user_path(root))
    states = [file.stat() for file in files]
    return tuple((state.st_ino, state.st_mtime_ns) for state in states)


def _download(known: Published, root: Path) -> None:
    from filelock import FileLock
    from torchvision import datasets

    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f".{known.name}.lock"), redirect_stdout(sys.stderr):
            getattr(datasets, known.name)(str(root), download=True)
    except Exception as error:  # of the network, of the disk, or of the files that were there
        why = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        raise DataError(
            f"{root}: {known.name} cannot be downloaded ({why[0]}); try again where there is a "
            "network, or put torchvision's files there"
        ) from None


@lru_cache(maxsize=2)
def _splits(
    name: str, root: Path, _: object, validation: float, split_seed: int, standardized: bool
) -> Splits:
    """The third argument tells files that were written again from those that are known."""
    import torch

    from lightning_modules.data.preparation.splitting import held_out
    from lightning_modules.data.sets.images import Pixels, histogram, moments_of, unscaled
    from lightning_modules.data.tensors import Splits

    pixels, targets, classes = _read(PUBLISHED[name], root, train=True)
    test_pixels, test_targets, _classes = _read(PUBLISHED[name], root, train=False)
    rows = np.arange(len(targets))
    where = f"{root}: {PUBLISHED[name].name}: data.validation"
    held = torch.from_numpy(held_out(rows, validation, split_seed, targets.numpy(), where))
    learning = torch.ones(len(rows), dtype=torch.bool)
    learning[held] = False
    scaling = unscaled(pixels.shape[1])
    if standardized:
        scaling = moments_of(histogram(pixels[learning]))
    mean, deviation = scaling
    return Splits(
        (Pixels(pixels[learning], scaling), targets[learning]),
        (Pixels(pixels[held], scaling), targets[held]),
        (Pixels(test_pixels, scaling), test_targets),
        outputs=len(classes),
        classes=tuple(classes),
        preparation={
            "size": pixels.shape[-1],
            "color": PUBLISHED[name].color,
            "background": "white",
            "mean": mean,
            "deviation": deviation,
        },
        scaling=scaling,
    )


def _read(known: Published, root: Path, *, train: bool) -> tuple[Tensor, Tensor, list[str]]:
    """Pixels (n, c, h, w) of bytes, targets (n,), and the names of the classes.

    CIFAR-10's files are pickles: torchvision compares their MD5 with the published one before it
    opens them.
    """
    import torch
    from torchvision import datasets

    try:
        data = getattr(datasets, known.name)(str(root), train=train)
    except Exception as error:  # whatever a damaged file can raise
        why = str(error).partition(". You can")[0] or type(error).__name__
        raise DataError(
            f"{root / known.folder}: {known.name} cannot be read ({why}); remove the folder and "
            "write download: true, or put torchvision's files there"
        ) from None
    pixels = torch.as_tensor(data.data)
    pixels = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2).contiguous()
    return pixels, torch.as_tensor(data.targets, dtype=torch.int64), list(data.classes)
