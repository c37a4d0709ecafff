"""JSON: a record per line, a list of records, or a list of values for every column."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from lightning_modules.data.readers.memory import require_memory
from lightning_modules.data.readers.tables.encoding import encoding_of
from lightning_modules.data.readers.tables.form import FileForm
from lightning_modules.data.readers.tables.source import Source
from lightning_modules.data.readers.tables.typed import frame_of
from lightning_modules.data.readers.unpacking import OPENERS
from lightning_modules.errors import DataError

IN_MEMORY = 12
"""Bytes of memory that reading takes for each byte of the file."""
SHOWN = 5
"""Lines that a message names."""
Columns = Mapping[str, Sequence[Any]]


def read_json(source: Source, form: FileForm) -> tuple[pd.DataFrame, list[str]]:
    """The rows of a JSON file, and what is to be said of them; DataError where it has none."""
    _require_size(source)
    encoding, said = encoding_of(source, form.encoding)
    with source.text(encoding) as text:
        content = text.read()
    try:
        tree = json.loads(content)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":  # a second record
            return read_json_lines(source, form)
        raise DataError(f"{source.path}: line {error.lineno}: is no JSON ({error.msg})") from None
    except RecursionError:
        raise DataError(f"{source.path}: is too deep; write a list of records") from None
    return frame_of(_columns(tree, source.path)), [said] if said else []


def read_json_lines(source: Source, form: FileForm) -> tuple[pd.DataFrame, list[str]]:
    """The rows of a file with a record per line; DataError with every line that is none."""
    _require_size(source)
    encoding, said = encoding_of(source, form.encoding)
    found, wrong = [], []
    with source.text(encoding) as text:
        for number, line in enumerate(text, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                record = None
            if isinstance(record, dict):
                found.append(record)
            else:
                wrong.append(number)
    if wrong:
        some = ", ".join(map(str, wrong[:SHOWN])) + (", ..." if len(wrong) > SHOWN else "")
        raise DataError(
            f"{source.path}: {len(wrong):,} lines hold no JSON record (line {some}); write one per "
            'line, such as {"age": 3}'
        )
    return frame_of(_of_records(found)), [said] if said else []


def _require_size(source: Source) -> None:
    if source.file.suffix.lower() not in OPENERS:
        require_memory(f"{source.path}: its rows", source.file.stat().st_size * IN_MEMORY)


def _columns(tree: Any, path: str) -> Columns:
    if isinstance(tree, list) and all(isinstance(record, dict) for record in tree):
        return _of_records(tree)
    if isinstance(tree, dict) and tree:
        kinds = {type(column) for column in tree.values()}
        if kinds == {list} and _are_columns(tree):
            return tree
        if kinds == {dict}:  # as pandas writes: the row names of every column
            rows = list(dict.fromkeys(row for column in tree.values() for row in column))
            return {name: [column.get(row) for row in rows] for name, column in tree.items()}
        if kinds <= {dict, list, str, int, float, bool, type(None)}:
            tables = [name for name, each in tree.items() if isinstance(each, list) and each]
            held = f"; it holds {', '.join(tables[:5])}" if tables else ""
            raise DataError(
                f"{path}: is no list of records{held}; write the list of records alone, such as "
                '[{"age": 3}, {"age": 5}]'
            )
    raise DataError(
        f'{path}: is no list of records; write one, such as [{{"age": 3}}, {{"age": 5}}]'
    )


def _are_columns(tree: Columns) -> bool:
    """Whether lists are the values of columns, and not records, or what pandas calls `split`."""
    is_split = {"columns", "data"} <= {*tree}
    records = any(isinstance(value, dict) for column in tree.values() for value in column)
    return len({len(column) for column in tree.values()}) == 1 and not is_split and not records


def _of_records(records: Sequence[Mapping[str, Any]]) -> Columns:
    names = dict.fromkeys(name for record in records for name in record)
    return {name: [record.get(name) for record in records] for name in names}
