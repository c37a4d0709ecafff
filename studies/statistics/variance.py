"""Where the uncertainty of a value comes from: the seed, the split, the configuration.

Method-of-moments components of variance: unbiased for the variances, so that their square roots
are slightly low (by 1 / (4 f) for f degrees of freedom: 6 % for 4). A component estimated below
zero is reported as zero. No distribution is assumed.

Sources: Searle, Casella and McCulloch 1992, chapter 5 (Henderson's method 3); Bouthillier et al.
2021 (arXiv 2103.03098) for the sources of variation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studies.statistics.intervals import Array


@dataclass(frozen=True)
class TwoWay:
    """Standard deviations by source, in the unit of the values; NaN where not estimable."""

    sd_configuration: float
    sd_split: float
    residual: float
    """What neither explains: the seed and the interaction of configuration and split."""
    configurations: int
    splits: int
    count: int
    """Values, one for each (configuration, split) that was run."""


def pooled_sd(groups: Sequence[Sequence[float]]) -> float:
    """The standard deviation within groups: of the seeds, over configurations or arms.

    sqrt(sum of squares around the groups' means / sum of (n_i - 1)). Groups of one say nothing;
    NaN without any group of two. Raises ValueError for values that are not finite.
    """
    squares, freedom = 0.0, 0
    for group in groups:
        y = _finite(group)
        if len(y) > 1:
            squares += float(((y - y.mean()) ** 2).sum())
            freedom += len(y) - 1
    return math.sqrt(squares / freedom) if freedom else math.nan


def two_way(values: Mapping[tuple[str, int], float]) -> TwoWay:
    """The model value = mean + configuration + split + residual, by least squares.

    `values`: {(configuration, split): value}, cells may be missing. The sum of squares that one
    factor explains after the other has the expectation f residual^2 + t sd^2, f its degrees of
    freedom and t the number of values less the number of levels of the other factor; solved for
    sd. Balanced, that is the textbook's (mean square - residual mean square) / levels.

    The residual needs more values than the levels explain, such as two configurations on the same
    two splits. A factor's sd needs the residual, and two of its levels on one level of the other.
    Raises ValueError for values that are not finite.
    """
    y = _finite(list(values.values()))
    configuration = _levels([key[0] for key in values])
    split = _levels([key[1] for key in values])
    counts = (_count(configuration), _count(split))
    rest, rank = _residual_squares(y, configuration, split)
    freedom = len(y) - rank
    variance = rest / freedom if freedom > 0 else math.nan

    def component(other: npt.NDArray[np.intp], levels_of_other: int) -> float:
        explained = _squares_within(y, other) - rest
        own = rank - levels_of_other
        if own < 1 or math.isnan(variance):
            return math.nan
        return math.sqrt(max(0.0, (explained - own * variance) / (len(y) - levels_of_other)))

    return TwoWay(
        sd_configuration=component(split, counts[1]),
        sd_split=component(configuration, counts[0]),
        residual=math.sqrt(variance),
        configurations=counts[0],
        splits=counts[1],
        count=len(y),
    )


def _residual_squares(
    y: Array, configuration: npt.NDArray[np.intp], split: npt.NDArray[np.intp]
) -> tuple[float, int]:
    """The sum of squares that both factors leave, and the rank of their design."""
    if not len(y):
        return 0.0, 0
    design = np.hstack([np.eye(_count(f))[f] for f in (configuration, split)])
    centred = y - y.mean()  # the mean is in the span of either factor
    fitted, _, rank, _ = np.linalg.lstsq(design, centred, rcond=None)
    return float(((centred - design @ fitted) ** 2).sum()), int(rank)


def _squares_within(y: Array, levels: npt.NDArray[np.intp]) -> float:
    sizes = np.bincount(levels)
    means = np.bincount(levels, weights=y) / sizes
    return float(((y - means[levels]) ** 2).sum())


def _levels(names: Sequence[str] | Sequence[int]) -> npt.NDArray[np.intp]:
    numbers = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.intp)


def _count(levels: npt.NDArray[np.intp]) -> int:
    return int(levels.max()) + 1 if len(levels) else 0


def _finite(values: Sequence[float]) -> Array:
    y = np.asarray(values, dtype=np.float64)
    if not np.isfinite(y).all():
        raise ValueError(f"values must be finite, got {y.tolist()}")
    return y
