"""The data sets that a study file can name: some come with the installed packages, others are read
from files.

`build(**parameters)` gives a `lightning_modules.data.tensors.TensorDataModule`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning_modules.components import (
    Dataset,
    Flag,
    Items,
    Number,
    Option,
    Parameter,
    Text,
    chosen,
)
from lightning_modules.data.augmentation import AUGMENT
from lightning_modules.data.splitting import SHARES, SPLIT

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


def _table(**parameters: Any) -> TensorDataModule:
    from lightning_modules.data.table import table

    return table(**parameters)


def _check_table(**parameters: Any) -> int:
    from lightning_modules.data.table import check

    return check(**parameters)


def _arrays(**parameters: Any) -> TensorDataModule:
    from lightning_modules.data.arrays import arrays

    return arrays(**parameters)


def _check_arrays(**parameters: Any) -> int:
    from lightning_modules.data.arrays import check

    return check(**parameters)


def _read_new_arrays(*given: Any, **parameters: Any) -> tuple[Any, ...]:
    from lightning_modules.data.arrays import read_new

    return read_new(*given, **parameters)


def _read_new_table(*given: Any, **parameters: Any) -> tuple[Any, ...]:
    from lightning_modules.data.table import read_new

    return read_new(*given, **parameters)


def _new_rows(path: Path, preparation: Mapping[str, Any], **parameters: Any) -> tuple[Any, ...]:
    from lightning_modules.data.new_rows import read_new

    return read_new(path, preparation)


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


def _text(**parameters: Any) -> TensorDataModule:
    from lightning_modules.data.text import texts

    return texts(**parameters)


def _check_text(**parameters: Any) -> int:
    from lightning_modules.data.text import check

    return check(**parameters)


def _read_new_text(*given: Any, **parameters: Any) -> tuple[Any, ...]:
    from lightning_modules.data.text import read_new

    return read_new(*given, **parameters)


def _sequences(**parameters: Any) -> TensorDataModule:
    from lightning_modules.data.sequences import sequences

    return sequences(**parameters)


def _check_sequences(**parameters: Any) -> int:
    from lightning_modules.data.sequences import check

    return check(**parameters)


def _read_new_sequences(*given: Any, **parameters: Any) -> tuple[Any, ...]:
    from lightning_modules.data.sequences import read_new

    return read_new(*given, **parameters)


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

_TASK = Option("classification", "what the target is", options=("classification", "regression"))
TABLE: dict[str, Parameter] = {
    "path": Text(None, "a CSV or Parquet file with a header, relative to the current folder"),
    "target": Text(None, "the column to predict"),
    "task": _TASK,
    "batch_size": COMMON["batch_size"],
    "balance": COMMON["balance"],
    **SPLIT,
    "validation_path": Text(None, "a file of its own for the validation part"),
    "test_path": Text(None, "a file of its own for the test part"),
    "drop": Items([], "columns to leave out", item=Text("", "a column")),
    "categorical": Items([], "columns of numbers that are categories", item=Text("", "a column")),
    "impute": Option(
        "median", "what a missing number becomes, beside a column that says so where the training "
        "part misses some", options=("median", "mean"),
    ),
    "standardize": COMMON["standardize"],
    "categories": Option(
        "one_hot", "columns of 0 and 1, or embeddings that are learned",
        options=("one_hot", "embedding"),
    ),
    "embedding_size": Number(
        None, "numbers per embedded category; 8 unless given", low=1, integer=True, tune=(2, 32),
        log=True,
    ),
}  # fmt: skip

ARRAYS: dict[str, Parameter] = {
    "path": Text(None, "an .npz file, relative to the current folder"),
    "inputs": Text("x", "the array of inputs"),
    "targets": Text("y", "the array of targets"),
    "kind": Option(
        "table",
        "what a row is: columns, channels × time, or channels × height × width; a single channel "
        "may go unsaid",
        options=("table", "signal", "image"),
    ),
    "task": _TASK,
    "batch_size": COMMON["batch_size"],
    "balance": COMMON["balance"],
    **AUGMENT,
    **SHARES,
    "standardize": Flag(
        True, "mean 0 and deviation 1 of every column or channel, fitted on the training part"
    ),
}

TEXT: dict[str, Parameter] = {
    "path": Text(None, "a CSV or Parquet file with a header, relative to the current folder"),
    "text": Text(None, "the column of texts"),
    "target": Text(None, "the column to predict"),
    "task": _TASK,
    "batch_size": COMMON["batch_size"],
    "balance": COMMON["balance"],
    **SPLIT,
    "validation_path": Text(None, "a file of its own for the validation part"),
    "test_path": Text(None, "a file of its own for the test part"),
    "tokenizer": Text(
        "words", "`words` (lower-cased, without punctuation), or a folder with a tokenizer.json"
    ),
    "max_words": Number(
        None, "words of the vocabulary, the most frequent ones; 10,000 unless given", low=1,
        integer=True, tune=(1000, 30000), log=True,
    ),
    "min_count": Number(
        None, "times that a word of the vocabulary stands in the training part; 2 unless given",
        low=1, integer=True, tune=(1, 5),
    ),
    "max_length": Number(
        200, "tokens kept of every text, from its beginning", low=1, integer=True, tune=(32, 400),
        log=True,
    ),
    "embedding_size": Number(
        None, "numbers per token; 64 unless given", low=1, integer=True, tune=(16, 256), log=True
    ),
}  # fmt: skip

SEQUENCES: dict[str, Parameter] = {
    "path": Text(
        None,
        "a long CSV or Parquet file (a row per step), a .ts file of the UCR/UEA archive, or an "
        ".npz archive with arrays x, y and lengths; relative to the current folder",
    ),
    "series": Text(None, "the column that says the series of a step; `series` unless given"),
    "time": Text(None, "the column that orders the steps of a series; `time` unless given"),
    "target": Text(
        None, "the column to predict, the same in a whole series; `target` unless given"
    ),
    "channels": Items(
        [], "the columns of values; all others unless given", item=Text("", "a column")
    ),
    "task": _TASK,
    "batch_size": COMMON["batch_size"],
    "balance": COMMON["balance"],
    **SHARES,
    "split_column": SPLIT["split_column"],
    "group": SPLIT["group"],
    "validation_path": Text(None, "a file of its own for the validation part"),
    "test_path": Text(None, "a file of its own for the test part"),
    "standardize": Flag(
        True, "mean 0 and deviation 1 of every channel, fitted on the training part"
    ),
    **AUGMENT,
}

DIGITS: dict[str, Parameter] = {
    **WITH_TEST,
    "classes": Items(
        None,
        "the digits that are kept, at least two; all where not given",
        item=Number(0, "", low=0, high=9, integer=True),
        increasing=True,
    ),
}

DATASETS: dict[str, Dataset] = {
    "digits": Dataset(
        "1,797 images of handwritten digits, 8 × 8, 10 classes",
        _digits,
        {**DIGITS, **AUGMENT},
        source="UCI, Alpaydin and Kaynak 1998",
        kind="image",
        outputs=10,
        read_new=_new_rows,
    ),
    "breast_cancer": Dataset(
        "569 tumours, 30 measurements, 2 classes",
        _breast_cancer,
        WITH_TEST,
        source="UCI, Wolberg 1995",
        outputs=2,
        read_new=_new_rows,
    ),
    "wine": Dataset(
        "178 wines, 13 measurements, 3 classes",
        _wine,
        WITH_TEST,
        source="UCI, Aeberhard 1991",
        outputs=3,
        read_new=_new_rows,
    ),
    "iris": Dataset(
        "150 flowers, 4 measurements, 3 classes",
        _iris,
        WITH_TEST,
        source="Fisher 1936",
        outputs=3,
        read_new=_new_rows,
    ),
    "diabetes": Dataset(
        "442 patients, 10 measurements, progression after a year",
        _diabetes,
        WITH_TEST,
        source="Efron 2004",
        task="regression",
        outputs=1,
        read_new=_new_rows,
    ),
    "mnist1d": Dataset(
        "4,000 synthetic signals of 40 points and the published 1,000 to test on, 10 classes",
        _mnist1d,
        {**COMMON, **AUGMENT},
        source="Greydanus 2020, arXiv:2011.14439",
        kind="signal",
        outputs=10,
        read_new=_new_rows,
    ),
    "table": Dataset(
        "a CSV or Parquet file of your own, with a column to predict",
        _table,
        TABLE,
        task="",
        required=("path", "target"),
        check=_check_table,
        read_new=_read_new_table,
    ),
    "arrays": Dataset(
        "an .npz archive of your own, with inputs and targets; the parts may have arrays of their "
        "own, such as x_test and y_test",
        _arrays,
        ARRAYS,
        task="",
        kind="",
        required=("path",),
        check=_check_arrays,
        read_new=_read_new_arrays,
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
    "text": Dataset(
        "a CSV or Parquet file of your own, with texts and a column to predict",
        _text,
        TEXT,
        task="",
        kind="text",
        required=("path", "text", "target"),
        check=_check_text,
        read_new=_read_new_text,
    ),
    "sequences": Dataset(
        "series of your own, of any lengths, with a class or a value for each",
        _sequences,
        SEQUENCES,
        source="format .ts: timeseriesclassification.com",
        task="",
        kind="sequence",
        required=("path",),
        check=_check_sequences,
        read_new=_read_new_sequences,
    ),
}
