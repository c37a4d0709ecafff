"""The data sets that a study file can name: some come with the installed packages, others are read
from files.

`build(**parameters)` gives a `lightning_modules.data.tensors.TensorDataModule`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from lightning_modules.components import Dataset, Flag, Number, Option, Parameter, Text, chosen
from lightning_modules.data.augmentation import AUGMENT
from lightning_modules.data.splitting import SHARES

if TYPE_CHECKING:
    from lightning_modules.data.tensors import TensorDataModule


def load_data(name: str, **parameters: Any) -> TensorDataModule:
    """The data set called `name`; parameters that are not given are at their defaults."""
    row, filled = chosen(DATASETS, {"name": name, **parameters}, "data set")
    data: TensorDataModule = row.build(**filled)
    return data


def _digits(**parameters: Any) -> TensorDataModule:
    from lightning_modules.data.bundled import bundled

    return bundled("digits", (1, 8, 8), **parameters)


def _breast_cancer(**parameters: Any) -> TensorDataModule:
    from lightning_modules.data.bundled import bundled

    return bundled("breast_cancer", (30,), **parameters)


def _wine(**parameters: Any) -> TensorDataModule:
    from lightning_modules.data.bundled import bundled

    return bundled("wine", (13,), **parameters)


def _iris(**parameters: Any) -> TensorDataModule:
    from lightning_modules.data.bundled import bundled

    return bundled("iris", (4,), **parameters)


def _diabetes(**parameters: Any) -> TensorDataModule:
    from lightning_modules.data.bundled import bundled

    return bundled("diabetes", (10,), **parameters)


def _mnist1d(**parameters: Any) -> TensorDataModule:
    from lightning_modules.data.mnist1d import mnist1d

    return mnist1d(**parameters)


def _images(**parameters: Any) -> TensorDataModule:
    from lightning_modules.data.images import images

    return images(**parameters)


def _check_images(**parameters: Any) -> None:
    from lightning_modules.data.image_files import check_folder

    check_folder(**parameters)


def _new_images(path: str, preparation: Mapping[str, Any], /, **parameters: Any) -> Any:
    from lightning_modules.data.images import read_new

    return read_new(path, preparation, **parameters)


def _published(name: str, **parameters: Any) -> TensorDataModule:
    from lightning_modules.data.published import published

    return published(name, **parameters)


def _check_published(name: str, **parameters: Any) -> None:
    from lightning_modules.data.published import check_files

    check_files(name, **parameters)


_SHARE = Number(0.2, "share of the rows", low=0, high=1, open="both")
COMMON: dict[str, Parameter] = {
    "batch_size": Number(
        64,
        "rows per step; `full` is batch gradient descent",
        low=1,
        integer=True,
        words=("full",),
        tune=(16, 256),
        log=True,
    ),
    "validation": _SHARE,
    "split_seed": Number(0, "seed of the split", low=0, high=10**9, integer=True),
    "standardize": Flag(True, "mean 0 and deviation 1, fitted on the training part"),
    "balance": Option(
        "none",
        "classes count the same by weights of the training loss, or by drawing rows again",
        options=("none", "weights", "sampling"),
    ),
}
WITH_TEST: dict[str, Parameter] = {**COMMON, "test": _SHARE}
PUBLISHED: dict[str, Parameter] = {
    "root": Text("data", "the folder that holds torchvision's folder of this set"),
    "download": Flag(False, "fetch the files where they are missing"),
    **COMMON,
    **AUGMENT,
}

DATASETS: dict[str, Dataset] = {
    "digits": Dataset(
        "1,797 images of handwritten digits, 8 × 8, 10 classes",
        _digits,
        {**WITH_TEST, **AUGMENT},
        source="UCI, Alpaydin and Kaynak 1998",
        kind="image",
        outputs=10,
    ),
    "breast_cancer": Dataset(
        "569 tumours, 30 measurements, 2 classes",
        _breast_cancer,
        WITH_TEST,
        source="UCI, Wolberg 1995",
        outputs=2,
    ),
    "wine": Dataset(
        "178 wines, 13 measurements, 3 classes",
        _wine,
        WITH_TEST,
        source="UCI, Aeberhard 1991",
        outputs=3,
    ),
    "iris": Dataset(
        "150 flowers, 4 measurements, 3 classes",
        _iris,
        WITH_TEST,
        source="Fisher 1936",
        outputs=3,
    ),
    "diabetes": Dataset(
        "442 patients, 10 measurements, progression after a year",
        _diabetes,
        WITH_TEST,
        source="Efron 2004",
        task="regression",
        outputs=1,
    ),
    "mnist1d": Dataset(
        "4,000 synthetic signals of 40 points and the published 1,000 to test on, 10 classes",
        _mnist1d,
        COMMON,
        source="Greydanus 2020, arXiv:2011.14439",
        kind="signal",
        outputs=10,
    ),
    "images": Dataset(
        "PNG and JPEG files, a folder per class, perhaps in train, validation and test",
        _images,
        {
            "path": Text(None, "the folder"),
            "size": Number(
                32,
                "pixels of a side: the largest square at the centre is resized to it",
                low=1,
                integer=True,
                tune=(16, 128),
            ),
            "color": Option("rgb", "what is read of a pixel", options=("rgb", "gray")),
            "cache": Number(
                1024.0,
                "megabytes (one byte a number) up to which images are decoded once and kept",
                low=0,
            ),
            **COMMON,
            **SHARES,
            **AUGMENT,
        },
        source="your own files",
        kind="image",
        check=_check_images,
        read_new=_new_images,
    ),
    "mnist": Dataset(
        "60,000 images of handwritten digits, 28 × 28, and the published 10,000 to test on",
        partial(_published, "mnist"),
        PUBLISHED,
        source="LeCun 1998",
        kind="image",
        outputs=10,
        check=partial(_check_published, "mnist"),
        read_new=_new_images,
    ),
    "fashion_mnist": Dataset(
        "60,000 images of clothes, 28 × 28, and the published 10,000 to test on",
        partial(_published, "fashion_mnist"),
        PUBLISHED,
        source="Xiao 2017, arXiv:1708.07747",
        kind="image",
        outputs=10,
        check=partial(_check_published, "fashion_mnist"),
        read_new=_new_images,
    ),
    "cifar10": Dataset(
        "50,000 images of animals and vehicles, 32 × 32, and the published 10,000 to test on",
        partial(_published, "cifar10"),
        PUBLISHED,
        source="Krizhevsky 2009",
        kind="image",
        outputs=10,
        check=partial(_check_published, "cifar10"),
        read_new=_new_images,
    ),
}
