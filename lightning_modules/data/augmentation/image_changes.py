"""What augmentation does to batches of images (n, c, h, w), with other random numbers for each.

The functions take a batch (inputs, targets) and the `DataStatistics` of its data and give the new
batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.transforms import v2

from lightning_modules.data.augmentation.data_statistics import DataStatistics
from lightning_modules.errors import DataError

Batch = tuple[Tensor, ...]
BatchChange = Callable[[Batch, DataStatistics], Batch]


def flip(p: float, axis: int) -> BatchChange:
    """Mirror an image along `axis` with probability `p`."""

    def change(batch: Batch, facts: DataStatistics) -> Batch:
        inputs, targets = batch
        chosen = torch.rand(len(inputs)) < p
        inputs[chosen] = inputs[chosen].flip(axis)
        return inputs, targets

    return change


def crop(padding: int) -> BatchChange:
    """Cut a piece of the old size out of the image with a black border of `padding` pixels."""

    def change(batch: Batch, facts: DataStatistics) -> Batch:
        inputs, targets = batch
        count, _, height, width = inputs.shape
        black = _black(facts)
        bordered = functional.pad(inputs - black, [padding] * 4)
        top, left = torch.randint(2 * padding + 1, (2, count, 1))
        rows = (top + torch.arange(height))[:, :, None]
        columns = (left + torch.arange(width))[:, None, :]
        images = torch.arange(count)[:, None, None]
        # (n, h, w, c), since the channels are not indexed
        pieces = bordered.permute(0, 2, 3, 1)[images, rows, columns]
        return pieces.permute(0, 3, 1, 2) + black, targets

    return change


def rotation(degrees: float) -> BatchChange:
    """Turn an image by up to `degrees`, bilinear, black where nothing is known."""

    def change(batch: Batch, facts: DataStatistics) -> Batch:
        inputs, targets = batch
        count, _, height, width = inputs.shape
        angle = torch.deg2rad((2 * torch.rand(count) - 1) * degrees)
        sine, cosine, zero = angle.sin(), angle.cos(), torch.zeros(count)
        # the grid's units are half a width and half a height
        rows = [cosine, -sine * height / width, zero, sine * width / height, cosine, zero]
        turn = torch.stack(rows, dim=1).view(count, 2, 3)
        grid = functional.affine_grid(turn, list(inputs.shape), align_corners=False)
        black = _black(facts)
        return functional.grid_sample(inputs - black, grid, align_corners=False) + black, targets

    return change


def color_jitter(brightness: float, contrast: float, saturation: float, hue: float) -> BatchChange:
    """Other colours for each image.

    Raises DataError where saturation or hue are asked for and the images have no colours.
    """
    jitter = v2.ColorJitter(brightness, contrast, saturation, hue)

    def change(batch: Batch, facts: DataStatistics) -> Batch:
        inputs, targets = batch
        if inputs.shape[1] == 1 and (saturation or hue):
            raise DataError(
                "data.augment.color_jitter: gray images have no saturation and no hue; set both "
                "to 0"
            )
        pixels = (inputs * _deviation(facts) + _mean(facts)).clamp_(0, 1)
        return _standardized(_each(jitter, pixels), facts), targets

    return change


def in_bytes(name: str, **parameters: Any) -> BatchChange:
    """A transform of torchvision's by its name, which changes each image as bytes of 0 to 255."""
    transform = getattr(v2, name)(**parameters)

    def change(batch: Batch, facts: DataStatistics) -> Batch:
        inputs, targets = batch
        pixels = (inputs * _deviation(facts) + _mean(facts)).clamp_(0, 1)
        changed = _each(transform, (pixels * 255).round_().to(torch.uint8))
        return _standardized(changed.float() / 255, facts), targets

    return change


def erasing(p: float, scale: Sequence[float], ratio: Sequence[float]) -> BatchChange:
    """Set a rectangle of an image to zero with probability `p`."""
    erase = v2.RandomErasing(1.0, tuple(scale), tuple(ratio))

    def change(batch: Batch, facts: DataStatistics) -> Batch:
        inputs, targets = batch
        chosen = torch.rand(len(inputs)) < p
        if chosen.any():
            inputs[chosen] = _each(erase, inputs[chosen])
        return inputs, targets

    return change


def mixing(name: str, alpha: float) -> BatchChange:
    """Mix every image and its target (n,) with another one, by torchvision's `MixUp` or `CutMix`;
    targets become (n, classes)."""
    transform = getattr(v2, name)

    def change(batch: Batch, facts: DataStatistics) -> Batch:
        inputs, targets = batch
        mixed: Batch = transform(alpha=alpha, num_classes=facts.outputs)(inputs, targets)
        return mixed

    return change


def _each(transform: Callable[[Any], Any], images: Tensor) -> Tensor:
    """A transform that draws random numbers once per call, called for each image."""
    return torch.stack([transform(image) for image in images])


def _mean(facts: DataStatistics) -> Tensor:
    return facts.mean.view(-1, 1, 1)


def _deviation(facts: DataStatistics) -> Tensor:
    return facts.deviation.view(-1, 1, 1)


def _black(facts: DataStatistics) -> Tensor:
    return _standardized(torch.zeros(1, 1, 1), facts)


def _standardized(pixels: Tensor, facts: DataStatistics) -> Tensor:
    return (pixels - _mean(facts)) / _deviation(facts)
