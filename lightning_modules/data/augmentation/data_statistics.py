"""What changes of inputs need to know of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DataStatistics:
    """What a change may need to know of the data."""

    outputs: int
    """Classes, or values to predict."""
    mean: Tensor
    deviation: Tensor
    """Per channel, (c,): `inputs * deviation + mean` are the inputs before they were standardized;
    of images, from 0 to 1."""
