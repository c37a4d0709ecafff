"""Image files that stand twice, in the training part and in another one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from lightning_modules.data.preparation.splitting import Division
from lightning_modules.data.readers.image_folders import Labelled

WHOLE = 2**30
"""Bytes that are read within seconds; where there is more to compare, it is not compared."""


def shared_images(found: Labelled) -> list[str]:
    """A sentence for every part with files whose bytes are those of a training file, whatever
    their names and classes. Only files of the same length are read."""
    train, *others = ([found.files[row] for row in rows] for rows in found.parts)
    lengths = {file: file.stat().st_size for file in found.files}
    common = {lengths[file] for file in train} & {lengths[file] for part in others for file in part}
    if sum(length for length in lengths.values() if length in common) > WHOLE:
        return []
    learned = {_digest(file): file for file in train if lengths[file] in common}
    said = []
    for name, part in zip(Division._fields[1:], others, strict=True):
        known = [file for file in part if lengths[file] in common and _digest(file) in learned]
        if known:
            said.append(_sentence(name, known, len(part), learned[_digest(known[0])]))
    return said


def _sentence(part: str, known: Sequence[Path], count: int, learned: Path) -> str:
    return (
        f"{len(known):,} of {count:,} images of the {part} part stand in the training part too "
        f"({known[0]} is {learned}), so that the part measures memory as well; remove what stands "
        "twice"
    )


def _digest(file: Path) -> bytes:
    return hashlib.sha256(file.read_bytes()).digest()
