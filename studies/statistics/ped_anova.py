"""PED-ANOVA (Watanabe 2023, arXiv:2304.10255), as Optuna has it: how differently a parameter is
spread among the best tenth of the trials than among all of them.

The same numbers as Optuna's evaluator, whose package loads scikit-learn first, which takes seconds.
Where not every trial has a parameter, its share is that of its own trials (arXiv:2601.20800).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from studies.statistics.intervals import Array

BEST = 0.1
STEPS = 50
"""Bins of a range; Scott's rule smooths over them."""
FEWEST = 2
"""Trials with a parameter below which it is left out."""
NARROWEST = 0.5 / 1.64
"""Bins that a kernel is wide at least: nine tenths of it are then in one."""


@dataclass(frozen=True)
class Binned:
    """One parameter: the bin of every trial, -1 where the trial does not have it."""

    bins: npt.NDArray[np.intp]
    count: int
    ordered: bool
    """Whether the bins are those of a range, not choices."""


def binned(kind: Any, values: Sequence[Any]) -> Binned:
    """The values of a parameter, None for a trial without it; `kind` is Optuna's distribution."""
    if hasattr(kind, "choices"):
        bins = [-1 if value is None else int(kind.to_internal_repr(value)) for value in values]
        return Binned(np.array(bins), len(kind.choices), ordered=False)
    count = _steps(kind)
    low, high = (math.log(kind.low), math.log(kind.high)) if kind.log else (kind.low, kind.high)
    known = np.array([math.nan if value is None else value for value in values], dtype=float)
    at = ((np.log(known) if kind.log else known) - low) / ((high - low) / (count - 1))
    places = np.clip(np.ceil(at - 0.5), 0, count - 1)
    return Binned(np.nan_to_num(places, nan=-1).astype(int), count, ordered=True)


def _steps(kind: Any) -> int:
    if kind.log and isinstance(kind.low, int):
        return min(math.ceil(math.log(kind.high - kind.low + 1) / math.log(2)) + 1, STEPS)
    return min(round((kind.high - kind.low) / kind.step) + 1, STEPS) if kind.step else STEPS


def evaluate(parameters: Mapping[str, Binned], losses: Array) -> dict[str, float]:
    """The importance of every parameter; the lower a loss, the better."""
    cut = math.ceil(BEST * len(losses)) - 1
    best = losses <= np.partition(losses, cut)[cut]
    found = {name: _importance(each, best) for name, each in parameters.items()}
    return dict(sorted(found.items(), key=lambda item: item[1], reverse=True))


def _importance(parameter: Binned, best: npt.NDArray[np.bool_]) -> float:
    has = parameter.bins >= 0
    among_best = int((has & best).sum())
    if has.sum() < FEWEST or not among_best:
        return 0.0
    top, every = (
        _density(np.bincount(parameter.bins[which], minlength=parameter.count), parameter.ordered)
        for which in (has & best, has)
    )
    divergence = float(every @ ((top / every - 1) ** 2))
    shares = among_best / best.sum(), has.mean()
    return float(shares[0] ** 2 / shares[1] * best.mean() ** 2 * divergence)


def _density(counts: npt.NDArray[np.intp], ordered: bool) -> Array:
    """The share of every bin, smoothed: a kernel for every bin that was met, and a wide one."""
    met = np.flatnonzero(counts)
    weights = np.append(counts[met], 1.0)
    kernels = _normal_kernels(met, counts[met], len(counts)) if ordered else _choices(met, counts)
    density: Array = weights / weights.sum() @ kernels + 1e-12
    return density


def _choices(met: npt.NDArray[np.intp], counts: npt.NDArray[np.intp]) -> Array:
    kernels = np.full((len(met) + 1, len(counts)), 1 / (len(met) + 1))
    kernels[np.arange(len(met)), met] += 1
    rows: Array = kernels / kernels.sum(axis=1, keepdims=True)
    return rows


def _normal_kernels(met: npt.NDArray[np.intp], weights: npt.NDArray[np.intp], count: int) -> Array:
    """Normal distributions around the bins, cut off at the ends; shape (bins met + 1, bins)."""
    width = max(_scott(met, weights), NARROWEST)
    centres = np.append(met, (count - 1) / 2)[:, None]
    widths = np.append(np.full(len(met), width), count)[:, None]
    below = special.ndtr((np.arange(count + 1) - 0.5 - centres) / widths)
    kernels: Array = np.diff(below, axis=1) / (below[:, -1:] - below[:, :1])
    return kernels


def _scott(met: npt.NDArray[np.intp], weights: npt.NDArray[np.intp]) -> float:
    """The width of kernels by Scott's rule, from the spread or the quartiles."""
    total, up_to = weights.sum(), np.cumsum(weights)
    mean = met @ weights / total
    spread = math.sqrt((met - mean) ** 2 @ weights / max(1, total - 1))
    first = np.searchsorted(up_to, total // 4, side="left")
    third = min(len(met) - 1, int(np.searchsorted(up_to, total * 3 // 4, side="right")))
    return float(1.059 * min((met[third] - met[first]) / 1.34, spread) * total**-0.2)
