"""The data sets that a study file can name; all are offline and real but mnist1d, which is made.

`build(**parameters)` gives a `lightning_modules.data.tensors.TensorDataModule`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lightning_modules.components import Dataset, Flag, Number, Option, Parameter, chosen
from lightning_modules.data.augmentation import AUGMENT

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
}
