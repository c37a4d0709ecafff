"""Parquet and Arrow files, read by pyarrow: their columns tell their kinds themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lightning_modules.data.readers.memory import require_memory
from lightning_modules.data.readers.tables.heading import refuse_twins
from lightning_modules.data.readers.unpacking import ALWAYS, IN_MEMORY, RATIO
from lightning_modules.errors import DataError


def read_parquet(file: Path, path: str) -> pd.DataFrame:
    """The rows of a Parquet file; DataError where it is none, or does not fit in memory."""
    import pyarrow
    from pyarrow import parquet

    try:
        schema = parquet.read_schema(file)
        refuse_twins(schema.names, path)
        found, flat = parquet.read_metadata(file), [each for each in schema if not _is_nested(each)]
        require_memory(f"{path}: its rows", _parquet_size(found, flat))
        _require_texts(file, flat, path)
        frame = pd.read_parquet(file, columns=[field.name for field in flat])
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path}: is no whole Parquet file: {_reason(error)}") from None
    return _with_stand_ins(frame, schema, found.num_rows)


def read_arrow(file: Path, path: str) -> pd.DataFrame:
    """The rows of an Arrow or Feather file, or of a stream of Arrow's in one."""
    import pyarrow
    from pyarrow import ipc

    try:
        with pyarrow.memory_map(str(file)) as opened:
            try:
                reader = ipc.open_file(opened)
                batches = (reader.get_batch(at) for at in range(reader.num_record_batches))
            except pyarrow.ArrowInvalid:
                opened.seek(0)
                reader = ipc.open_stream(opened)
                batches = iter(reader)
            schema = reader.schema
            refuse_twins(schema.names, path)
            flat = [each.name for each in schema if not _is_nested(each)]
            most, size, kept = max(ALWAYS, RATIO * file.stat().st_size), 0, []
            for batch in batches:
                size += batch.nbytes
                if size > most:
                    raise DataError(
                        f"{path}: unpacks to more than is believed; write it as Parquet"
                    )
                require_memory(f"{path}: its rows", 2 * size)
                kept.append(batch.select(flat))
            table = pyarrow.Table.from_batches(
                kept, pyarrow.schema([schema.field(n) for n in flat])
            )
            frame, rows = table.to_pandas(), table.num_rows
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path}: is no whole Arrow file: {_reason(error)}") from None
    return _with_stand_ins(frame, schema, rows)


def _with_stand_ins(frame: pd.DataFrame, schema: Any, rows: int) -> pd.DataFrame:
    """A table with an empty value in every row of each column of lists or structures: these are not
    read, since no data takes them, and are there for whoever uses one to be told what it holds."""
    import pyarrow

    missing: dict[str, Any] = {
        field.name: {} if pyarrow.types.is_struct(_stored(field.type)) else np.empty(0)
        for field in schema
        if _is_nested(field)
    }
    stand_ins = {name: pd.Series([value] * rows, dtype=object) for name, value in missing.items()}
    whole = frame.reset_index(drop=True).assign(**stand_ins)
    return whole[[name for name in schema.names if name in whole]]


def _is_nested(field: Any) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_nested(_stored(field.type)))


def _parquet_size(found: Any, flat: Sequence[Any]) -> int:
    """Bytes of memory that the rows take, by the metadata; equal values are stored once and take
    their width, or eight bytes, in every row."""
    groups = (found.row_group(at).total_byte_size for at in range(found.num_row_groups))
    widths = (max(8, _width(_stored(field.type))) for field in flat)
    return int(IN_MEMORY * sum(groups) + 2 * found.num_rows * sum(widths))


def _require_texts(file: Path, flat: Sequence[Any], path: str) -> None:
    """Raise DataError where the texts take too much memory: equal ones are stored once in the file,
    which is how they are counted, and many times in a table."""
    import pyarrow.compute
    from pyarrow import parquet

    texts = [field.name for field in flat if not _width(_stored(field.type))]
    size = 0
    with parquet.ParquetFile(file, read_dictionary=texts) as opened:
        for batch in opened.iter_batches(columns=texts, use_threads=False):
            for column in (getattr(each, "storage", each) for each in batch.columns):
                coded = column if hasattr(column, "dictionary") else column.dictionary_encode()
                lengths = pyarrow.compute.binary_length(coded.dictionary.cast("large_binary"))
                size += pyarrow.compute.sum(lengths.cast("int64").take(coded.indices)).as_py() or 0
            require_memory(f"{path}: its rows", 2 * size)


def _stored(kind: Any) -> Any:
    """The type of the values of a column that is stored as another type, or coded."""
    kind = getattr(kind, "storage_type", kind)
    return getattr(kind, "value_type", kind) if hasattr(kind, "index_type") else kind


def _width(kind: Any) -> int:
    """Bytes of a value of a type; 0 where each value has its own."""
    try:
        return max(1, int(kind.bit_width) // 8)
    except ValueError:
        return 0


def _reason(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
