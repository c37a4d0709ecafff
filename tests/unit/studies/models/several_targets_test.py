"""Predictions of several targets: a column for each, by its name."""

from typing import Any

import numpy as np
import torch

from studies.models.predict import Predictions, _metrics


def table(answers: Any, classes: list[str], task: str, **given: Any) -> dict[str, list[Any]]:
    chosen: Any = None
    found = Predictions(chosen, np.array(answers, np.float32), classes, task, **given)
    columns: dict[str, list[Any]] = found.table().to_dict("list")  # type: ignore[assignment]
    return columns


def test_every_value_has_a_column_by_its_name() -> None:
    found = table([[1.5, 2], [3, 4]], [], "regression", values=["price", "size"])
    assert found == {"row": [1, 2], "prediction_price": [1.5, 3.0], "prediction_size": [2.0, 4.0]}
    found = table([[1.5, 2]], [], "regression", targets=[[1.0, 2.5]])
    assert [*found] == ["row", "prediction_1", "prediction_2", "target_1", "target_2"]
    assert [*table([[1.5]], [], "regression", targets=[[1.0]])] == ["row", "prediction", "target"]


def test_every_label_has_an_answer_and_a_probability() -> None:
    answers = [[0.75, 0.25], [0.5, 0.875]]
    found = table(answers, ["hot", "wet"], "multilabel", targets=[[1.0, 0.0]] * 2)
    assert found == {
        "row": [1, 2],
        "prediction_hot": [1, 0], "prediction_wet": [0, 1],
        "target_hot": [1, 1], "target_wet": [0, 0],
        "probability_hot": [0.75, 0.5], "probability_wet": [0.25, 0.875],
    }  # fmt: skip
    assert [*table([[0.9]], ["hot"], "multilabel")] == ["row", "prediction_hot", "probability_hot"]


def test_metrics_of_a_test_part_are_those_of_its_answers() -> None:
    answers = np.array([[0.9, 0.2], [0.6, 0.4]], np.float32)
    found = _metrics("multilabel", "val/auroc", answers, torch.tensor([[1.0, 0], [0, 1]]), ())
    assert found["test/accuracy"] == 0.5 and found["test/exact_match"] == 0.5
    assert found["test/auroc"] == 1.0
