"""Images from folders: decoded once where they fit in memory, else when they are asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lightning_modules.data.batches.columns import CPU, Bounds, Part, indexed
from lightning_modules.data.batches.loader_workers import LoaderWorkers
from lightning_modules.data.readers.image_files import decode_all, stamp, with_whites
from lightning_modules.data.readers.image_folders import Labelled, new_files, read_folder
from lightning_modules.data.readers.image_pixels import Look
from lightning_modules.data.tensors import Splits, TensorDataModule
from lightning_modules.files import user_path

Scaling = tuple[Sequence[float], Sequence[float]]
"""Mean and deviation per channel, of pixels from 0 to 1."""
CHUNK = 256
"""Images that are looked at together where not all of them are kept."""
PIECE, PIECE_BYTES = 16, 2**22
"""Images, and bytes of them, that a loader worker decodes at a time."""
AHEAD_BYTES = 2**28
"""Of images that loader workers decode before a training asks for them, at most."""


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

    @property
    def nbytes(self) -> int:
        return self.pixels.nbytes

    @property
    def device(self) -> torch.device:
        return self.pixels.device

    def to(self, device: torch.device) -> Pixels:
        return Pixels(self.pixels.to(device), self.scaling, self.identity)

    def __getitem__(self, rows: Any) -> Tensor:
        return scaled(self.pixels[rows], self.scaling)

    def batches(
        self, order: Tensor | None, bounds: Bounds, workers: LoaderWorkers
    ) -> Iterator[Tensor]:
        return indexed(self, order, bounds)

    def digest(self) -> bytes:
        content = self.identity or self.pixels.contiguous().numpy().tobytes()
        return hashlib.sha256(content + repr(self.scaling).encode()).digest()


class Files:
    """Images in files, decoded anew whenever they are asked for: a `Column`."""

    def __init__(
        self, files: Sequence[Path], look: Look, scaling: Scaling, device: torch.device = CPU
    ) -> None:
        """They are decoded on the CPU, and scaled on the `device`."""
        self.files = files
        self.look = look
        self.scaling = scaling
        self.device = device

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.files), self.look.channels, self.look.size, self.look.size)

    @property
    def nbytes(self) -> int:
        return 0

    def to(self, device: torch.device) -> Files:
        return Files(self.files, self.look, self.scaling, device)

    def __getitem__(self, rows: Any) -> Tensor:
        order = torch.arange(len(self.files))[rows]
        return next(self.batches(order, [(0, len(order))], LoaderWorkers()))

    def batches(
        self, order: Tensor | None, bounds: Bounds, workers: LoaderWorkers
    ) -> Iterator[Tensor]:
        rows = range(len(self.files)) if order is None else order.tolist()
        groups = [[self.files[row] for row in rows[start:end]] for start, end in bounds]
        for pixels in decoded(groups, self.look, workers, pinned=self.device != CPU):
            yield scaled(pixels.to(self.device, non_blocking=True), self.scaling)

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
    loader_workers: int | str,
) -> TensorDataModule:
    """The images of a folder with a folder per class; `loader_workers` are the processes that
    decode them, and `auto` is for whoever trains to say.

    Raises DataError, when the data is asked for, where the folder or a file cannot be used.
    """

    workers = LoaderWorkers(0 if isinstance(loader_workers, str) else loader_workers)

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
        with closing(workers):
            return _splits(path, found, stamp(found.files), look, cache, standardize, workers)

    return TensorDataModule(
        "images", load, batch_size, balance=balance, augment=augment, workers=workers
    )


def read_new(path: str, preparation: Mapping[str, Any], /, **_: Any) -> tuple[Tensor]:
    """The image in a file, or those below a folder in the order of their names, as in training.

    Raises DataError where there is none, or where one is corrupt.
    """
    pixels = next(decoded([new_files(path)], Look.of(preparation), LoaderWorkers()))
    return (scaled(pixels, (preparation["mean"], preparation["deviation"])),)


@lru_cache(maxsize=2)
def _splits(
    path: str,
    found: Labelled,
    stamped: int,
    look: Look,
    cache: float,
    standardized: bool,
    workers: LoaderWorkers,
) -> Splits:
    """`stamped` tells files that were written again from those that are known."""
    train = found.parts[0]
    look = with_whites(look, found, stamped)
    fits = len(found.files) * image_bytes(look) <= cache * 2**20
    everything = next(decoded([found.files], look, workers)) if fits else torch.empty(0)

    scaling = unscaled(look.channels)
    if standardized:
        chunks = [train[start : start + CHUNK] for start in range(0, len(train), CHUNK)]
        if fits:
            scaling = _moments(look, (everything[torch.tensor(chunk)] for chunk in chunks))
        else:
            groups = [[found.files[row] for row in chunk] for chunk in chunks]
            scaling = _moments(look, decoded(groups, look, workers))

    def part(rows: Sequence[int]) -> Part:
        files = [found.files[row] for row in rows]
        targets = torch.tensor([found.targets[row] for row in rows])
        if fits:
            return Pixels(everything[torch.tensor(rows)], scaling, digest_of(files)), targets
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


def decoded(
    groups: Sequence[Sequence[Path]], look: Look, workers: LoaderWorkers, pinned: bool = False
) -> Iterator[Tensor]:
    """The images (n, c, size, size) of each group of files, of bytes, or of shares of white where
    `look` is deep; `pinned` ones lie where a GPU can fetch them by itself.

    A group is decoded by several workers, and the next ones ahead of their turn.
    """
    each = max(1, min(PIECE, PIECE_BYTES // image_bytes(look)))
    pieces = (group[at : at + each] for group in groups for at in range(0, len(group), each))
    largest = -(-max(map(len, groups), default=0) // each) + 2 * workers.count
    ahead = max(2 * workers.count, min(largest, AHEAD_BYTES // (each * image_bytes(look))))
    arrays = workers.map(partial(decode_all, look=look), pieces, ahead)
    kind = torch.float32 if look.is_deep else torch.uint8
    for group in groups:
        sides = (len(group), look.channels, look.size, look.size)
        pixels = torch.empty(sides, dtype=kind, pin_memory=pinned)
        for at in range(0, len(group), each):
            pixels[at : at + each] = torch.from_numpy(next(arrays))
        yield pixels


def image_bytes(look: Look) -> int:
    """Bytes that a decoded image takes."""
    return look.channels * look.size**2 * (4 if look.is_deep else 1)


def scaled(pixels: Tensor, scaling: Scaling) -> Tensor:
    """Images (n, c, h, w) as floats, first from 0 to 1, then standardized."""
    mean, deviation = (
        torch.tensor(moment, device=pixels.device).view(-1, 1, 1) for moment in scaling
    )
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
