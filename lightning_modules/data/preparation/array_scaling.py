"""Arrays of rows, scaled by the moments of those that train."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def fit_array(rows: Array, standardize: bool) -> dict[str, Any]:
    """Mean and scale of every column or channel, the largest value, and the shape of a row."""
    wide = rows.shape[1]
    mean, scale = np.zeros(wide), np.ones(wide)
    if standardize:
        axes = (0, *range(2, rows.ndim))
        mean = rows.mean(axes, dtype=np.float64)
        deviation = rows.std(axes, dtype=np.float64)
        scale = np.where(deviation > 0, deviation, 1.0)
    largest = float(rows.max())
    return {
        "mean": mean.tolist(),
        "scale": scale.tolist(),
        "brightest": largest if largest > 0 else 1.0,
        "low": rows.min((0, *range(2, rows.ndim))).tolist(),
        "high": rows.max((0, *range(2, rows.ndim))).tolist(),
        "shape": list(rows.shape[1:]),
    }


def scale_array(rows: Array, preparation: Mapping[str, Any]) -> Array:
    """Rows (n, wide, ...) with the mean and scale of a preparation, float32."""
    wide = (1, -1, *(1 for _ in rows.shape[2:]))
    mean, scale = (np.array(preparation[name]).reshape(wide) for name in ("mean", "scale"))
    scaled: Array = ((rows - mean) / scale).astype(np.float32)
    return scaled
