"""Predictions of a study's network for new rows, or for its own test part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lightning_modules.configuration import COMMAND, Configuration
from lightning_modules.errors import DataError, StorageError, UserError
from lightning_modules.files import replacing
from studies.analysis import choose
from studies.analysis.representative import RepresentativeTrial
from studies.inputs.consent import say_paths
from studies.models.checkpoint_source import checkpoint_of
from studies.reporting.spreadsheet import csv_text
from studies.results import StudyResults

if TYPE_CHECKING:
    import pandas as pd

    from lightning_modules.data.preparation.doubts import Doubts

BATCH = 256
"""Rows that the network sees at a time."""
HALF = 0.5
"""A label is predicted where its probability is above."""


@dataclass(frozen=True)
class Predictions:
    """The predictions of a network for rows, and which trial trained it."""

    chosen: RepresentativeTrial
    answers: np.ndarray[Any, np.dtype[np.float32]]
    """Probabilities (rows, classes or labels), or values (rows, k)."""
    classes: Sequence[str]
    """The names of the classes or labels; empty for a regression."""
    task: str
    """`classification`, `regression` or `multilabel`; empty where only the user's code knows."""
    targets: Sequence[Any] = ()
    """The right answers where they are known: names of classes, rows of k values, or rows of labels
    of 0 and 1."""
    values: Sequence[str] = ()
    """The names of the values of a regression, where there are several."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Metrics of the test part, where that was predicted."""
    names: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Columns that name the rows; `row` is their number in their file, from 1 and in its order
    where it is not given."""
    doubts: Doubts | None = None
    """What in the rows the network never learned from, where that can be told."""
    caveat: str = ""
    """Why the metrics of the test part look better than those of new rows would."""

    def table(self) -> pd.DataFrame:
        """A line per row, with its number in its file; a name that is taken gets `id_` before."""
        import pandas as pd

        columns: dict[str, Any] = {}
        if self.task == "multilabel":
            columns |= _numbered("prediction", (self.answers > HALF).astype(int), self.classes)
            columns |= _numbered("target", np.asarray(self.targets).astype(int), self.classes)
            columns |= _numbered("probability", self.answers, self.classes)
        elif self.classes:
            columns["prediction"] = [self.classes[i] for i in self.answers.argmax(axis=1)]
            columns |= _numbered("target", self.targets)
            for index, name in enumerate(self.classes):
                columns[f"probability_{name}"] = self.answers[:, index]
        else:
            columns |= _numbered("prediction", self.answers, self.values)
            columns |= _numbered("target", self.targets, self.values)
        rows = np.arange(1, len(self.answers) + 1)
        named = {"row": self.names.get("row", rows)}
        for name, values in self.names.items():
            named[f"id_{name}" if name in columns else name] = values
        return pd.DataFrame({**named, **columns})


def answering(
    results: StudyResults, data: Path | None, trial: str | None
) -> tuple[RepresentativeTrial, Configuration]:
    """The trial whose network answers, and what it was trained by; nothing is read for it.

    Raises UserError where there is no such trial or its network cannot answer to the rows, and
    NothingCompletedError where no trial has completed.
    """
    chosen = choose(results, trial)
    configuration = Configuration.of(chosen.trial.configuration)
    if chosen.trial.split is not None and configuration.model.name != COMMAND:
        configuration = configuration.with_split(chosen.trial.split)
    if configuration.model.name == COMMAND:
        raise UserError(
            f"{results.study}: its networks are those of a program, which alone can predict with "
            "them"
        )
    if configuration.data.is_class and data is not None:
        raise UserError(
            f"{results.study}: only {configuration.data.name}, a data module of your own, knows "
            "how a file of its rows is read; --test predicts its test part, and in a script of "
            "yours `lightning_modules.training.building.restore` gives the network"
        )
    return chosen, configuration


def predict(results: StudyResults, data: Path | None, *, trial: str | None = None) -> Predictions:
    """Let the network that stands for a study answer to rows.

    Args:
        results: The results of the study.
        data: The file or folder of the rows; None for the study's own test part.
        trial: The key of a trial whose network answers instead.

    Returns:
        A probability per class, or the values of a regression, for every row.

    Raises:
        UserError: There is no such trial, or the network is that of a user's program.
        DataError: The rows cannot be used.
        StorageError: The weights of the network are gone.
        NothingCompletedError: No trial has completed.
    """
    from lightning_modules.data.table import DATASETS
    from lightning_modules.training import read_checkpoint
    from lightning_modules.training.building import build_data, restore
    from lightning_modules.training.user_predictions import predict_test_part

    chosen, configuration = answering(results, data, trial)
    existing(data)
    say_paths(f"{results.study}/{chosen.trial.key}", [configuration], results.home)
    with checkpoint_of(results, chosen.trial) as path:
        content, module = read_checkpoint(path), restore(path)
    targets: Any = None
    names: Mapping[str, Sequence[Any]] = {}
    row = DATASETS.get(configuration.data.name)
    parameters = configuration.data.parameters
    inputs: Sequence[Any]
    if data is not None:
        assert row is not None and row.read_new is not None
        inputs = row.read_new(data, content["preparation"], **parameters)
        names = row.names_new(data, **parameters) if row.names_new is not None else {}
        answers = _answers(module, configuration.task, inputs)
    elif configuration.data.is_class:
        user_data: Any = build_data(configuration)
        found, targets = predict_test_part(module, user_data, configuration)
        answers = found.numpy()
    else:
        whole: Any = build_data(configuration)
        *inputs, targets = whole.splits.test
        names = whole.splits.names
        answers = _answers(module, configuration.task, inputs)
    doubts = None
    if row is not None and row.doubts is not None:
        doubts = row.doubts(data, content["preparation"], names.get("row"), **parameters)
    classes: tuple[str, ...] = ()
    values: tuple[str, ...] = tuple(content.get("values", ()))
    if configuration.task in ("classification", "multilabel"):
        classes = tuple(content["classes"]) or tuple(map(str, range(answers.shape[1])))
        if len(classes) != answers.shape[1]:
            raise UserError(
                f"{results.study}: {configuration.model.name} gives {answers.shape[1]} numbers a "
                f"row, but the data has {len(classes)} classes"
            )
    metrics: dict[str, float] = {}
    if targets is not None:
        if configuration.task == "classification" and targets.is_floating_point():
            targets = targets.argmax(dim=1)  # shares of the classes, as the losses take them
        if configuration.task:
            objective = configuration.objective.metric
            metrics = _metrics(configuration.task, objective, answers, targets, values)
        known = targets.tolist()
        is_class = configuration.task == "classification"
        targets = [classes[index] for index in known] if is_class else known
    settled = chosen.is_requested and chosen.trial.phase != "cross"  # its own split alone chose it
    caveat = "" if data is not None or settled else rows_took_part(results)
    return Predictions(
        chosen,
        answers,
        classes,
        configuration.task,
        targets or (),
        values,
        metrics,
        names,
        doubts,
        caveat,
    )


def existing(data: Path | None) -> None:
    """Raise DataError where the file or folder of the rows is not there."""
    if data is not None and not data.exists():
        raise DataError(f"{data}: there is no such file or folder")


def rows_took_part(results: StudyResults) -> str:
    """Whether rows of the test part have chosen the configuration; empty where none has.

    On several splits the rows that test one have trained and validated on another.
    """
    splits = {trial.split for trial in results.ended if trial.phase in ("confirm", "cross")}
    if len(splits) < 2 or results.fixed_test:
        return ""
    return (
        "rows of this test part took part in choosing the configuration, on other splits, so that "
        "new rows may do worse; `fairtune best` says what to expect"
    )


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a table as Parquet or CSV, by the suffix, whole or not at all. In CSV, a text that a
    spreadsheet would run has an apostrophe before it.

    Raises StorageError where it cannot be written.
    """
    try:
        with replacing(path) as beside:
            if path.suffix.lower() == ".parquet":
                table.to_parquet(beside, index=False)
            else:
                beside.write_text(csv_text(table), encoding="utf-8", newline="")
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(
            f"{path}: cannot be written ({reason}); choose another --output"
        ) from None


def _answers(
    module: Any, task: str, inputs: Sequence[Any]
) -> np.ndarray[Any, np.dtype[np.float32]]:
    import torch

    from lightning_modules.user_code.modules import answered

    rows = len(inputs[-1]) if len(inputs) > 1 else inputs[0].shape[0]
    with torch.inference_mode():
        batches = [
            answered(module, task, *(column[start : start + BATCH] for column in inputs))
            for start in range(0, rows, BATCH)
        ]
        answers: np.ndarray[Any, np.dtype[np.float32]] = torch.cat(batches).numpy()
    return answers


def _metrics(
    task: str, objective: str, answers: Any, targets: Any, names: Sequence[str]
) -> dict[str, float]:
    import torch

    from lightning_modules.optimization.metrics import computed_metrics

    found = torch.from_numpy(answers)
    if task == "classification":
        predicted = found.argmax(dim=1)
    else:  # one value a row may come without its column
        found, targets = (each[:, None] if each.ndim == 1 else each for each in (found, targets))
        predicted = found
    if task == "multilabel":
        predicted, targets = (found > HALF).long(), targets.long()
    values = computed_metrics(
        task,
        objective,
        predicted,
        lambda: found,
        targets,
        classes=max(2, found.shape[1]),
        names=names,
    )
    return {f"test/{name}": float(value) for name, value in values.items()}


def _numbered(name: str, values: Any, names: Sequence[str] = ()) -> dict[str, Any]:
    """Columns of that name: several, by `names` or counted, where every row has several values."""
    if not len(values):
        return {}
    array = np.asarray(values)
    if array.ndim == 1:
        return {name: array}
    if array.shape[1] == 1 and not names:
        return {name: array[:, 0]}
    called = names or range(1, array.shape[1] + 1)
    return {f"{name}_{each}": column for each, column in zip(called, array.T, strict=True)}
