"""What is to be said of rows of a table that a network answers to: their names and doubts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lightning_modules.data.columns.cells import says_missing, texts_of
from lightning_modules.data.columns.dates import WHEN
from lightning_modules.data.columns.preparation import numbers_in, texts_in
from lightning_modules.data.preparation.doubts import Doubts, count_outside, some
from lightning_modules.data.readers.tables.form import FileForm
from lightning_modules.data.readers.tables.read import read_frame
from lightning_modules.data.sets.table_settings import Table, listed


def names_new(path: str | Path, /, **parameters: Any) -> dict[str, list[Any]]:
    """The columns that name the rows of a file, as far as it has them."""
    names = listed(parameters["id"])
    form = FileForm.of(parameters).read_as(str(path), parameters["path"])
    rows = read_frame(str(path), names, form=form)
    return {name: rows[name].tolist() for name in names if name in rows.columns}


def doubts(
    path: str | Path | None,
    preparation: Mapping[str, Any],
    numbers: Sequence[int] | None = None,
    /,
    **parameters: Any,
) -> Doubts:
    """What is doubtful in the rows of a file, or in these (counted from 1) of the test part."""
    table = Table.of(parameters)
    file = str(path or table.test_path or table.path)
    form = table.form.read_as(file, table.path)
    rows = read_frame(file, texts_in(preparation), table.missing, form=form)
    if numbers is not None:
        rows = rows.iloc[[number - 1 for number in numbers]]
    unknown, missing, outside = {}, {}, {}
    for column in preparation["categories"]:
        name, known = column["name"], set(column["values"])
        new = [text for text in texts_of(rows[name], file) if text not in known]
        holes = sum(not text or says_missing(text) for text in new)
        missing[name] = holes
        if "others" not in column:  # a new category may be one of the rare ones there
            unknown[name] = len(new) - holes
    for column, values in numbers_in(rows, preparation, file):
        name = column["name"]
        if column.get("of", WHEN[-1]) != WHEN[-1]:
            continue  # of a date, the days that have elapsed say it once
        missing[name] = int(np.isnan(values).sum())
        if "low" in column:  # networks that were trained earlier know no range
            outside[name] = count_outside(values, column["low"], column["high"])
    return Doubts(len(rows), some(unknown), some(missing), some(outside))
