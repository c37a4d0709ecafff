"""The parameters of the data sets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

from lightning_modules.components import (
    DateForm,
    Entries,
    Flag,
    Items,
    Number,
    Option,
    Parameter,
    Text,
    Value,
    suggestion,
)
from lightning_modules.data.augmentation.table import AUGMENT
from lightning_modules.data.preparation.splitting import SHARES, SPLIT
from lightning_modules.data.readers.tables.form import FILE

LOADER_WORKERS, AUTO = "loader_workers", "auto"
HEXADECIMAL = re.compile("#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class Colour(Parameter):
    """A colour by its CSS name, or as `#rrggbb`."""

    def expects(self) -> str:
        return 'a colour such as white or "#ffffff" (with quotes)'

    def _validation_error(self, value: Value) -> str | None:
        from PIL.ImageColor import colormap  # of images only

        named = isinstance(value, str) and value.lower() in colormap
        if named or (isinstance(value, str) and HEXADECIMAL.fullmatch(value)):
            return None
        return f"must be {self.expects()}, got {value!r}" + suggestion(value, [*colormap])

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^([a-zA-Z]+|{HEXADECIMAL.pattern})$"}


@dataclass(frozen=True)
class Columns(Items):
    """The name of a column, or a list of names."""

    def expects(self) -> str:
        return "the name of a column, or a list of names"

    def _validation_error(self, value: Value) -> str | None:
        return None if isinstance(value, str) and value else super()._validation_error(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.item.schema(), super().schema()]}


@dataclass(frozen=True)
class Targets(Columns):
    """The name of a column, or a list of different names, at least one."""

    def _validation_error(self, value: Value) -> str | None:
        wrong = super()._validation_error(value)
        if wrong is None and not isinstance(value, str) and len({*value}) != len(value):
            return f"names a column twice, in {value!r}; keep one"
        return wrong if value != [] else f"must be {self.expects()}, got []"


PART_SHARE = Number(0.2, "share of the rows", low=0, high=1, open="both")
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
    "validation": PART_SHARE,
    "split_seed": Number(0, "seed of the split", low=0, high=10**9, integer=True),
    "standardize": Flag(True, "mean 0 and deviation 1, fitted on the training part"),
    "balance": Option(
        "none",
        "classes count the same by weights of the training loss, or by drawing rows again",
        options=("none", "weights", "sampling"),
    ),
}
WITH_TEST: dict[str, Parameter] = {**COMMON, "test": PART_SHARE}
PUBLISHED: dict[str, Parameter] = {
    "root": Text("data", "the folder that holds torchvision's folder of this set"),
    "download": Flag(False, "fetch the files where they are missing"),
    **COMMON,
    **AUGMENT,
}
TASK = Option(
    "classification",
    "what the target is: one class a row, numbers, or any of several labels",
    options=("classification", "regression", "multilabel"),
)
RARE_CLASSES = Option(
    "error",
    "what a class is that has too few rows for the parts: `drop` leaves it out",
    options=("error", "drop"),
)
TARGETS: dict[str, Parameter] = {
    "task": TASK,
    "label_separator": Text(
        None, "what stands between the labels of a row, for task: multilabel in a single column"
    ),
    "missing_targets": Option(
        "error", "what a row without a target is: `drop` leaves it out", options=("error", "drop")
    ),
    "rare_classes": RARE_CLASSES,
}
"""Parameters of a data set whose targets are read from files."""
DATES = Entries(
    {},
    'how dates are written where that is not clear, {column: "%d/%m/%Y"}',
    item=DateForm("%Y-%m-%d", "a form of dates"),
)
TABLE: dict[str, Parameter] = {
    "path": Text(None, "a CSV, Excel, Parquet or other table, relative to the current folder"),
    "target": Targets(None, "the column to predict, or a list of them", item=Text("", "a column")),
    **TARGETS,
    "batch_size": COMMON["batch_size"],
    "balance": COMMON["balance"],
    **SPLIT,
    "validation_path": Text(None, "a file of its own for the validation part"),
    "test_path": Text(None, "a file of its own for the test part"),
    "drop": Items([], "columns to leave out", item=Text("", "a column")),
    "id": Columns(
        [], "columns that name the rows: nothing learns from them, and predictions carry them",
        item=Text("", "a column"),
    ),
    "categorical": Items([], "columns of numbers that are categories", item=Text("", "a column")),
    "dates": DATES,
    "decimal": Option(None, "what stands before the decimals, where not clear", options=(".", ",")),
    "thousands": Option(
        None, "what stands between thousands, where not clear", options=(",", ".", " ", "'")
    ),
    "missing": Items(
        [], "texts that mean that a value is missing: \"?\" or \"NA\"", item=Text("", "a text")
    ),
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
    **FILE,
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
    **TARGETS,
    "batch_size": COMMON["batch_size"],
    "balance": COMMON["balance"],
    **AUGMENT,
    **SHARES,
    "standardize": Flag(
        True, "mean 0 and deviation 1 of every column or channel, fitted on the training part"
    ),
}
TEXT: dict[str, Parameter] = {
    "path": Text(None, "a CSV, Excel, Parquet or other table, relative to the current folder"),
    "text": Text(None, "the column of texts"),
    "target": Targets(None, "the column to predict, or a list of them", item=Text("", "a column")),
    **TARGETS,
    "batch_size": COMMON["batch_size"],
    "balance": COMMON["balance"],
    **SPLIT,
    "validation_path": Text(None, "a file of its own for the validation part"),
    "test_path": Text(None, "a file of its own for the test part"),
    "dates": DATES,
    "tokenizer": Text(
        "words",
        "`words` (lower-cased, without punctuation), `characters` (for texts without spaces), or a "
        "folder with a tokenizer.json",
    ),
    "max_words": Number(
        None, "words or characters of the vocabulary, the most frequent ones; 10,000 unless given",
        low=1, integer=True, tune=(1000, 30000), log=True,
    ),
    "min_count": Number(
        None, "times that a word or character of the vocabulary stands in the training part; 2 "
        "unless given", low=1, integer=True, tune=(1, 5),
    ),
    "max_length": Number(
        200, "tokens kept of every text, from its beginning", low=1, integer=True, tune=(32, 400),
        log=True,
    ),
    "embedding_size": Number(
        None, "numbers per token; 64 unless given", low=1, integer=True, tune=(16, 256), log=True
    ),
    **FILE,
}  # fmt: skip
SEQUENCES: dict[str, Parameter] = {
    "path": Text(
        None,
        "a long CSV or Parquet file (a row per step), a .ts file of the UCR/UEA archive, or an "
        ".npz archive with arrays x, y and lengths; relative to the current folder",
    ),
    "series": Text(None, "the column that says the series of a step; `series` unless given"),
    "time": Text(None, "the column that orders the steps of a series; `time` unless given"),
    "target": Targets(
        None,
        "the column to predict, or a list of them, the same in a whole series; `target` "
        "unless given",
        item=Text("", "a column"),
    ),
    "channels": Items(
        [], "the columns of values; all others unless given", item=Text("", "a column")
    ),
    "kind": Option(
        "sequence",
        "`sequence`: lengths may differ, and networks read a series from its beginning to its end; "
        "`signal`: all have one length, and networks see where in a series a step stands",
        options=("sequence", "signal"),
    ),
    **TARGETS,
    "batch_size": COMMON["batch_size"],
    "balance": COMMON["balance"],
    **SHARES,
    "split_column": SPLIT["split_column"],
    "group": SPLIT["group"],
    "validation_path": Text(None, "a file of its own for the validation part"),
    "test_path": Text(None, "a file of its own for the test part"),
    "dates": DATES,
    "standardize": Flag(
        True, "mean 0 and deviation 1 of every channel, fitted on the training part"
    ),
    "interpolate": Flag(
        None,
        "whether missing values of a series are filled in between their neighbours; in .ts "
        "files unless given where the header says @missing true",
    ),
    **FILE,
    **AUGMENT,
}
IMAGES: dict[str, Parameter] = {
    "path": Text(None, "the folder"),
    "size": Number(
        32, "pixels of a side: the largest square at the centre is resized to it", low=1,
        high=10_000, integer=True, tune=(16, 128),
    ),
    "color": Option(
        "rgb",
        "what is read of a pixel; `rgba` keeps transparency as a fourth channel",
        options=("rgb", "gray", "rgba"),
    ),
    "background": Colour("white", "the colour that transparent pixels become"),
    "cache": Number(
        1024.0, "megabytes (one byte a number) up to which images are decoded once and kept", low=0
    ),
    LOADER_WORKERS: Number(
        AUTO, "processes that decode images beside a training, which change no number; by `auto` "
        "the cores that a worker has, none where that is one", low=0, high=1024, integer=True,
        words=(AUTO,),
    ),
    "rare_classes": RARE_CLASSES,
    **COMMON,
    **SHARES,
    **AUGMENT,
}  # fmt: skip
DIGITS: dict[str, Parameter] = {
    **WITH_TEST,
    "classes": Items(
        None,
        "the digits that are kept, at least two; all where not given",
        item=Number(0, "", low=0, high=9, integer=True),
        increasing=True,
    ),
}
LENGTH = partial(Number, low=1, integer=True, tune=(8, 64), log=True)
CHARACTERS: dict[str, Parameter] = {
    **{name: WITH_TEST[name] for name in ("batch_size", "validation", "test", "split_seed")},
    "context": LENGTH(24, "characters that are read", high=64),
    "embedding_size": LENGTH(32, "numbers per character", high=10_000),
}
