"""Tables from files, CSV or Parquet, with every mistake named by line, row or column."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lightning_modules.data.columns.cells import cleaned
from lightning_modules.data.readers.files import file_at
from lightning_modules.errors import DataError

PARQUET = (".parquet", ".pq")
COMPRESSED = (".gz", ".bz2", ".xz", ".zip", ".zst")
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
    if file.suffix.lower() not in COMPRESSED:
        with file.open("rb") as opened:
            if b"\0" in opened.read(65536):
                raise DataError(
                    f"{path}: is no CSV file (it has zero bytes); save the table as CSV in UTF-8, "
                    "or as Parquet with the ending .parquet"
                )
    try:
        with warnings.catch_warnings(category=pd.errors.ParserWarning, action="error"):
            head, separator = max(
                ((_header(file, one), one) for one in SEPARATORS), key=lambda pair: len(pair[0])
            )
            _refuse_twins(head, path)
            return pd.read_csv(
                file,
                sep=separator,
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
    ) as error:
        raise DataError(f"{path}: is no CSV file: {_reason(error)}") from None


def _header(file: Path, separator: str) -> list[str]:
    options: dict[str, Any] = {"header": None, "nrows": 1, "dtype": "str", "na_filter": False}
    return [str(name) for name in pd.read_csv(file, sep=separator, **options).iloc[0]]


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
        frame = pd.read_parquet(file)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path}: is no whole Parquet file: {_reason(error)}") from None
    return frame.reset_index(drop=True)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"column {name}" for name in names[:5])
