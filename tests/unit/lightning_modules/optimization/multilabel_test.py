"""Losses and metrics of labels, by scikit-learn's numbers; those of several values, one by one."""

import math

import numpy as np
import pytest
import torch
from sklearn import metrics as known

from lightning_modules.components import resolve_component
from lightning_modules.configuration import Configuration
from lightning_modules.optimization import LOSSES, goal_of, objective_metrics
from lightning_modules.optimization.metrics import (
    METRICS,
    ON_REQUEST,
    computed_metrics,
    default_objective,
    measure_of,
)
from studies.results import is_share
from studies.results.repeat_results import is_error

TRUTH = torch.tensor([[1, 0, 0, 1], [0, 1, 0, 1], [1, 1, 0, 1], [0, 0, 0, 1], [1, 0, 0, 1]])
SHARES = torch.tensor(
    [
        [0.9, 0.2, 0.1, 0.8],
        [0.6, 0.4, 0.2, 0.7],
        [0.7, 0.8, 0.3, 0.9],
        [0.2, 0.3, 0.1, 0.6],
        [0.4, 0.6, 0.2, 0.9],
    ]
)
ANSWERS = (SHARES > 0.5).long()


def compute(name: str) -> float:
    row = (METRICS["multilabel"] | ON_REQUEST["multilabel"])[name]
    read = SHARES if row.reads_probabilities else ANSWERS
    return float(row.compute(read, TRUTH, 4))


def test_metrics_of_labels_are_those_of_scikit_learn() -> None:
    assert compute("accuracy") == pytest.approx(1 - known.hamming_loss(TRUTH, ANSWERS))
    assert compute("exact_match") == pytest.approx(known.accuracy_score(TRUTH, ANSWERS))
    # the third label is neither there nor predicted
    wanted = known.f1_score(TRUTH, ANSWERS, average="macro", zero_division=np.nan)
    assert compute("f1") == pytest.approx(wanted)
    wanted = known.roc_auc_score(TRUTH[:, :2], SHARES[:, :2], average="macro")
    assert compute("auroc") == pytest.approx(wanted)


def test_labels_that_nobody_has_make_no_score_up() -> None:
    none = torch.zeros(3, 2, dtype=torch.long)
    assert METRICS["multilabel"]["f1"].compute(none, none, 2) == 0
    area = ON_REQUEST["multilabel"]["auroc"].compute(none.float(), none, 2)
    assert math.isnan(float(area))


def test_the_loss_of_labels_is_the_mean_cross_entropy_of_each() -> None:
    row, parameters = resolve_component(LOSSES, "binary_cross_entropy", "loss")
    logits = SHARES.logit()
    found = row.build(**parameters)(logits, TRUTH.float(), 0.0)
    assert float(found) == pytest.approx(
        np.mean([known.log_loss(TRUTH[:, at], SHARES[:, at], labels=[0, 1]) for at in range(4)]),
        rel=1e-5,
    )
    one = row.build(**parameters)(logits[:, :1], TRUTH[:, 0], 0.0)  # of two classes
    assert float(one) == pytest.approx(known.log_loss(TRUTH[:, 0], SHARES[:, 0]), rel=1e-5)


def test_torch_calls_the_loss_of_labels_by_another_name() -> None:
    row, parameters = resolve_component(LOSSES, "multilabel_soft_margin", "loss")
    found = row.build(**parameters)(SHARES.logit(), TRUTH.float(), 0.0)
    wanted = torch.nn.functional.multilabel_soft_margin_loss(SHARES.logit(), TRUTH.float())
    torch.testing.assert_close(found, wanted)
    tree = {"data": {"class": "rows:Rows"}, "model": "mlp", "loss": "multilabel_soft_margin"}
    assert Configuration.resolve(tree).task == "multilabel"


def test_errors_of_several_values_are_means_of_those_of_each() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(9, 2)) * [1, 1000]
    answers = truth + rng.normal(size=(9, 2)) * [0.1, 300]
    tensors = torch.tensor(answers), torch.tensor(truth)
    found = computed_metrics(
        "regression", "val/r2", tensors[0], lambda: tensors[0], tensors[1], classes=2,
        names=("a", "b"),
    )  # fmt: skip
    functions = {
        "mae": known.mean_absolute_error,
        "rmse": known.root_mean_squared_error,
        "r2": known.r2_score,
    }
    for name, function in functions.items():
        each = function(truth, answers, multioutput="raw_values")
        assert [float(found[f"{name}_{of}"]) for of in "ab"] == pytest.approx(each.tolist())
        assert float(found[name]) == pytest.approx(each.mean())


def test_a_metric_of_one_target_is_better_as_its_measure_is() -> None:
    assert measure_of("val/rmse_price per m2") == "rmse"
    assert (goal_of("val/r2_price"), goal_of("val/mae_price")) == ("maximize", "minimize")
    assert is_error("val/rmse_price") and not is_error("val/r2_price")
    assert is_share("val/exact_match")


def test_of_several_values_the_explained_variance_chooses_unless_one_is_named() -> None:
    assert default_objective("regression", 1) == "val/rmse"
    assert default_objective("regression", 2) == "val/r2"
    names = objective_metrics("regression", ["a", "b"])
    assert "val/rmse_b" in names and "val/rmse_a" not in objective_metrics("regression", ["a"])
