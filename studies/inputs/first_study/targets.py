"""What there is to predict: classes or numbers, and why one thinks so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

FEW = 20
"""Whole numbers of so few values are taken for classes."""


@dataclass(frozen=True)
class FirstData:
    """A section `data`, and why it is as it is."""

    section: dict[str, Any]
    reasons: Sequence[str] = ()


def target_task(values: Any, what: str) -> tuple[str, str]:
    """Classification or regression, for targets (n,) or (n, k), and a sentence that says why."""
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        return "classification", f"{what} holds classes."
    if array.ndim > 1 and array.shape[1] > 1:
        return "regression", f"{what} holds several numbers a row."
    known = array[np.isfinite(array)]
    count = len(np.unique(known))
    if count > FEW or bool((known != np.round(known)).any()):
        return "regression", f"{what} holds numbers."
    return "classification", (
        f"{what} holds {count} whole numbers, which are taken for classes; `task: regression` "
        "predicts the number."
    )
