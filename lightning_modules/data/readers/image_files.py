"""Files of images: whether they can be used, and their pixels. Nothing here imports torch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from lightning_modules.data.readers.image_folders import read_folder
from lightning_modules.data.readers.memory import require_memory
from lightning_modules.errors import DataError

FORMATS = ("PNG", "JPEG")
WHOLE = 2**30
"""Bytes that are read within seconds."""
AS_FLOATS = 5
"""Bytes of a number of a step: as it is read, and as a float32."""
MODES = {"rgb": "RGB", "gray": "L"}
Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def check_folder(*, path: str | None, **parameters: Any) -> None:
    """Read the folder and its files; pixels are not decoded.

    Raises DataError where the folder or a file cannot be used.
    """
    shares = {key: parameters[key] for key in ("validation", "test", "split_seed", "stratify")}
    files = read_folder(path, **shares).files
    _require_memory(files, **parameters)
    _check_files(files, stamp(files))


def _require_memory(
    files: tuple[Path, ...], *, size: int, color: str, cache: float, batch_size: int | str, **_: Any
) -> None:
    """Raise DataError where the images that are kept, or those of a step, do not fit."""
    each = len(MODES[color]) * size**2
    kept = len(files) if len(files) * each <= cache * 2**20 else 0
    step = len(files) if isinstance(batch_size, str) else min(batch_size, len(files))
    what = f"data.size: {size}, with {len(files):,} images and {step:,} a step,"
    require_memory(what, each * (kept + step * AS_FLOATS))


@lru_cache(maxsize=8)  # a study may read the same files in several ways
def _check_files(files: tuple[Path, ...], _: int) -> None:
    """Read files to their ends until they are `WHOLE` bytes, and the heads of all others."""
    size = 0
    for file in files:
        size += file.stat().st_size
        with _naming_the_file(file), Image.open(file, formats=FORMATS) as image:
            if size <= WHOLE:
                image.verify()


def decode(file: Path, size: int, color: str) -> Pixels:
    """The pixels (c, size, size) of a file: the largest square at its centre, resized.

    Raises DataError where the file is corrupt.
    """
    with _naming_the_file(file), Image.open(file, formats=FORMATS) as image:
        image.draft(MODES[color], (2 * size, 2 * size))  # big JPEGs are decoded smaller
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I;16"):  # which Pillow would cut off at 255
            upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
        side = min(upright.size)
        left, top = ((length - side) // 2 for length in upright.size)
        square = upright.crop((left, top, left + side, top + side)).convert(MODES[color])
        resized = square.resize((size, size), Image.Resampling.BILINEAR)
        pixels = np.array(resized).reshape(size, size, -1)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def stamp(files: tuple[Path, ...]) -> int:
    """Changes where a file is another one, or was written again."""
    states = (file.stat() for file in files)
    return hash(tuple((each.st_ino, each.st_size, each.st_mtime_ns) for each in states))


@contextmanager
def _naming_the_file(file: Path) -> Iterator[None]:
    """What Pillow raises, as a DataError that names the file."""
    try:
        with warnings.catch_warnings(action="ignore"):  # about rare ways to store an image
            yield
    except Exception as error:  # a broken file can raise anything here
        if isinstance(error, Image.DecompressionBombError):
            raise DataError(f"{file}: is too large an image ({error}); make it smaller") from None
        why = "neither PNG nor JPEG" if isinstance(error, UnidentifiedImageError) else str(error)
        raise DataError(f"{file}: is no whole image ({why}); replace or remove the file") from None
