"""Tuning curves: the best value of a random search as its number of trials grows.

Only for *random* search: its trials are independent draws from one distribution. The trials of a
guided, pruned or grid search are not, and these formulas would say something wrong about them.

A diverged trial (NaN or infinite) has the worst possible value: in the median curve and its band,
where only the order counts, worse than every number. An expected value needs a number, and
infinity is never averaged: there a diverged trial counts as `diverged_as`, by default the worst
finite value that the search found.

Sources: Tang et al. 2020 (arXiv 2004.13705) for U_n; Lourie et al. 2024 (arXiv 2311.09480) for the
median curve and its simultaneous bands.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from studies.statistics.goals import Goal, sign_of
from studies.statistics.intervals import Array

BandMethod = Literal["ld_highest_density", "ld_equal_tailed", "dkw"]


@dataclass(frozen=True)
class TuningCurve:
    """The median best value of n random trials with a simultaneous band; arrays of shape (k,)."""

    ns: npt.NDArray[np.int64]
    low: Array
    median: Array
    high: Array
    """Numerically low <= median <= high for both goals; infinite where nothing is known."""
    valid_until: int
    """The largest n at which the optimistic side of the band is a value that was observed."""
    confidence: float
    method: BandMethod


def expected_best_unbiased(
    values: npt.ArrayLike,
    ns: npt.ArrayLike,
    goal: Goal = "maximize",
    *,
    diverged_as: float | None = None,
) -> Array:
    """U_n, the mean best over all n-subsets of the N values; result of shape (k,).

    U_n = sum_{i>=n} C(i-1, n-1) / C(N, n) y_(i) (Tang 2020), unbiased. More draws than
    values raise ValueError. All trials diverged: NaN.
    """
    y, sign = _sorted(values, goal, diverged_as)
    n, i = _counts(ns)[:, None], np.arange(1, len(y) + 1)
    if (n > len(y)).any():
        raise ValueError(f"n must be at most the number of values {len(y)}, got {n.max()}")
    chosen = _log_binomial(np.maximum(i - 1, n - 1), n - 1) - _log_binomial(len(y), n)
    weights = np.where(i >= n, np.exp(chosen), 0.0)
    return sign * (weights @ y)


def median_curve_band(
    values: npt.ArrayLike,
    ns: npt.ArrayLike,
    goal: Goal = "maximize",
    *,
    confidence: float = 0.8,
    method: BandMethod = "ld_equal_tailed",
    bounds: tuple[float, float] = (-np.inf, np.inf),
    rng: np.random.Generator,
) -> TuningCurve:
    """The median best of n random trials, T(n) = F^-1(0.5^(1/n)), with a simultaneous band.

    The band holds for all n together with probability `confidence` (Lourie 2024), whatever the
    distribution; ties make it conservative. With N trials an 80 % band is informative up to about
    n = N/7 (`valid_until` is exact); beyond, its optimistic side is the bound of the metric's
    range, `bounds`. `dkw` needs no simulation and reaches to n = 0.6 sqrt(N) only. The simulation
    of the others takes 0.02 s (equal tailed) to 0.2 s (highest density) per value; opda keeps it
    for further arms of equally many trials, if they pass the same `rng`.
    """
    from opda.nonparametric import EmpiricalDistribution

    sign = sign_of(goal)
    y = sign * np.asarray(values, dtype=np.float64)
    if not np.isfinite(y).any():
        raise ValueError("a tuning curve needs a trial with a finite value")
    y[~np.isfinite(y)] = -np.inf
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Duplicates detected", RuntimeWarning)
        lower, point, upper = EmpiricalDistribution.confidence_bands(
            y, confidence, generator=rng, method=method, n_jobs=1
        )
    n = _counts(ns)
    reach = lower.quantile_tuning_curve(np.arange(1, len(y) + 1))
    sides = [np.clip(sign * c.quantile_tuning_curve(n), *bounds) for c in (upper, point, lower)]
    pessimistic, median, optimistic = sides
    low, high = (pessimistic, optimistic) if sign > 0 else (optimistic, pessimistic)
    valid_until = int((reach <= y.max()).sum())
    return TuningCurve(n, low, median, high, valid_until, confidence, method)


def _sorted(values: npt.ArrayLike, goal: Goal, diverged_as: float | None) -> tuple[Array, float]:
    """The values from the worst to the best, larger being better, and the sign that undoes it."""
    sign = sign_of(goal)
    y = sign * np.asarray(values, dtype=np.float64)
    if y.ndim != 1 or not len(y):
        raise ValueError(f"values must be one-dimensional and not empty, got shape {y.shape}")
    finite = np.isfinite(y)
    worst = y[finite].min() if finite.any() else np.nan
    y[~finite] = worst if diverged_as is None else sign * diverged_as
    return np.sort(y), sign


def _counts(ns: npt.ArrayLike) -> npt.NDArray[np.int64]:
    counts = np.atleast_1d(np.asarray(ns, dtype=np.int64))
    if (counts < 1).any():
        raise ValueError(f"n must be at least 1, got {counts.min()}")
    return counts


def _log_binomial(n: npt.ArrayLike, k: npt.ArrayLike) -> Array:
    n, k = np.asarray(n, dtype=np.float64), np.asarray(k, dtype=np.float64)
    logarithm: Array = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return logarithm
