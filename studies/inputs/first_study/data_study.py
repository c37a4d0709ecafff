"""A first study file for a file of data, or a folder of images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning_modules.components import resolve_component
from lightning_modules.data.preparation.summary import DataSummary, summary_lines
from lightning_modules.data.table import DATASETS
from lightning_modules.errors import DataError
from lightning_modules.optimization.losses import DEFAULT_LOSS
from studies.inputs.first_study.blocks import Block, name_of, text_of
from studies.inputs.first_study.data_section import first_data

STEPS = 10
"""Steps of an epoch, at least."""
TAUGHT = 3000
"""Steps that a training of these files is given, about."""
UNEVEN = 3
"""So many times the rows of the smallest class, the largest is what accuracy speaks of."""


def data_study(
    path: Path, targets: Sequence[str], task: str | None, overrides: Sequence[str]
) -> tuple[str, DataSummary]:
    """The text of a study file for the data at `path`, and what the data becomes.

    Raises UserError where the data cannot be used, or no target is named and one is needed.
    """
    found = first_data(path, targets, task, overrides)
    row, parameters = resolve_component(DATASETS, found.section, "data set")
    if row.check is None:
        raise DataError(f"{path}: no data set reads it")
    summary = row.check(**parameters)
    assert isinstance(summary, DataSummary)
    kind = row.kind_of(found.section)
    batch_size = batch_size_for(summary.rows["train"])
    section = {**found.section, "batch_size": batch_size}
    task = found.section.get("task", row.task_of(found.section))
    said = [line.strip() for line in summary_lines(summary)]
    name = name_of(path)
    return text_of([
        Block([f"A first study of {path}: which settings of a small network suit it best? Next: "
               f"`fairtune check {name}.yaml` shows the plan, `fairtune run {name}.yaml` runs it, "
               f"`fairtune best {name}` prints the configuration to use."],
              {"study": name}),
        Block(["The data, and what it becomes. The path starts from the folder in which fairtune "
               "runs.", *said, *found.reasons,
               f"{batch_size} rows a step are at least {STEPS} steps an epoch."],
              {"data": section}),
        Block([NETWORKS_SAID[kind]], _network(kind, summary)),
        *_training(task, kind, summary, batch_size),
    ]), summary  # fmt: skip


def batch_size_for(rows: int) -> int:
    """The largest power of two that gives `STEPS` steps of an epoch, from 1 to 256."""
    size = 256
    while size > 1 and rows < size * STEPS:
        size //= 2
    return size


def epochs_for(rows: int, batch_size: int) -> int:
    """Epochs of about `TAUGHT` steps: more for few rows, 10 to 40."""
    return max(10, min(40, TAUGHT * batch_size // max(rows, 1)))


NETWORKS_SAID = {
    "table": "A network of fully connected layers. `hidden: []` is a linear model. Next: write "
    "`activation: {values: [relu, gelu]}`, or `batch_norm: true`.",
    "image": "A convolutional network, a number of channels for each layer. Next: a trained one "
    "such as `{name: resnet18, weights: FILE}`, and `augment: {crop: 2}` in data.",
    "signal": "A convolutional network over time. Next: `{name: gru, hidden_size: 64}`.",
    "sequence": "A recurrent network, which reads series of any lengths. Next: "
    "`bidirectional: {values: [true, false]}`, or `{name: cnn, channels: [32, 64]}`.",
    "text": "A recurrent network over embedded tokens. Next: `{name: cnn, channels: [64]}`, which "
    "is faster, or a trained one (`name: bert`).",
}


def _network(kind: str, summary: DataSummary) -> dict[str, Any]:
    if kind == "table":
        few = summary.rows["train"] < 500
        sizes = [[], [16], [32]] if few else [[], [32], [64], [64, 32]]
        return {"model": {"name": "mlp", "hidden": {"values": sizes}}}
    if kind in ("image", "signal"):
        layers = [[16], [16, 32], [32, 64]] if kind == "image" else [[16, 32], [32, 64]]
        return {"model": {"name": "cnn", "channels": {"values": layers}}}
    return {"model": {"name": "gru", "hidden_size": {"values": [32, 64]}}}


def _training(task: str, kind: str, summary: DataSummary, batch_size: int) -> list[Block]:
    metric, goal, why = _objective(task, summary)
    epochs = epochs_for(summary.rows["train"], batch_size)
    regularization: dict[str, Any] = {
        "weight_decay": {"min": 1e-5, "max": 0.1, "log": True},
    }
    if kind in ("sequence", "text"):
        regularization["gradient_clip"] = 1.0
    other = {"regression": "`huber`, which outliers weigh less in"}.get(
        task, "`regularization: {label_smoothing: 0.1}`"
    )
    return [
        Block([f"What is minimized while training. Next: {other}."
               if task != "multilabel" else "What is minimized while training."],
              {"loss": DEFAULT_LOSS[task]}),
        Block(["Learning rates over two powers of ten and more, drawn as logarithms. Next: a "
               "comparison with the same budget for each. Write a list in place of the "
               "mapping, `[{name: sgd, lr: ...}, {name: adamw, lr: ...}]`, and below it "
               "`compare: {factor: optimizer}`."],
              {"optimizer": {"name": "adamw", "lr": {"min": 3e-4, "max": 3e-2, "log": True}},
               "schedule": {"name": "cosine"}}),
        Block(["Against learning by heart."], {"regularization": regularization}),
        Block([f"About {epochs * max(1, summary.rows['train'] // batch_size):,} steps. More where "
               "the best epochs are the last ones."], {"trainer": {"epochs": epochs}}),
        Block([f"What the best is chosen by, on the validation part. {why}"],
              {"objective": {"metric": metric, "goal": goal}}),
        Block(["20 trainings, proposed by TPE; unpromising ones are stopped early. Then the best "
               "configuration is trained with 3 fresh seeds and answers the test part."],
              {"search": {"method": "tpe", "trials": 20,
                          "pruner": {"name": "median", "warmup": max(3, epochs // 4)}},
               "confirm": {"top": 1, "seeds": 3}}),
    ]  # fmt: skip


def _objective(task: str, summary: DataSummary) -> tuple[str, str, str]:
    if task == "regression":
        if summary.outputs > 1:
            return "val/r2", "maximize", "The targets have different units: the mean of their R²."
        return "val/rmse", "minimize", "The error in units of the target. Next: `val/mae`."
    if task == "multilabel":
        return "val/f1", "maximize", "The mean over the labels."
    counts = [sum(rows) for rows in summary.classes.values()]
    if counts and max(counts) >= UNEVEN * min(counts):
        return (
            "val/balanced_accuracy",
            "maximize",
            (
                f"The largest class has {max(counts):,} rows and the smallest {min(counts):,}, so "
                "that every class counts the same here, the mean over classes of the share that is "
                "right. Next: `balance: weights` in data lets them count the same in the loss, too."
            ),
        )
    return "val/accuracy", "maximize", "The share of rows that are right. Next: `val/f1`."
