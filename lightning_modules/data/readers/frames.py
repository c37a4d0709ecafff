"""Tables from files, CSV or Parquet, with every mistake named by line, row or column."""

from __future__ import annotations

import lzma
import re
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lightning_modules.data.columns.cells import cleaned
from lightning_modules.data.readers.files import file_at
from lightning_modules.data.readers.memory import require_memory
from lightning_modules.data.readers.unpacking import IN_MEMORY, OPENERS, unpacked
from lightning_modules.errors import DataError

PARQUET = (".parquet", ".pq")
SEPARATORS = (",", ";", "\t")


def read_frame(
    path: str, text: Sequence[str] = (), missing: Collection[str] = (), all_text: bool = False
) -> pd.DataFrame:
    """The rows of a CSV file (UTF-8, with a header) or a Parquet file, numbered from 0.

    The columns of a CSV are separated by commas, semicolons or tabs, whichever makes most of the
    header. Columns in `text`, or `all_text`, are not read as numbers. Texts lose the spaces around
    them; an empty one is missing, and so is one in `missing`.

    Raises DataError where it is no such file.
    """
    file = file_at(path)
    frame = _parquet(file, path) if is_parquet(path) else _csv(file, path, text, all_text)
    if frame.empty:
        raise DataError(f"{path}: has no rows; write the data below its header")
    return cleaned(frame, missing)


def is_parquet(path: str) -> bool:
    """Whether the file tells the kinds of its columns itself."""
    return Path(path).suffix.lower() in PARQUET


def _csv(file: Path, path: str, text: Sequence[str], all_text: bool) -> pd.DataFrame:
    if file.suffix.lower() not in OPENERS:
        require_memory(f"{path}: its rows", file.stat().st_size * IN_MEMORY)
        with file.open("rb") as opened:
            if b"\0" in opened.read(65536):
                raise DataError(
                    f"{path}: is no CSV file (it has zero bytes); save the table as CSV in UTF-8, "
                    "or as Parquet with the ending .parquet"
                )
    try:
        with warnings.catch_warnings(category=pd.errors.ParserWarning, action="error"):
            head, separator = max(
                ((_header(file, path, one), one) for one in SEPARATORS),
                key=lambda pair: len(pair[0]),
            )
            _refuse_twins(head, path)
            with _text(file, path) as source:
                return pd.read_csv(
                    source,
                    sep=separator,
                    compression=None,  # what is packed has been unpacked
                    index_col=False,
                    low_memory=False,
                    dtype=dict.fromkeys(head if all_text else [*{*text} & {*head}], "str"),
                    keep_default_na=False,
                    na_values=[""],
                )
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: is no CSV file in UTF-8 (byte {error.object[error.start]:#04x}); save it "
            "as UTF-8"
        ) from None
    except pd.errors.ParserWarning:
        raise DataError(
            f"{path}: its rows have more fields than its header; give every column a name"
        ) from None
    except (
        pd.errors.ParserError,
        pd.errors.EmptyDataError,
        ValueError,
        OSError,
        EOFError,
        zlib.error,
        lzma.LZMAError,
        zipfile.BadZipFile,
        RuntimeError,  # a ZIP archive with a password
        NotImplementedError,  # or packed in a way that Python does not know
    ) as error:
        raise DataError(f"{path}: is no CSV file: {_reason(error)}") from None


def _text(file: Path, path: str) -> AbstractContextManager[Any]:
    """A file, or what a compressed one holds, for pandas to read."""
    return unpacked(file, path) if file.suffix.lower() in OPENERS else nullcontext(file)


def _header(file: Path, path: str, separator: str) -> list[str]:
    options: dict[str, Any] = {"header": None, "nrows": 1, "dtype": "str", "na_filter": False,
        "compression": None}  # fmt: skip
    with _text(file, path) as source:
        return [str(name) for name in pd.read_csv(source, sep=separator, **options).iloc[0]]


def _refuse_twins(names: Iterable[str], path: str) -> None:
    twins = [name for name, count in Counter(names).items() if count > 1 and name]
    if twins:
        raise DataError(
            f"{path}: {_listed(twins)} stands more than once in its header; rename or remove one"
        )


def _reason(error: Exception) -> str:
    text = str(error).strip().partition("\n")[0]
    if found := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", text):
        wanted, line, seen = found.groups()
        return f"line {line} has {seen} fields, and its header {wanted}; correct that line"
    return text.removeprefix("Error tokenizing data. C error: ")


def _parquet(file: Path, path: str) -> pd.DataFrame:
    import pyarrow
    from pyarrow import parquet

    try:
        schema = parquet.read_schema(file)
        _refuse_twins(schema.names, path)
        found, flat = parquet.read_metadata(file), [each for each in schema if not _is_nested(each)]
        require_memory(f"{path}: its rows", _parquet_size(found, flat))
        _require_texts(file, flat, path)
        frame = pd.read_parquet(file, columns=[field.name for field in flat])
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path}: is no whole Parquet file: {_reason(error)}") from None
    return _with_stand_ins(frame, schema, found.num_rows)


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


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"column {name}" for name in names[:5])
