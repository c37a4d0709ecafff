"""The floor: the benchmark's trainings as a plain PyTorch loop, without tracking or Lightning.

Run it to train the 12 configurations, or with `--epochs` as many random ones as fit into so many
epochs, each to its end; the last line of output is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn import functional

LEARNING_RATES = [round(10 ** (-4 + 3 * i / 11), 8) for i in range(12)]
HIDDEN = (100, 100)
BATCH_SIZE = 64
EPOCHS = 10
SPACE = {"lr": (1e-4, 1e-1), "weight_decay": (1e-6, 1e-2)}
"""What a search with a budget in epochs chooses from, both on a logarithmic scale."""
WARMUP = 3
"""Epochs of every trial of such a search that are not pruned."""


@dataclass(frozen=True)
class Digits:
    """Standardized inputs (n, 64) and classes (n,) of the training and the validation part."""

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]


def digits() -> Digits:
    """Digits, split 60/20/20 by class; the test part is not used here.

    The same rows and scaling as fairtune's `data: {name: digits}`.
    """
    inputs, targets = load_digits(return_X_y=True)
    rest, _, rest_targets, _ = train_test_split(
        inputs, targets, test_size=0.2, random_state=0, stratify=targets
    )
    train, validation, train_targets, validation_targets = train_test_split(
        rest, rest_targets, test_size=0.25, random_state=0, stratify=rest_targets
    )
    mean, deviation = train.mean(), train.std()

    def part(inputs: Any, targets: Any) -> tuple[Tensor, Tensor]:
        x = torch.tensor((inputs - mean) / deviation, dtype=torch.float32)
        return x, torch.tensor(targets, dtype=torch.int64)

    return Digits(part(train, train_targets), part(validation, validation_targets))


def mlp(hidden: Sequence[int]) -> nn.Sequential:
    """Fully connected layers with relu between them, 64 inputs, 10 classes."""
    layers: list[nn.Module] = []
    width = 64
    for units in hidden:
        layers += [nn.Linear(width, units), nn.ReLU()]
        width = units
    return nn.Sequential(*layers, nn.Linear(width, 10))


def train_epoch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    data: Digits,
    *,
    every_metric: bool = False,
) -> dict[str, float]:
    """Train for an epoch and give its metrics.

    Validation accuracy alone, or with `every_metric` loss and accuracy of the training part, as it
    trains, and of the validation part.
    """
    inputs, targets = data.train
    network.train()
    order = torch.randperm(len(inputs))
    loss_sum, right = torch.zeros(()), torch.zeros((), dtype=torch.int64)
    for start in range(0, len(order), BATCH_SIZE):
        rows = order[start : start + BATCH_SIZE]
        y = targets[rows]
        optimizer.zero_grad()
        logits = network(inputs[rows])
        loss = functional.cross_entropy(logits, y)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if every_metric:
            loss_sum += loss.detach() * len(rows)
            right += (logits.detach().argmax(1) == y).sum()
    network.eval()
    with torch.no_grad():
        logits = network(data.validation[0])
        metrics = {"val/accuracy": (logits.argmax(1) == data.validation[1]).float().mean().item()}
        if every_metric:
            metrics |= {
                "val/loss": functional.cross_entropy(logits, data.validation[1]).item(),
                "train/loss": loss_sum.item() / len(inputs),
                "train/accuracy": right.item() / len(inputs),
            }
    return metrics


def train(
    data: Digits,
    lr: float,
    weight_decay: float = 0.0,
    *,
    hidden: Sequence[int] = HIDDEN,
    epochs: int = EPOCHS,
    seed: int = 0,
    every_metric: bool = False,
) -> Iterator[dict[str, float]]:
    """Train and give every epoch's metrics."""
    torch.manual_seed(seed)
    network = mlp(hidden)
    optimizer = torch.optim.Adam(network.parameters(), lr=lr, weight_decay=weight_decay)
    for _ in range(epochs):
        yield train_epoch(network, optimizer, data, every_metric=every_metric)


def drawn(trials: int, seed: int) -> list[dict[str, float]]:
    """Random configurations of the space of the search, drawn on its logarithmic scale."""
    rng = random.Random(seed)
    return [
        {name: low * (high / low) ** rng.random() for name, (low, high) in SPACE.items()}
        for _ in range(trials)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, help="search with this budget")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    configurations = [{"lr": lr} for lr in LEARNING_RATES]
    if options.epochs is not None:
        configurations = drawn(options.epochs // EPOCHS, options.seed)
    data = digits()
    began = time.perf_counter()
    curves = [list(train(data, **configuration)) for configuration in configurations]
    seconds = time.perf_counter() - began
    best = max(epoch["val/accuracy"] for curve in curves for epoch in curve)
    epochs = sum(len(curve) for curve in curves)
    print(
        json.dumps(
            {"tuning_seconds": seconds, "trials": len(curves), "epochs": epochs, "best": best}
        )
    )


if __name__ == "__main__":
    main()
