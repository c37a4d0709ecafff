"""A table of one's own: CSV or Parquet with a column to predict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lightning_modules.data.preparation.prepared import PARTS, Prepared
from lightning_modules.data.preparation.splitting import Rows, divide_rows, refuse_unused
from lightning_modules.data.preparation.targets import (
    classes_of,
    numbered,
    refuse_constant,
    refuse_labels,
)
from lightning_modules.data.readers.columns import (
    LARGEST,
    categories_of,
    fit,
    numbers_of,
    texts_of,
    transform,
)
from lightning_modules.data.readers.files import Stamp, stamp
from lightning_modules.data.readers.frames import read_frame, refuse_unknown
from lightning_modules.errors import DataError

if TYPE_CHECKING:
    from lightning_modules.data.tensors import Splits, TensorDataModule

EMBEDDING_SIZE = 8


@dataclass(frozen=True)
class Table:
    """What a study file says of a table, in values that can key a cache."""

    path: str
    target: str
    task: str
    validation: float
    test: float
    split_seed: int
    stratify: bool
    split_column: str | None
    group: str | None
    time: str | None
    validation_path: str | None
    test_path: str | None
    drop: tuple[str, ...]
    id: tuple[str, ...]
    categorical: tuple[str, ...]
    impute: str
    standardize: bool
    categories: str
    embedding_size: int | None

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Table:
        """The table that the parameters of the row describe."""
        given = {field.name: parameters[field.name] for field in fields(cls)}
        lists = {name: listed(given[name]) for name in ("drop", "id", "categorical")}
        return cls(**{**given, **lists})

    @property
    def paths(self) -> dict[str, str]:
        """The files by the part that they are, or are divided into."""
        found = {"train": self.path, "validation": self.validation_path, "test": self.test_path}
        return {part: path for part, path in found.items() if path is not None}

    @property
    def roles(self) -> list[tuple[str, str]]:
        """The parameters that name a column, each with its column."""
        single = ("target", "split_column", "group", "time")
        one = [(f"data.{name}", getattr(self, name)) for name in single if getattr(self, name)]
        several = [("data.drop", name) for name in self.drop]
        several += [("data.id", name) for name in self.id]
        return one + several + [("data.categorical", name) for name in self.categorical]

    @property
    def kept_apart(self) -> set[str]:
        """Columns that are no inputs."""
        return {name for parameter, name in self.roles if parameter != "data.categorical"}

    @property
    def texts(self) -> list[str]:
        """Columns that are read as they are written: 007 stays 007."""
        return [*self.categorical, *(name for name in self.id if name != self.time)]


def table(*, batch_size: int | str, balance: str, **parameters: Any) -> TensorDataModule:
    """The table that the parameters describe."""
    from lightning_modules.data.tensors import TensorDataModule

    chosen = Table.of(parameters)
    return TensorDataModule("table", lambda: _splits(chosen), batch_size, balance=balance)


def listed(names: str | Sequence[str]) -> tuple[str, ...]:
    """The names of columns; a single one may stand alone."""
    return (names,) if isinstance(names, str) else tuple(names)


def check(**parameters: Any) -> int:
    """Read the files and prepare them; the outputs. Raises DataError where they cannot be used."""
    return prepare(Table.of(parameters)).outputs


def read_new(
    path: str | Path, preparation: Mapping[str, Any], /, **parameters: Any
) -> tuple[Any, ...]:
    """The inputs of new rows; their file needs no target, and further columns are ignored."""
    import torch

    texts = [column["name"] for column in preparation["categories"]]
    rows = read_frame(str(path), [*parameters["categorical"], *texts])
    return (torch.from_numpy(transform(rows, preparation, str(path))),)


def prepare(table: Table) -> Prepared:
    """Read the files, divide the rows, and prepare all of them by the training part."""
    _refuse_contradictions(table)
    main = read_frame(table.path, table.texts)
    _refuse_columns(table, main, "train")
    where = {part: table.paths.get(part, table.path) for part in PARTS}
    targets = {"train": _targets(table, main, table.path)}
    features = [name for name in main.columns if name not in table.kept_apart]
    if not features:
        raise DataError(f"{table.path}: no column is left to learn from; drop fewer")
    categories = categories_of(main[features], table.categorical, table.path)
    if table.categories == "embedding" and not categories:
        raise DataError(
            f"{table.path}: there are no categories to embed; write categories: one_hot, or list "
            "columns of numbers in categorical"
        )
    files = _own_files(table, main, categories)
    targets |= {part: _targets(table, frame, where[part]) for part, frame in files.items()}
    rows = _divide(table, main, targets["train"])
    frames = {part: main.iloc[rows[part]][features] for part in PARTS}
    chosen = {part: [targets["train"][row] for row in rows[part]] for part in PARTS}
    for part in files:
        frames[part], chosen[part] = files[part], targets[part]
    preparation = fit(
        frames["train"],
        categories,
        table.path,
        impute=table.impute,
        standardize=table.standardize,
        embedded=table.categories == "embedding",
    )
    inputs = {part: transform(frames[part], preparation, where[part]) for part in PARTS}
    names = _names(table, files.get("test", main.iloc[rows["test"]]))
    if table.task == "regression":
        values = {part: np.array(chosen[part], np.float32)[:, None] for part in PARTS}
        refuse_constant(values["train"], f"{table.path}: column {table.target}")
        parts = {part: (inputs[part], values[part]) for part in PARTS}
        return Prepared(parts, 1, (), preparation, names)
    classes = classes_of(chosen, where)
    parts = {part: (inputs[part], numbered(chosen[part], classes)) for part in PARTS}
    return Prepared(parts, len(classes), classes, preparation, names)


def _names(table: Table, rows: pd.DataFrame) -> dict[str, list[Any]]:
    """What names rows of a file: their number in it, from 1, and the columns that are for that."""
    found = {name: rows[name].tolist() for name in table.id if name in rows.columns}
    return {"row": [int(number) + 1 for number in rows.index], **found}


def _own_files(
    table: Table, main: pd.DataFrame, categories: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """The files of the parts that have their own, with texts where the main file has them."""
    labels = [table.target] if pd.api.types.is_string_dtype(main[table.target]) else []
    found = {}
    for part, path in table.paths.items():
        if part != "train":
            found[part] = read_frame(path, [*table.texts, *categories, *labels])
            _refuse_columns(table, found[part], part)
    return found


def _refuse_contradictions(table: Table) -> None:
    column = next((name for name in ("split_column", "time") if getattr(table, name)), None)
    own = {part: f"data.{part}_path" for part in table.paths if part != "train"}
    refuse_unused(vars(table), own, column)
    if table.embedding_size is not None and table.categories != "embedding":
        raise DataError(
            "data.embedding_size does not go with categories: one_hot; write categories: embedding"
        )
    other = {table.target, *table.categorical}  # what divides rows may name them too
    roles = [(role, name) for role, name in table.roles if role != "data.id" or name in other]
    for name, count in Counter(name for _, name in roles).items():
        if count > 1:
            said = " and ".join(parameter for parameter, column in roles if column == name)
            raise DataError(f"{table.path}: column {name} is named twice, by {said}; keep one")


def _refuse_columns(table: Table, frame: pd.DataFrame, part: str) -> None:
    roles = [role for role in table.roles if part == "train" or role[0] == "data.target"]
    refuse_unknown(roles, frame, table.paths[part])
    for place, name in enumerate(frame.columns):
        if part == "train" and name.startswith("Unnamed: ") and name not in table.kept_apart:
            raise DataError(
                f"{table.path}: column {place + 1} has no name, as the row numbers that some "
                f"programs write; name it, or leave it out with drop: ['{name}']"
            )


def _targets(table: Table, frame: pd.DataFrame, where: str) -> list[Any]:
    """Labels as texts, or values."""
    column = frame[table.target]
    what = f"{where}: column {table.target}"
    _refuse_missing(column, what)
    if table.task == "classification":
        labels = texts_of(column, where)
        if where == table.path:
            refuse_labels(labels, what)
        return labels
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    wrong = np.flatnonzero(~(np.abs(values) <= LARGEST))
    if len(wrong):
        raise DataError(
            f"{what}, row {wrong[0] + 1}: {str(column.iloc[wrong[0]])!r} is no finite number, and "
            "a regression predicts those; correct it, or write task: classification"
        )
    refuse_constant(values[:, None], what)
    return values.tolist()


def _refuse_missing(column: pd.Series[Any], what: str) -> None:
    missing = np.flatnonzero(column.isna())
    if len(missing):
        more = f" ({len(missing)} rows in all)" if len(missing) > 1 else ""
        raise DataError(
            f"{what}, row {missing[0] + 1}: is missing{more}; fill it in or remove the row"
        )


def _divide(table: Table, frame: pd.DataFrame, targets: Sequence[Any]) -> dict[str, Rows]:
    """The rows of every part in the main file."""
    path = table.path
    for name in filter(None, (table.group, table.time)):
        _refuse_missing(frame[name], f"{path}: column {name}")
    said, group, time = (
        frame[name] if name else None for name in (table.split_column, table.group, table.time)
    )
    division = divide_rows(
        len(frame),
        validation=0.0 if table.validation_path else table.validation,
        test=0.0 if table.test_path else table.test,
        split_seed=table.split_seed,
        where=path,
        classes=targets if table.stratify and table.task == "classification" else None,
        said=None if said is None else texts_of(said, path),
        groups=None if group is None else texts_of(group, path),
        times=None if time is None else _moments(time, path),
    )
    return division._asdict()


def _moments(column: pd.Series[Any], where: str) -> Any:
    """What orders rows in time: numbers, or dates as ISO 8601 writes them."""
    if pd.api.types.is_numeric_dtype(column):
        return numbers_of(column, where)
    moments = pd.to_datetime(column, format="ISO8601", errors="coerce", utc=True)
    wrong = np.flatnonzero(moments.isna())
    if len(wrong):
        raise DataError(
            f"{where}: column {column.name}, row {wrong[0] + 1}: {str(column.iloc[wrong[0]])!r} is "
            "neither a number nor a date such as 2024-03-31; write it so"
        )
    return moments.to_numpy("datetime64[ns]")


def _splits(table: Table) -> Splits:
    """The parts as tensors; the width of embeddings does not need the files anew."""
    stamps = tuple(stamp(path) for path in table.paths.values())
    found = _read(replace(table, embedding_size=None), stamps)
    if table.categories == "one_hot":
        return found
    sizes = [len(column["values"]) + 1 for column in found.preparation["categories"]]
    width = table.embedding_size or EMBEDDING_SIZE
    return replace(found, input_embedding={"kind": "categories", "sizes": sizes, "width": width})


@lru_cache(maxsize=4)
def _read(table: Table, stamps: tuple[Stamp, ...]) -> Splits:
    return prepare(table).splits()
