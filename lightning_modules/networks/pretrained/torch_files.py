"""Files of torch's, read where they run no code and become no larger than they are."""

from __future__ import annotations

import mmap
import pickle
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from lightning_modules.data.readers.memory import require_memory
from lightning_modules.errors import UserError

ZIP = b"PK\x03\x04"
BYTEARRAY = re.compile(rb"\nbytearray\n")
"""In a pickle, with a number: so many zeros, which torch admits and no weights have."""


def load_torch(source: Path | BytesIO, problem: str) -> Any:
    """What a file of torch's holds, tensors and plain values only.

    Raises UserError, which begins with `problem` (the file, and what it is not), where it holds
    something else, or more than memory does.
    """
    try:
        _refuse_bombs(source, problem)
        if isinstance(source, BytesIO):
            source.seek(0)  # where torch begins to read
        with warnings.catch_warnings(action="ignore"):  # of torch, about foreign files
            return torch.load(source, map_location="cpu", weights_only=True)
    except UserError:
        raise
    except pickle.UnpicklingError:  # torch's text advises to run whatever the file holds
        text = "it holds something else than tensors and plain values"
        raise UserError(f"{problem}: {text}") from None
    except Exception as error:  # a foreign file can raise anything here
        raise UserError(f"{problem}: {error}") from None


def _refuse_bombs(source: Path | BytesIO, problem: str) -> None:
    """Raise UserError where the file would become larger than it is, or than memory."""
    with _content(source) as content:
        size = len(content)
        if content[: len(ZIP)] == ZIP:
            with zipfile.ZipFile(source) as archive:
                members = archive.infolist()
            if any(each.compress_type != zipfile.ZIP_STORED for each in members):
                raise UserError(f"{problem}: it is compressed, which torch's own files never are")
            size = sum(each.file_size for each in members)
        require_memory(f"{problem}: what it holds", size)
        if BYTEARRAY.search(content):
            raise UserError(f"{problem}: it holds something else than tensors and plain values")


@contextmanager
def _content(source: Path | BytesIO) -> Iterator[mmap.mmap | memoryview]:
    """The bytes of a file, not read before they are looked at."""
    if isinstance(source, BytesIO):
        with source.getbuffer() as view:
            yield view
        return
    with (
        source.open("rb") as opened,
        mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
    ):
        yield mapped
