"""The data sets that a study file can name; all are offline and real.

`build(**parameters)` gives a `lightning_modules.data.tensors.Splits`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lightning_modules.components import Dataset, Flag, Number, Parameter

if TYPE_CHECKING:
    from lightning_modules.data.tensors import Splits


def _digits(**parameters: Any) -> Splits:
    from lightning_modules.data.tensors import bundled

    return bundled("digits", (1, 8, 8), **parameters)


def _breast_cancer(**parameters: Any) -> Splits:
    from lightning_modules.data.tensors import bundled

    return bundled("breast_cancer", (30,), **parameters)


def _wine(**parameters: Any) -> Splits:
    from lightning_modules.data.tensors import bundled

    return bundled("wine", (13,), **parameters)


def _iris(**parameters: Any) -> Splits:
    from lightning_modules.data.tensors import bundled

    return bundled("iris", (4,), **parameters)


def _diabetes(**parameters: Any) -> Splits:
    from lightning_modules.data.tensors import bundled

    return bundled("diabetes", (10,), regression=True, **parameters)


COMMON: dict[str, Parameter] = {
    "batch_size": Number(64, "rows per step", low=1, integer=True, words=("full",)),
    "validation": Number(0.2, "share of the rows", low=0, high=1, open="both"),
    "test": Number(0.2, "share of the rows", low=0, high=1, open="both"),
    "split_seed": Number(0, "seed of the split", low=0, integer=True),
    "standardize": Flag(True, "mean 0 and deviation 1, fitted on the training part"),
}

DATASETS: dict[str, Dataset] = {
    "digits": Dataset(
        "1,797 images of handwritten digits, 8 × 8, 10 classes",
        _digits,
        COMMON,
        source="UCI, Alpaydin and Kaynak 1998",
        kind="image",
    ),
    "breast_cancer": Dataset(
        "569 tumours, 30 measurements, 2 classes",
        _breast_cancer,
        COMMON,
        source="UCI, Wolberg 1995",
    ),
    "wine": Dataset(
        "178 wines, 13 measurements, 3 classes", _wine, COMMON, source="UCI, Aeberhard 1991"
    ),
    "iris": Dataset("150 flowers, 4 measurements, 3 classes", _iris, COMMON, source="Fisher 1936"),
    "diabetes": Dataset(
        "442 patients, 10 measurements, progression after a year",
        _diabetes,
        COMMON,
        source="Efron 2004",
        task="regression",
    ),
}
