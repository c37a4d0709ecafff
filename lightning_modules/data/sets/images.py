"""Images from folders: decoded once where they fit in memory, else when they are asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lightning_modules.data.readers.image_files import decode, stamp, with_whites
from lightning_modules.data.readers.image_folders import Labelled, new_files, read_folder
from lightning_modules.data.readers.image_pixels import Look
from lightning_modules.data.tensors import Part, Splits, TensorDataModule
from lightning_modules.files import user_path

Scaling = tuple[Sequence[float], Sequence[float]]
"""Mean and deviation per channel, of pixels from 0 to 1."""
CHUNK = 256
"""Images that are decoded at a time where not all of them are kept."""


class Pixels:
    """Images (n, c, h, w) in memory, of bytes or shares of white, given out scaled: a `Column`."""

    def __init__(self, pixels: Tensor, scaling: Scaling, identity: bytes | None = None) -> None:
        """`identity` stands for the content, unless that is the pixels themselves."""
        self.pixels = pixels
        self.scaling = scaling
        self.identity = identity

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.pixels.shape)

    def __getitem__(self, rows: Any) -> Tensor:
        return scaled(self.pixels[rows], self.scaling)

    def digest(self) -> bytes:
        content = self.identity or self.pixels.contiguous().numpy().tobytes()
        return hashlib.sha256(content + repr(self.scaling).encode()).digest()


class Files:
    """Images in files, decoded anew whenever they are asked for: a `Column`."""

    def __init__(self, files: Sequence[Path], look: Look, scaling: Scaling) -> None:
        self.files = files
        self.look = look
        self.scaling = scaling

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.files), self.look.channels, self.look.size, self.look.size)

    def __getitem__(self, rows: Any) -> Tensor:
        chosen = torch.arange(len(self.files))[rows].tolist()
        pixels = decoded([self.files[row] for row in chosen], self.look)
        return scaled(pixels, self.scaling)

    def digest(self) -> bytes:
        return hashlib.sha256(self.content + repr(self.scaling).encode()).digest()

    @cached_property
    def content(self) -> bytes:
        """Identity of the files."""
        return digest_of(self.files)


def images(
    *,
    path: str,
    size: int,
    color: str,
    background: str,
    cache: float,
    batch_size: int | str,
    validation: float,
    test: float,
    split_seed: int,
    stratify: bool,
    rare_classes: str,
    standardize: bool,
    balance: str,
    augment: Mapping[str, Any] | None,
) -> TensorDataModule:
    """The images of a folder with a folder per class.

    Raises DataError, when the data is asked for, where the folder or a file cannot be used.
    """

    def load() -> Splits:
        found = read_folder(
            path,
            validation=validation,
            test=test,
            split_seed=split_seed,
            stratify=stratify,
            rare_classes=rare_classes,
        )
        look = Look(size, color, background)
        return _splits(path, found, stamp(found.files), look, cache, standardize)

    return TensorDataModule("images", load, batch_size, balance=balance, augment=augment)


def read_new(path: str, preparation: Mapping[str, Any], /, **_: Any) -> tuple[Tensor]:
    """The image in a file, or those below a folder in the order of their names, as in training.

    Raises DataError where there is none, or where one is corrupt.
    """
    pixels = decoded(new_files(path), Look.of(preparation))
    return (scaled(pixels, (preparation["mean"], preparation["deviation"])),)


@lru_cache(maxsize=2)
def _splits(
    path: str, found: Labelled, stamped: int, look: Look, cache: float, standardized: bool
) -> Splits:
    """`stamped` tells files that were written again from those that are known."""
    train = found.parts[0]
    look = with_whites(look, found, stamped)
    bytes_needed = len(found.files) * look.channels * look.size**2 * (4 if look.is_deep else 1)
    fits = bytes_needed <= cache * 2**20
    everything = decoded(found.files, look) if fits else None

    def pixels(rows: Sequence[int]) -> Tensor:
        if everything is not None:
            return everything[torch.tensor(rows)]
        return decoded([found.files[row] for row in rows], look)

    scaling = unscaled(look.channels)
    if standardized:
        chunks = (train[start : start + CHUNK] for start in range(0, len(train), CHUNK))
        scaling = _moments(look, (pixels(chunk) for chunk in chunks))

    def part(rows: Sequence[int]) -> Part:
        files = [found.files[row] for row in rows]
        targets = torch.tensor([found.targets[row] for row in rows])
        if fits:
            return Pixels(pixels(rows), scaling, digest_of(files)), targets
        return Files(files, look, scaling), targets

    mean, deviation = scaling
    learned, validated, tested = (part(rows) for rows in found.parts)
    root = user_path(path)
    return Splits(
        learned,
        validated,
        tested,
        outputs=len(found.classes),
        classes=found.classes,
        preparation={**look.to_dict(), "mean": mean, "deviation": deviation},
        scaling=scaling,
        names={"file": [found.files[row].relative_to(root).as_posix() for row in found.parts[2]]},
    )


def _moments(look: Look, chunks: Iterable[Tensor]) -> Scaling:
    """Mean and deviation per channel of chunks (n, c, h, w); 1 in place of a deviation of 0."""
    if not look.is_deep:
        return moments_of(torch.stack([histogram(chunk) for chunk in chunks]).sum(0))
    sums = torch.zeros(3, look.channels, dtype=torch.float64)
    for chunk in chunks:
        values = chunk.double().transpose(0, 1).flatten(1)
        ones = torch.ones_like(values)
        sums += torch.stack([ones.sum(1), values.sum(1), values.square().sum(1)])
    mean = sums[1] / sums[0]
    deviation = (sums[2] / sums[0] - mean.square()).clamp(min=0).sqrt()
    return mean.tolist(), torch.where(deviation > 0, deviation, 1.0).tolist()


def decoded(files: Sequence[Path], look: Look) -> Tensor:
    """The images (n, c, size, size) of bytes, or of shares of white where `look` is deep."""
    kind = torch.float32 if look.is_deep else torch.uint8
    pixels = torch.empty(len(files), look.channels, look.size, look.size, dtype=kind)
    for row, file in enumerate(files):
        pixels[row] = torch.from_numpy(decode(file, look))
    return pixels


def scaled(pixels: Tensor, scaling: Scaling) -> Tensor:
    """Images (n, c, h, w) as floats, first from 0 to 1, then standardized."""
    mean, deviation = (torch.tensor(moment).view(-1, 1, 1) for moment in scaling)
    shares = pixels.float() / 255 if pixels.dtype == torch.uint8 else pixels
    return (shares - mean) / deviation


def unscaled(count: int) -> Scaling:
    """What leaves `count` channels as they are."""
    return [0.0] * count, [1.0] * count


def histogram(pixels: Tensor) -> Tensor:
    """How often each byte occurs in every channel of images (n, c, h, w): (c, 256)."""
    return torch.stack(
        [pixels[:, c].flatten().bincount(minlength=256) for c in range(pixels.shape[1])]
    )


def moments_of(counts: Tensor) -> Scaling:
    """Mean and deviation per channel from its histogram; 1 in place of a deviation of 0."""
    values = torch.arange(256, dtype=torch.float64) / 255
    shares = counts / counts.sum(1, keepdim=True, dtype=torch.float64)
    mean = shares @ values
    deviation = (shares * (values - mean[:, None]).square()).sum(1).sqrt()
    return mean.tolist(), torch.where(deviation > 0, deviation, 1.0).tolist()


def digest_of(files: Sequence[Path]) -> bytes:
    """Identity of the content of files."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.digest()
