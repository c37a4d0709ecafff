"""Arrays of numpy's in a file: an `.npz` archive, or a single one."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

import numpy as np

from lightning_modules.components import suggestion
from lightning_modules.data.columns.cells import LARGEST
from lightning_modules.data.readers.files import file_at
from lightning_modules.data.readers.memory import require_memory
from lightning_modules.errors import DataError

AS_FLOATS = 12
"""Bytes of a float64 and a float32."""
Array = np.ndarray[Any, np.dtype[Any]]


def load_arrays(path: str, single: str = "") -> dict[str, Array]:
    """The arrays of an archive by name; `single` names the array of a `.npy` file."""
    with opened_arrays(path) as held:
        if isinstance(held, np.ndarray):
            if single:
                return {single: held}
            raise DataError(
                f"{path}: is one array; save inputs and targets together with numpy.savez"
            )
        return {name: _member(path, held, name) for name in held.files}


@contextmanager
def opened_arrays(path: str) -> Iterator[Any]:
    """What numpy finds in a file, an array or an archive; DataError where it is not whole."""
    file = file_at(path)
    try:
        with file.open("rb") as opened:
            require_memory(f"{path}: its arrays", _size(opened))
            yield np.load(opened, allow_pickle=False)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error):
        raise DataError(f"{path}: is no whole .npz archive; write it with numpy.savez") from None


def _size(opened: IO[bytes]) -> int:
    """Bytes of memory that the arrays of an opened file take while they are prepared, by their
    headers: as they are, as float64 and as float32."""
    parts: list[IO[bytes]] = [opened]
    archive = None
    if zipfile.is_zipfile(opened):
        archive = zipfile.ZipFile(opened)
        parts = [archive.open(name) for name in archive.namelist() if name.endswith(".npy")]
    opened.seek(0)
    size = 0
    for part in parts:
        version = np.lib.format.read_magic(part)
        read = np.lib.format.read_array_header_1_0
        if version != (1, 0):
            read = np.lib.format.read_array_header_2_0
        shape, _, dtype = read(part)
        size += math.prod(shape) * (dtype.itemsize + AS_FLOATS)
    opened.seek(0)
    return size


def _member(path: str, held: Mapping[str, Array], name: str) -> Array:
    try:
        return held[name]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise DataError(
            f"{path}: array {name} holds Python objects; save numbers of one type and shape"
        ) from None


def array_of(path: str, arrays: Mapping[str, Array], name: str) -> Array:
    """The array called `name` among those of a file; DataError where it is missing or empty."""
    if name not in arrays:
        hint = suggestion(name, arrays) or "; it has " + (", ".join(arrays) or "none")
        raise DataError(f"{path}: there is no array {name!r}{hint}")
    if not len(np.atleast_1d(arrays[name])) or not arrays[name].ndim:
        raise DataError(f"{path}: array {name} has no rows; write the data into it")
    return arrays[name]


def content_of(array: Array) -> str:
    """What an array holds, in a word: texts, bytes, or its type of numbers."""
    return {"U": "texts", "S": "bytes"}.get(array.dtype.kind, str(array.dtype))


def refuse_infinite(array: Array, what: str) -> None:
    """Raise DataError, about `what` and the first such row, where a value is no finite number."""
    wrong = np.argwhere(~(np.abs(array) <= LARGEST))
    if len(wrong):
        value = array[tuple(wrong[0])]
        raise DataError(
            f"{what}, row {wrong[0][0] + 1}: {value:g} is no finite number; fill it in or remove "
            "the row"
        )
