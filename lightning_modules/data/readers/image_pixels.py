"""The pixels of one image as numbers: transparency laid on a background, deep levels kept.

Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from PIL import Image

MODES = {"rgb": "RGB", "gray": "L", "rgba": "RGBA"}
CHANNELS = {"rgb": 3, "gray": 1, "rgba": 4}
INTEGERS, FLOATS = "integers", "floats"
"""The two kinds of deep files: 16 bits or more a pixel, and floating-point numbers."""
WHITES = {INTEGERS: (2.0**12 - 1, 2.0**16 - 1), FLOATS: (1.0, 2.0**8 - 1, 2.0**16 - 1)}
"""What the largest value of a set may be meant to reach: the least of these that it fits."""
FULL = {INTEGERS: 2.0**16 - 1, FLOATS: 1.0}
"""What is white in a deep file where no such file was learned from."""

Pixels = np.ndarray[tuple[int, ...], np.dtype[Any]]


@dataclass(frozen=True)
class Look:
    """How images become numbers: the same for those that are learned from and for new ones."""

    size: int
    color: str
    background: str | None
    """What transparent pixels show. None in networks that were trained before it could be chosen:
    they saw the colours under the transparency, and the upper 8 of 16 bits."""
    integers: float | None = None
    """The value that is white in deep files of integers; None where none was learned from."""
    floats: float | None = None
    """The same of floating-point files."""

    @classmethod
    def of(cls, preparation: Mapping[str, Any]) -> Look:
        """How the network was shown the images that it learned from."""
        known: dict[str, Any] = {each.name: preparation.get(each.name) for each in fields(cls)}
        return cls(**known)

    def to_dict(self) -> dict[str, Any]:
        """The same in plain values."""
        return asdict(self)

    @property
    def channels(self) -> int:
        """Numbers of a pixel."""
        return CHANNELS[self.color]

    @property
    def is_deep(self) -> bool:
        """Whether pixels are kept as shares of white, in place of bytes."""
        return self.integers is not None or self.floats is not None


def pixels_of(square: Image.Image, look: Look) -> Pixels:
    """A square image as (channels, size, size): bytes, or shares of white where `look` is deep.

    Raises ValueError where it holds values that are no finite numbers.
    """
    kind = deep_kind(square)
    if kind and look.background is not None:
        shares = _shares(square, kind, look)
        return shares if look.is_deep else (shares * 255).round().clip(0, 255).astype(np.uint8)
    if square.mode.startswith("I;16"):
        square = Image.fromarray((np.asarray(square) >> 8).astype(np.uint8))
    flat = on_background(square, look).convert(MODES[look.color])
    resized = flat.resize((look.size, look.size), Image.Resampling.BILINEAR)
    found = np.array(resized).reshape(look.size, look.size, -1).transpose(2, 0, 1)
    return (found / np.float32(255)).astype(np.float32) if look.is_deep else found


def on_background(image: Image.Image, look: Look) -> Image.Image:
    """The image without transparency; with four channels only what nobody sees is made black."""
    if look.background is None or not image.has_transparency_data:
        return image
    under = (0, 0, 0, 0) if look.color == "rgba" else look.background
    return Image.alpha_composite(Image.new("RGBA", image.size, under), image.convert("RGBA"))


def deep_kind(image: Image.Image) -> str:
    """`integers` or `floats` where a pixel holds more than bytes can, else empty."""
    return {"I": INTEGERS, "F": FLOATS}.get(image.mode[0], "")


def white_of(kind: str, largest: float) -> float:
    """What is white in deep files whose largest value is this."""
    return next((white for white in WHITES[kind] if largest <= white), largest)


def values_of(image: Image.Image) -> Pixels:
    """The values (h, w) of a deep image; raises ValueError where one is no finite number."""
    values = np.asarray(image).astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError("it holds values that are no finite numbers")
    return values


def _shares(square: Image.Image, kind: str, look: Look) -> Pixels:
    """A deep image as shares of white (channels, size, size)."""
    values = values_of(square)
    shares = values / np.float32(getattr(look, kind) or FULL[kind])
    hidden = values == square.info.get("transparency", np.nan)
    if hidden.any() and look.color == "rgba":
        shares[hidden] = 0
    elif hidden.any():
        gray = Image.new("RGB", (1, 1), look.background).convert("L")
        shares[hidden] = np.asarray(gray)[0, 0] / 255
    resized = _resized(shares, look.size)
    if look.color != "rgba":
        return np.repeat(resized[None], look.channels, axis=0)
    opaque = _resized((~hidden).astype(np.float32), look.size)
    return np.stack([resized, resized, resized, opaque])


def _resized(values: Pixels, size: int) -> Pixels:
    image = Image.fromarray(values).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(image)
