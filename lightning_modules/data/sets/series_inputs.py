"""Series as inputs: padded where lengths may differ, else as signals of one length.

A preparation is a plain dictionary: the names of the `channels`, their `mean` and `scale` over the
steps of the training part, and the `steps` of a signal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lightning_modules.data.readers.memory import require_memory
from lightning_modules.errors import DataError

SIGNAL = "signal"


def fit_series(
    kind: str, rows: Sequence[Any], channels: Sequence[str], standardize: bool
) -> dict[str, Any]:
    """The preparation that the series of the training part, each (t, channels), give."""
    mean, scale = np.zeros(len(channels)), np.ones(len(channels))
    if standardize:
        steps = np.concatenate(rows)
        mean, deviation = steps.mean(0), steps.std(0)
        scale = np.where(deviation > 0, deviation, 1.0)
    fitted = {"channels": list(channels), "mean": mean.tolist(), "scale": scale.tolist()}
    return {**fitted, "steps": len(rows[0])} if kind == SIGNAL else fitted


def inputs_of(
    parts: Mapping[str, Sequence[Any]], preparation: Mapping[str, Any]
) -> dict[str, tuple[Any, ...]]:
    """The inputs of every part, float32: of signals (n, channels, steps), else padded ones
    (n, longest, channels), 0 beyond the end of a series, and their lengths (n,)."""
    longest = max(len(row) for rows in parts.values() for row in rows)
    padded = {part: _padded(rows, preparation, longest) for part, rows in parts.items()}
    if "steps" not in preparation:
        return dict(padded)
    return {
        part: (np.ascontiguousarray(each.swapaxes(1, 2)),) for part, (each, _) in padded.items()
    }


def refuse_other_lengths(rows: Sequence[Any], steps: int, file: str) -> None:
    """Raise DataError where a series of a file has not this many steps, as signals have."""
    for place, row in enumerate(rows, start=1):
        if len(row) != steps:
            raise DataError(
                f"{file}: series {place} has {len(row)} steps, and others {steps}; signals have "
                "one length: cut them to it, or leave kind out"
            )


def length_notices(kind: str, parts: Mapping[str, Sequence[Any]]) -> list[str]:
    """That all series have one length, where nothing learns from that."""
    lengths = {len(row) for rows in parts.values() for row in rows}
    if kind == SIGNAL or len(lengths) > 1:
        return []
    return [
        f"all series have {lengths.pop()} steps: where it matters at which step something happens, "
        "write kind: signal, which cnn, mlp and others read"
    ]


def _padded(rows: Sequence[Any], preparation: Mapping[str, Any], longest: int) -> tuple[Any, Any]:
    mean, scale = (np.array(preparation[name]) for name in ("mean", "scale"))
    what = f"data: {len(rows):,} series, as long as the longest ({longest:,} steps),"
    require_memory(what, 4 * len(rows) * longest * len(mean))
    inputs = np.zeros((len(rows), longest, len(mean)), np.float32)
    for padded, row in zip(inputs, rows, strict=True):
        padded[: len(row)] = (row - mean) / scale
    return inputs, np.array([len(row) for row in rows], np.int64)
