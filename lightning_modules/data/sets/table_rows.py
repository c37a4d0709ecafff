"""What is to be said of rows of a table that a network answers to: their names and doubts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lightning_modules.data.preparation.doubts import Doubts, count_outside, some
from lightning_modules.data.readers.columns import numbers_of, texts_of
from lightning_modules.data.readers.frames import read_frame
from lightning_modules.data.sets.tabular import Table, listed


def names_new(path: str | Path, /, **parameters: Any) -> dict[str, list[Any]]:
    """The columns that name the rows of a file, as far as it has them."""
    names = listed(parameters["id"])
    rows = read_frame(str(path), names)
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
    texts = [column["name"] for column in preparation["categories"]]
    rows = read_frame(file, [*table.categorical, *texts])
    if numbers is not None:
        rows = rows.iloc[[number - 1 for number in numbers]]
    unknown, missing, outside = {}, {}, {}
    for column in preparation["categories"]:
        name, known = column["name"], set(column["values"])
        found = texts_of(rows[name], file)
        missing[name] = found.count("")
        unknown[name] = sum(text not in known for text in found if text)
    for column in preparation["numbers"]:
        values = numbers_of(rows[column["name"]], file)
        missing[column["name"]] = int(np.isnan(values).sum())
        if "low" in column:  # networks that were trained earlier know no range
            outside[column["name"]] = count_outside(values, column["low"], column["high"])
    return Doubts(len(rows), some(unknown), some(missing), some(outside))
