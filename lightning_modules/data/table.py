"""The data sets that a study file can name: some come with the installed packages, others are read
from files.

`build(**parameters)` gives a `lightning_modules.data.tensors.TensorDataModule`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lightning_modules.components import Dataset, Parameter, resolve_component
from lightning_modules.components.reference import later
from lightning_modules.data.augmentation.table import AUGMENT
from lightning_modules.data.parameters import (
    ARRAYS,
    CHARACTERS,
    COMMON,
    DIGITS,
    IMAGES,
    PUBLISHED,
    SEQUENCES,
    TABLE,
    TEXT,
    WITH_TEST,
)

if TYPE_CHECKING:
    from lightning_modules.data.tensors import TensorDataModule


def load_data(name: str, **parameters: Any) -> TensorDataModule:
    """The data set called `name`; parameters that are not given are at their defaults."""
    row, filled = resolve_component(DATASETS, {"name": name, **parameters}, "data set")
    data: TensorDataModule = row.build(**filled)
    return data


def _published(name: str, summary: str, source: str) -> Dataset:
    """One of torchvision's sets of images in ten classes."""
    return Dataset(
        summary,
        later("lightning_modules.data.sets.published:published", name),
        PUBLISHED,
        source=source,
        kind="image",
        outputs=10,
        check=later("lightning_modules.data.sets.published:check_files", name),
        read_new=later("lightning_modules.data.sets.images:read_new"),
        names_new=later("lightning_modules.data.readers.image_folders:names_new"),
        doubts=later("lightning_modules.data.readers.image_folders:doubts"),
    )


def _bundled(
    name: str,
    summary: str,
    input_shape: tuple[int, ...],
    *,
    parameters: Mapping[str, Parameter] = WITH_TEST,
    **row: Any,
) -> Dataset:
    """One of the sets that come with scikit-learn; `row` is what else its row says."""
    return Dataset(
        summary,
        later("lightning_modules.data.sets.bundled:bundled", name, input_shape),
        parameters,
        read_new=later("lightning_modules.data.preparation.new_rows:read_new"),
        doubts=later("lightning_modules.data.preparation.new_rows:doubts"),
        **row,
    )


DATASETS: dict[str, Dataset] = {
    "digits": _bundled(
        "digits",
        "1,797 images of handwritten digits, 8 × 8, 10 classes",
        (1, 8, 8),
        parameters={**DIGITS, **AUGMENT},
        source="UCI, Alpaydin and Kaynak 1998",
        kind="image",
        outputs=10,
    ),
    "breast_cancer": _bundled(
        "breast_cancer",
        "569 tumours, 30 measurements, 2 classes",
        (30,),
        source="UCI, Wolberg 1995",
        outputs=2,
    ),
    "wine": _bundled(
        "wine",
        "178 wines, 13 measurements, 3 classes",
        (13,),
        source="UCI, Aeberhard 1991",
        outputs=3,
    ),
    "iris": _bundled(
        "iris", "150 flowers, 4 measurements, 3 classes", (4,), source="Fisher 1936", outputs=3
    ),
    "diabetes": _bundled(
        "diabetes",
        "442 patients, 10 measurements, progression after a year",
        (10,),
        source="Efron 2004",
        task="regression",
        outputs=1,
    ),
    "mnist1d": Dataset(
        "4,000 synthetic signals of 40 points and the published 1,000 to test on, 10 classes",
        later("lightning_modules.data.sets.mnist1d:mnist1d"),
        {**COMMON, **AUGMENT},
        source="Greydanus 2020, arXiv:2011.14439",
        kind="signal",
        outputs=10,
        read_new=later("lightning_modules.data.preparation.new_rows:read_new"),
        doubts=later("lightning_modules.data.preparation.new_rows:doubts"),
    ),
    "characters": Dataset(
        "6,000 passages of an artificial English, each to be continued by one of 28 characters",
        later("lightning_modules.data.sets.characters:characters"),
        CHARACTERS,
        kind="text",
        outputs=28,
        read_new=later("lightning_modules.data.sets.characters:read_new"),
    ),
    "table": Dataset(
        "a table of your own (CSV, Excel, Parquet and others), with a column to predict",
        later("lightning_modules.data.sets.tabular:table"),
        TABLE,
        task="",
        required=("path", "target"),
        check=later("lightning_modules.data.sets.tabular:check"),
        read_new=later("lightning_modules.data.sets.tabular:read_new"),
        names_new=later("lightning_modules.data.sets.table_rows:names_new"),
        doubts=later("lightning_modules.data.sets.table_rows:doubts"),
    ),
    "arrays": Dataset(
        "an .npz archive of your own, with inputs and targets; the parts may have arrays of their "
        "own, such as x_test and y_test",
        later("lightning_modules.data.sets.arrays:arrays"),
        ARRAYS,
        task="",
        kind="",
        required=("path",),
        check=later("lightning_modules.data.sets.arrays:check"),
        read_new=later("lightning_modules.data.sets.arrays:read_new"),
        doubts=later("lightning_modules.data.sets.arrays:doubts"),
    ),
    "images": Dataset(
        "image files, a folder per class, perhaps in train, validation and test",
        later("lightning_modules.data.sets.images:images"),
        IMAGES,
        source="your own files",
        kind="image",
        check=later("lightning_modules.data.readers.image_files:check_folder"),
        read_new=later("lightning_modules.data.sets.images:read_new"),
        names_new=later("lightning_modules.data.readers.image_folders:names_new"),
        doubts=later("lightning_modules.data.readers.image_folders:doubts"),
    ),
    "mnist": _published(
        "mnist",
        "60,000 images of handwritten digits, 28 × 28, and the published 10,000 to test on",
        "LeCun 1998",
    ),
    "fashion_mnist": _published(
        "fashion_mnist",
        "60,000 images of clothes, 28 × 28, and the published 10,000 to test on",
        "Xiao 2017, arXiv:1708.07747",
    ),
    "cifar10": _published(
        "cifar10",
        "50,000 images of animals and vehicles, 32 × 32, and the published 10,000 to test on",
        "Krizhevsky 2009",
    ),
    "text": Dataset(
        "a table of your own (CSV, Excel, Parquet and others), with texts and a column to predict",
        later("lightning_modules.data.sets.text:texts"),
        TEXT,
        task="",
        kind="text",
        required=("path", "text", "target"),
        check=later("lightning_modules.data.sets.text:check"),
        read_new=later("lightning_modules.data.sets.text:read_new"),
    ),
    "sequences": Dataset(
        "series of your own, of any lengths, with a class or a value for each",
        later("lightning_modules.data.sets.sequences:sequences"),
        SEQUENCES,
        source="format .ts: timeseriesclassification.com",
        task="",
        kind="",
        required=("path",),
        check=later("lightning_modules.data.sets.sequences:check"),
        read_new=later("lightning_modules.data.sets.sequences:read_new"),
        names_new=later("lightning_modules.data.sets.sequences:names_new"),
    ),
}
