"""Milliseconds per epoch of the smallest networks beside a plain loop: `overhead.py --epochs`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from statistics import median
from typing import Any

import raw_loop
import torch
from rich.console import Console
from rich.table import Table
from rounds import medians, ratio, spread, turn

SMALLEST: list[list[int]] = [[], [16]]
"""Hidden layers of the networks that `--epochs` trains."""
SMALLEST_EPOCHS = 30
LEARNING_RATE = 1e-3


def measure_epochs(repeat: int, console: Console) -> dict[str, Any]:
    """Train the smallest networks both ways in turn, `repeat` times, and print ms per epoch."""
    torch.set_num_threads(1)
    data = raw_loop.digits()
    table = Table("hidden", title=f"ms per epoch, median of {SMALLEST_EPOCHS} epochs")
    for column in ("plain loop", "fairtune", "extra", "ratio"):
        table.add_column(column, justify="right")
    rows = []
    for hidden in SMALLEST:
        ways: dict[str, Callable[[Sequence[int]], list[float]]]
        ways = {"raw": partial(raw_epochs, data), "fairtune": fairtune_epochs}
        ms: dict[str, list[float]] = {way: [] for way in ways}
        for number in range(repeat):
            for way in turn(list(ways), number):
                ms[way].append(median(ways[way](hidden)))
        row = {
            "hidden": hidden,
            "ms": ms,
            "medians": medians(ms),
            "extra_ms": median(b - a for a, b in zip(ms["raw"], ms["fairtune"], strict=True)),
            "ratio": ratio(ms["fairtune"], ms["raw"]),
        }
        rows.append(row)
        cells = [spread(ms["raw"]), spread(ms["fairtune"])]
        table.add_row(str(hidden), *cells, f"{row['extra_ms']:.1f}", f"{row['ratio']:.2f}")
    console.print(table)
    return {"epochs": SMALLEST_EPOCHS, "rows": rows}


def raw_epochs(data: raw_loop.Digits, hidden: Sequence[int]) -> list[float]:
    """Milliseconds of every epoch of the plain loop but the first."""
    training = raw_loop.train(
        data, LEARNING_RATE, hidden=hidden, epochs=SMALLEST_EPOCHS, every_metric=True
    )
    return between([time.perf_counter() for _ in training])


def fairtune_epochs(hidden: Sequence[int]) -> list[float]:
    """Milliseconds of every epoch of fairtune but the first, from callback to callback."""
    from lightning_modules.configuration import Configuration
    from lightning_modules.training.train import train

    configuration = Configuration.resolve(
        {
            "data": {"name": "digits", "batch_size": raw_loop.BATCH_SIZE},
            "model": {"name": "mlp", "hidden": list(hidden), "activation": "relu"},
            "optimizer": {"name": "adam", "lr": LEARNING_RATE},
            "trainer": {"epochs": SMALLEST_EPOCHS, "accelerator": "cpu"},
        }
    )
    ends: list[float] = []

    def on_epoch(epoch: int, metrics: Mapping[str, float]) -> bool:
        ends.append(time.perf_counter())
        return True

    train(configuration, 0, on_epoch)
    return between(ends)


def between(times: Sequence[float]) -> list[float]:
    """Milliseconds between successive times in seconds."""
    return [1000 * (b - a) for a, b in pairwise(times)]
