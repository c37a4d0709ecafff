"""A table of one's own: CSV or Parquet with a column to predict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lightning_modules.data.columns.cells import Rows as InputRows
from lightning_modules.data.columns.cells import SomeRows, origin_of, row_of, texts_of
from lightning_modules.data.columns.dates import times_of
from lightning_modules.data.columns.facts import (
    class_notices,
    column_warnings,
    counts_rows,
    rare_notices,
    summarize_columns,
    summarize_ids,
)
from lightning_modules.data.columns.kinds import Kinds, kinds_of, number_form
from lightning_modules.data.columns.mistakes import Mistakes
from lightning_modules.data.columns.number_texts import PLAIN, NumberForm
from lightning_modules.data.columns.preparation import (
    fit,
    level_count,
    texts_in,
    transform,
    width_of,
)
from lightning_modules.data.columns.target_columns import TargetColumns
from lightning_modules.data.preparation.prepared import PARTS, Facts, Prepared
from lightning_modules.data.preparation.splitting import Rows, divide_rows, refuse_unused
from lightning_modules.data.preparation.summary import DataSummary
from lightning_modules.data.preparation.targets import encoded, left_out, without
from lightning_modules.data.readers.files import Stamp, stamp
from lightning_modules.data.readers.memory import require_memory
from lightning_modules.data.readers.tables.form import FileForm
from lightning_modules.data.readers.tables.read import read_frame, refuse_unused_form
from lightning_modules.data.sets.table_settings import OF_INPUTS, Table, refuse_columns
from lightning_modules.errors import DataError

if TYPE_CHECKING:
    from lightning_modules.data.tensors import Splits, TensorDataModule

EMBEDDING_SIZE = 8


def table(*, batch_size: int | str, balance: str, **parameters: Any) -> TensorDataModule:
    """The table that the parameters describe."""
    from lightning_modules.data.tensors import TensorDataModule

    chosen = Table.of(parameters)
    return TensorDataModule("table", lambda: _splits(chosen), batch_size, balance=balance)


def check(**parameters: Any) -> DataSummary:
    """Read the files and prepare them; what they became.

    Raises DataError where they cannot be used.
    """
    table = Table.of(parameters)
    return prepare(table).summary(table.path)


def read_new(
    path: str | Path, preparation: Mapping[str, Any], /, **parameters: Any
) -> tuple[Any, ...]:
    """The inputs of new rows; their file needs no target, and further columns are ignored."""
    import torch

    missing = parameters.get("missing", ())
    form = FileForm.of(parameters).read_as(str(path), str(parameters.get("path")))
    rows = read_frame(str(path), texts_in(preparation), missing, form=form)
    return (torch.from_numpy(_transformed(rows, preparation, str(path))),)


def _transformed(rows: InputRows, preparation: Mapping[str, Any], where: str) -> Any:
    width = width_of(preparation)
    each = " (unless categories: embedding, each level is one)"
    said = each if preparation["categories"] and not preparation["embedded"] else ""
    require_memory(f"{where}: {len(rows):,} rows of {width:,} numbers{said}", len(rows) * width * 4)
    return transform(rows, preparation, where)


def prepare(table: Table) -> Prepared:
    """Read the files, divide the rows, and prepare all of them by the training part."""
    _refuse_contradictions(table)
    main = table.read(table.path)
    refuse_columns(table, main, "train")
    where = {part: table.paths.get(part, table.path) for part in PARTS}
    learned = [name for name in main.columns if name not in table.kept_apart]
    features = [name for name in learned if not counts_rows(main[name])]
    if not features:
        raise DataError(f"{table.path}: no column is left to learn from; drop fewer")
    mistakes, notes = Mistakes(), list[str]()
    with mistakes.gathered():
        forms = {name: _target_form(table, main[name]) for name in table.target}
        main, found = _labelled(table, main, table.path, forms, notes)
        what = f"{table.path}: column {table.target[0]}"
        place = partial(row_of, main[table.target[0]])
        out = left_out(found, table.rules, _parts_in_need(table), what, place, notes)
        main, targets = _without(table, main, found, out)
    with mistakes.gathered():
        kinds = kinds_of(main[features], table.reading, table.path)
    mistakes.refuse()
    if table.categories == "embedding" and not kinds.categories:
        raise DataError(
            f"{table.path}: there are no categories to embed; write categories: one_hot, or list "
            "columns of numbers in categorical"
        )
    rows = _divide(table, main, targets)
    frames: dict[str, InputRows] = {part: SomeRows(main, rows[part]) for part in PARTS}
    chosen = {part: [targets[row] for row in rows[part]] for part in PARTS}
    for part, frame in _own_files(table, kinds, forms).items():
        known, found = _labelled(table, frame, where[part], forms, notes)
        frames[part], chosen[part] = _without(table, known, found, out)
    preparation = fit(
        frames["train"],
        kinds,
        table.path,
        impute=table.impute,
        standardize=table.standardize,
        embedded=table.categories == "embedding",
    )
    inputs = {part: _transformed(frames[part], preparation, where[part]) for part in PARTS}
    facts = partial(_facts, table, main, kinds, preparation, targets, notes)
    columns = [f"column {name}" for name in table.target]
    numbers, outputs = encoded(chosen, where, table.rules, columns, out)
    parts = {part: (inputs[part], numbers[part]) for part in PARTS}
    return Prepared(parts, outputs, preparation, _names(table, frames["test"]), facts)


def _labelled(
    table: Table,
    frame: pd.DataFrame,
    where: str,
    forms: Mapping[str, NumberForm],
    notes: list[str],
) -> tuple[pd.DataFrame, list[Any]]:
    """The rows that have targets, and these."""
    columns = [frame[name] for name in table.target]
    found = TargetColumns(columns, where, forms).read(table.rules, notes)
    return (frame if found.kept.all() else frame[found.kept]), found.targets


def _without(
    table: Table, frame: pd.DataFrame, targets: Sequence[Any], out: Collection[str]
) -> tuple[pd.DataFrame, list[Any]]:
    """The rows and targets that are not of classes left out."""
    kept, targets = without(targets, out, table.task)
    return (frame if kept.all() else frame[kept]), targets


def _parts_in_need(table: Table) -> int:
    """How many parts need a row of every class."""
    divided = table.split_column or table.time
    return 1 if divided or not table.stratify else 3 - (len(table.paths) - 1)


def _names(table: Table, rows: InputRows) -> dict[str, list[Any]]:
    """What names rows of a file: their number in it, from 1, and the columns that are for that."""
    found = {name: rows[name].tolist() for name in table.id if name in rows.columns}
    return {"row": [int(number) + 1 for number in rows.index], **found}


def _facts(
    table: Table,
    rows: pd.DataFrame,
    kinds: Kinds,
    preparation: Mapping[str, Any],
    targets: Sequence[Any],
    notes: Sequence[str],
) -> Facts:
    """What is told of the columns of the main file."""
    counting = [name for name in rows.columns if counts_rows(rows[name])]
    apart = {*table.kept_apart, *counting}
    inputs = rows[[name for name in rows.columns if name not in apart]]
    learned = summarize_columns(inputs, kinds)
    columns = [*summarize_ids(rows, table.id), *learned]
    counted = [
        f"column {name} has no name and counts the rows; it is left out" for name in counting
    ]
    said = [*origin_of(rows).notices, *counted]
    notices = [*said, *notes, *kinds.notices, *rare_notices(preparation)]
    if table.task == "classification":
        notices += class_notices(targets, table.target[0])
    warnings = [
        warning
        for name, values in _by_target(table, targets).items()
        for warning in column_warnings(rows, learned, values, name)
    ]
    return Facts(columns, notices, list(dict.fromkeys(warnings)))


def _by_target(table: Table, targets: Sequence[Any]) -> dict[str, Sequence[Any]]:
    """What every target column says."""
    if table.task == "classification" or table.label_separator is not None:
        return {table.target[0]: targets}
    if table.task == "regression":
        return dict(zip(table.target, zip(*targets, strict=True), strict=True))
    return {name: [name in row for row in targets] for name in table.target}


def _own_files(
    table: Table, kinds: Kinds, targets: Mapping[str, NumberForm]
) -> dict[str, pd.DataFrame]:
    """The files of the parts that have their own, with texts where the main file has them."""
    forms = {**kinds.numbers, **targets}
    written = [name for name, form in forms.items() if form != PLAIN]
    found = {}
    for part, path in table.paths.items():
        if part != "train":
            found[part] = table.read(path, [*kinds.categories, *kinds.dates, *written])
            refuse_columns(table, found[part], part)
    return found


def _refuse_contradictions(table: Table) -> None:
    refuse_unused_form(table.path, table.form)
    column = next((name for name in ("split_column", "time") if getattr(table, name)), None)
    own = {part: f"data.{part}_path" for part in table.paths if part != "train"}
    refuse_unused(vars(table), own, column)
    if table.embedding_size is not None and table.categories != "embedding":
        raise DataError(
            "data.embedding_size does not go with categories: one_hot; write categories: embedding"
        )
    if table.decimal is not None and table.decimal == table.thousands:
        raise DataError(
            f"data.decimal and data.thousands are both {table.decimal!r}; they cannot be the same"
        )
    # what divides rows may name them too
    other = {name for role, name in table.roles if role in ("data.target", *OF_INPUTS)}
    roles = [(role, name) for role, name in table.roles if role != "data.id" or name in other]
    for name, count in Counter(name for _, name in roles).items():
        if count > 1:
            said = " and ".join(parameter for parameter, column in roles if column == name)
            raise DataError(f"{table.path}: column {name} is named twice, by {said}; keep one")


def _target_form(table: Table, column: pd.Series[Any]) -> NumberForm:
    """How the values to predict are written."""
    if table.task != "regression" or pd.api.types.is_numeric_dtype(column):
        return PLAIN
    return number_form(column, table.reading, table.path) or PLAIN


def _refuse_missing(column: pd.Series[Any], what: str) -> None:
    missing = np.flatnonzero(column.isna())
    if len(missing):
        more = f" ({len(missing)} rows in all)" if len(missing) > 1 else ""
        raise DataError(
            f"{what}, {row_of(column, int(missing[0]))}: is missing{more}; fill it in or remove "
            "the row"
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
        place=partial(row_of, frame[table.target[0]]),
        said=None if said is None else texts_of(said, path),
        groups=None if group is None else texts_of(group, path),
        times=None if time is None else times_of(time, path, dict(table.dates).get(str(time.name))),
    )
    return division._asdict()


def _splits(table: Table) -> Splits:
    """The parts as tensors; the width of embeddings does not need the files anew."""
    stamps = tuple(stamp(path) for path in table.paths.values())
    found = _read(replace(table, embedding_size=None), stamps)
    if table.categories == "one_hot":
        return found
    sizes = [level_count(column) + 1 for column in found.preparation["categories"]]
    width = table.embedding_size or EMBEDDING_SIZE
    return replace(found, input_embedding={"kind": "categories", "sizes": sizes, "width": width})


@lru_cache(maxsize=4)
def _read(table: Table, stamps: tuple[Stamp, ...]) -> Splits:
    return prepare(table).splits()
