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
        _refuse_twins(parquet.read_schema(file).names, path)
        require_memory(f"{path}: its rows", _parquet_size(parquet.read_metadata(file)))
        frame = pd.read_parquet(file)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path}: is no whole Parquet file: {_reason(error)}") from None
    return frame.reset_index(drop=True)


def _parquet_size(found: Any) -> int:
    """Bytes of memory that the rows take, by the metadata; equal values are stored once and take
    eight bytes in every row."""
    groups = (found.row_group(at).total_byte_size for at in range(found.num_row_groups))
    return int(IN_MEMORY * sum(groups) + 2 * 8 * found.num_rows * found.num_columns)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"column {name}" for name in names[:5])
