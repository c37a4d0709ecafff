"""The data sets that a study file can name: some come with the installed packages, others are read
from files.

`build(**parameters)` gives a `lightning_modules.data.tensors.TensorDataModule`.
"""

from __future__ import annotations

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
from lightning_modules.components.reference import later
from lightning_modules.data.augmentation.table import AUGMENT
from lightning_modules.data.preparation.splitting import SHARES, SPLIT

if TYPE_CHECKING:
    from lightning_modules.data.tensors import TensorDataModule


def load_data(name: str, **parameters: Any) -> TensorDataModule:
    """The data set called `name`; parameters that are not given are at their defaults."""
    row, filled = chosen(DATASETS, {"name": name, **parameters}, "data set")
    data: TensorDataModule = row.build(**filled)
    return data


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
        names_new=later("lightning_modules.data.readers.image_files:names_new"),
    )


DATASETS: dict[str, Dataset] = {
    "digits": Dataset(
        "1,797 images of handwritten digits, 8 × 8, 10 classes",
        later("lightning_modules.data.sets.bundled:bundled", "digits", (1, 8, 8)),
        {**DIGITS, **AUGMENT},
        source="UCI, Alpaydin and Kaynak 1998",
        kind="image",
        outputs=10,
        read_new=later("lightning_modules.data.preparation.new_rows:read_new"),
    ),
    "breast_cancer": Dataset(
        "569 tumours, 30 measurements, 2 classes",
        later("lightning_modules.data.sets.bundled:bundled", "breast_cancer", (30,)),
        WITH_TEST,
        source="UCI, Wolberg 1995",
        outputs=2,
        read_new=later("lightning_modules.data.preparation.new_rows:read_new"),
    ),
    "wine": Dataset(
        "178 wines, 13 measurements, 3 classes",
        later("lightning_modules.data.sets.bundled:bundled", "wine", (13,)),
        WITH_TEST,
        source="UCI, Aeberhard 1991",
        outputs=3,
        read_new=later("lightning_modules.data.preparation.new_rows:read_new"),
    ),
    "iris": Dataset(
        "150 flowers, 4 measurements, 3 classes",
        later("lightning_modules.data.sets.bundled:bundled", "iris", (4,)),
        WITH_TEST,
        source="Fisher 1936",
        outputs=3,
        read_new=later("lightning_modules.data.preparation.new_rows:read_new"),
    ),
    "diabetes": Dataset(
        "442 patients, 10 measurements, progression after a year",
        later("lightning_modules.data.sets.bundled:bundled", "diabetes", (10,)),
        WITH_TEST,
        source="Efron 2004",
        task="regression",
        outputs=1,
        read_new=later("lightning_modules.data.preparation.new_rows:read_new"),
    ),
    "mnist1d": Dataset(
        "4,000 synthetic signals of 40 points and the published 1,000 to test on, 10 classes",
        later("lightning_modules.data.sets.mnist1d:mnist1d"),
        {**COMMON, **AUGMENT},
        source="Greydanus 2020, arXiv:2011.14439",
        kind="signal",
        outputs=10,
        read_new=later("lightning_modules.data.preparation.new_rows:read_new"),
    ),
    "table": Dataset(
        "a CSV or Parquet file of your own, with a column to predict",
        later("lightning_modules.data.sets.tabular:table"),
        TABLE,
        task="",
        required=("path", "target"),
        check=later("lightning_modules.data.sets.tabular:check"),
        read_new=later("lightning_modules.data.sets.tabular:read_new"),
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
    ),
    "images": Dataset(
        "PNG and JPEG files, a folder per class, perhaps in train, validation and test",
        later("lightning_modules.data.sets.images:images"),
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
        check=later("lightning_modules.data.readers.image_files:check_folder"),
        read_new=later("lightning_modules.data.sets.images:read_new"),
        names_new=later("lightning_modules.data.readers.image_files:names_new"),
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
        "a CSV or Parquet file of your own, with texts and a column to predict",
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
        kind="sequence",
        required=("path",),
        check=later("lightning_modules.data.sets.sequences:check"),
        read_new=later("lightning_modules.data.sets.sequences:read_new"),
        names_new=later("lightning_modules.data.sets.sequences:names_new"),
    ),
}
