"""Files of images: whether they can be used, and their pixels. Nothing here imports torch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from lightning_modules.components import switched_on
from lightning_modules.data.augmentation.table import AUGMENTATIONS, RECOLOURING
from lightning_modules.data.preparation.splitting import Division
from lightning_modules.data.preparation.summary import DataSummary, summarize
from lightning_modules.data.readers.image_folders import (
    FORMATS,
    Labelled,
    read_folder,
    skipped_words,
)
from lightning_modules.data.readers.image_pixels import (
    FLOATS,
    INTEGERS,
    MODES,
    Look,
    Pixels,
    deep_kind,
    on_background,
    pixels_of,
    values_of,
    white_of,
)
from lightning_modules.data.readers.memory import require_memory
from lightning_modules.errors import DataError

WHOLE = 2**30
"""Bytes that are read within seconds."""
DECODED = 16
"""Bytes of memory that a pixel takes while an image is decoded, turned upright and cut."""
LOOKED_AT = 64
"""Transparent images that are decoded to see whether the background leaves anything of them."""
FLOAT = 4
"""Bytes of a float32."""


@dataclass(frozen=True)
class Head:
    """What the head of a file says of its image."""

    deep: str
    """`integers` or `floats` where a pixel holds more than bytes can, else empty."""
    cut: bool
    """Whether its channels have 16 bits each, of which 8 are read."""
    transparent: bool
    frames: bool
    """Whether it holds further frames or pages."""


class Undecoded(NamedTuple):
    """Images of which the shape is known."""

    shape: tuple[int, ...]


def check_folder(*, path: str | None, **parameters: Any) -> DataSummary:
    """Read the folder and its files; pixels are not decoded. Gives what they become.

    Raises DataError where the folder or a file cannot be used.
    """
    _refuse_unused_colours(**parameters)
    keys = ("validation", "test", "split_seed", "stratify", "rare_classes")
    found = read_folder(path, **{key: parameters[key] for key in keys})
    said = heads(found.files, stamp(found.files))
    look = Look(*(parameters[key] for key in ("size", "color", "background")))
    _require_memory(look, said, **parameters)
    sides = (look.channels, look.size, look.size)
    parts = {
        part: (Undecoded((len(rows), *sides)), np.array([found.targets[row] for row in rows]))
        for part, rows in zip(Division._fields, found.parts, strict=True)
    }
    notices = _notices(look, found, said)
    return summarize(str(path), parts, len(found.classes), found.classes, notices=notices)


def _notices(look: Look, found: Labelled, said: Sequence[Head]) -> list[str]:
    """What of a folder's files is not read, or not as it stands there, in sentences."""
    background = look.background
    notes = skipped_words(len(found.files), found.skipped)
    clear = [file for file, head in zip(found.files, said, strict=True) if head.transparent]
    if clear and look.color != "rgba":
        notes.append(
            f"{_images(len(clear))} may be transparent in places, which become "
            f"{background} (data.background; color: rgba keeps transparency as a fourth channel)"
        )
        looked = clear[:LOOKED_AT]
        if blank := sum(_is_blank(file, look) for file in looked):
            notes.append(
                f"on {background} nothing is left to see of {blank} of {len(looked)} "
                "transparent images; choose another data.background, or color: rgba"
            )
    whites = with_whites(look, found, stamp(found.files))
    for kind in (INTEGERS, FLOATS):
        if white := getattr(whites, kind):
            many = sum(head.deep == kind for head in said)
            notes.append(
                f"{_images(many)} with more than 8 bits a pixel ({kind}) keep all levels; "
                f"by the largest value of the training part, {white:g} is white"
            )
    if cut := sum(head.cut for head in said):
        notes.append(f"of {_images(cut)} in colour with 16 bits a channel 8 are read")
    if several := sum(head.frames for head in said):
        notes.append(f"of {_images(several)} with several frames or pages the first is read")
    return notes


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"


def _refuse_unused_colours(*, color: str, background: str, augment: Any, **_: Any) -> None:
    if color != "rgba":
        return
    if background != "white":
        raise DataError("data.background and color: rgba do not go together; keep one")
    for name in switched_on(AUGMENTATIONS, augment or {}):
        if name in RECOLOURING:
            raise DataError(
                f"data.augment.{name} changes images of 1 or 3 channels, and color: rgba has 4; "
                "leave one out"
            )


def _require_memory(
    look: Look, said: Sequence[Head], *, cache: float, batch_size: int | str, **_: Any
) -> None:
    """Raise DataError where the images that are kept, or those of a step, do not fit."""
    numbers = look.channels * look.size**2
    each = numbers * (FLOAT if any(head.deep for head in said) else 1)
    kept = len(said) if len(said) * each <= cache * 2**20 else 0
    step = len(said) if isinstance(batch_size, str) else min(batch_size, len(said))
    what = f"data.size: {look.size}, with {len(said):,} images and {step:,} a step,"
    require_memory(what, kept * each + step * (each + numbers * FLOAT))


@lru_cache(maxsize=8)  # a study may read the same files in several ways
def heads(files: tuple[Path, ...], _: int) -> tuple[Head, ...]:
    """The heads of all files, which are read to their ends until they are `WHOLE` bytes.

    Raises DataError for a file that is no whole image.
    """
    size, found = 0, []
    for file in files:
        size += file.stat().st_size
        with opened(file) as image:
            if image.format != "JPEG":  # which is decoded smaller
                width, height = image.size
                what = f"{file}: an image of {width:,} × {height:,} pixels"
                require_memory(what, DECODED * width * height)
            found.append(_head(image))
            if size <= WHOLE:
                image.verify()
    return tuple(found)


def _head(image: Image.Image) -> Head:
    tiles = getattr(image, "tile", [])
    return Head(
        deep=deep_kind(image),
        cut=not deep_kind(image) and any(";16" in str(tile.args) for tile in tiles),
        transparent=image.has_transparency_data,
        frames=image.format not in ("JPEG", "MPO") and getattr(image, "is_animated", False),
    )


@lru_cache(maxsize=8)
def with_whites(look: Look, found: Labelled, stamped: int) -> Look:
    """The look with what is white in deep files, by the largest value of those that train."""
    said = heads(found.files, stamped)
    whites: dict[str, Any] = {}
    for kind in (INTEGERS, FLOATS):
        if deep := [found.files[row] for row in found.parts[0] if said[row].deep == kind]:
            whites[kind] = white_of(kind, max(_largest_value(file) for file in deep))
    return replace(look, **whites)


def _largest_value(file: Path) -> float:
    with opened(file) as image:
        return float(values_of(image).max())


def decode(file: Path, look: Look) -> Pixels:
    """The pixels (c, size, size) of a file: the largest square at its centre, resized; bytes, or
    shares of white where `look` is deep.

    Raises DataError where the file is corrupt.
    """
    with opened(file) as image:
        image.draft(MODES[look.color], (2 * look.size, 2 * look.size))  # big JPEGs: smaller
        upright = ImageOps.exif_transpose(image)
        side = min(upright.size)
        left, top = ((length - side) // 2 for length in upright.size)
        square = upright.crop((left, top, left + side, top + side))
        return np.ascontiguousarray(pixels_of(square, look))


def decode_all(files: Sequence[Path], look: Look) -> Pixels:
    """The pixels of several files (n, c, size, size), see `decode`."""
    return np.stack([decode(file, look) for file in files])


def _is_blank(file: Path, look: Look) -> bool:
    """Whether the background alone makes an image a single colour."""
    with opened(file) as image:
        seen = np.asarray(on_background(image, look).convert("RGB"))
        opaque = np.asarray(image.convert("RGBA"))[:, :, 3]
        return bool((opaque != opaque[0, 0]).any() and (seen == seen[0, 0]).all())


def stamp(files: tuple[Path, ...]) -> int:
    """Changes where a file is another one, or was written again."""
    states = (file.stat() for file in files)
    return hash(tuple((each.st_ino, each.st_size, each.st_mtime_ns) for each in states))


@contextmanager
def opened(file: Path) -> Iterator[Image.Image]:
    """The image in a file; what Pillow raises, as a DataError that names the file."""
    try:
        ignored = warnings.catch_warnings(action="ignore")  # about rare ways to store an image
        with ignored, Image.open(file, formats=FORMATS) as image:
            yield image
    except Exception as error:  # a broken file can raise anything here
        if isinstance(error, Image.DecompressionBombError):
            raise DataError(f"{file}: is too large an image ({error}); make it smaller") from None
        unknown = isinstance(error, UnidentifiedImageError)
        why = f"none of {', '.join(FORMATS)}" if unknown else str(error)
        raise DataError(f"{file}: is no whole image ({why}); replace or remove the file") from None
