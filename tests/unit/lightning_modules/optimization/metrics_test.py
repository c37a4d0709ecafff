"""Metrics on request: those of scikit-learn, computed only where the objective names one."""

import pytest
import torch
from sklearn import metrics as sklearn_metrics
from torch import Tensor

from lightning_modules.configuration import Configuration
from lightning_modules.errors import ConfigurationError
from lightning_modules.networks.mlp import MLP
from lightning_modules.optimization import METRICS, goal_of, metrics_for, objective_metrics
from lightning_modules.optimization.metrics import ON_REQUEST, Metric
from studies.results import is_share
from studies.results.repeat_results import is_error
from tests.support.checkout import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
Rows = tuple[Tensor, Tensor, Tensor]


def rows(classes: int, there: int) -> Rows:
    """Probabilities (60, classes), the predictions that they mean, and targets of `there` of the
    classes; some probabilities are equal."""
    generator = torch.Generator().manual_seed(classes)
    targets = torch.randint(there, (60,), generator=generator)
    logits = torch.randn(60, classes, generator=generator).round(decimals=1)
    logits[torch.arange(60), targets] += 0.7
    probabilities = logits.softmax(dim=1)
    return probabilities, probabilities.argmax(dim=1), targets


def compute(name: str, given: Rows) -> float:
    probabilities, predictions, targets = given
    metric = ON_REQUEST["classification"][name]
    read = probabilities if metric.reads_probabilities else predictions
    return float(metric.compute(read, targets, probabilities.shape[1]))


@pytest.mark.parametrize("classes", [2, 4])
def test_metrics_of_a_classification_are_those_of_scikit_learn(classes: int) -> None:
    given = rows(classes, classes)
    probabilities, predictions, targets = given
    wanted = {
        "balanced_accuracy": sklearn_metrics.balanced_accuracy_score(targets, predictions),
        "precision": sklearn_metrics.precision_score(targets, predictions, average="macro"),
        "recall": sklearn_metrics.recall_score(targets, predictions, average="macro"),
        "auroc": sklearn_metrics.roc_auc_score(
            targets, probabilities[:, 1] if classes == 2 else probabilities, multi_class="ovr"
        ),
    }
    assert wanted.keys() == ON_REQUEST["classification"].keys()
    assert {name: compute(name, given) for name in wanted} == pytest.approx(wanted, rel=1e-5)
    assert all(0.3 < value < 0.9 for value in wanted.values())


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true:UserWarning")
def test_a_class_that_is_not_there_is_left_out_as_in_scikit_learn() -> None:
    given = rows(4, 3)
    probabilities, predictions, targets = given
    assert 3 in predictions
    area = [
        sklearn_metrics.roc_auc_score(targets == each, probabilities[:, each]) for each in range(3)
    ]
    wanted = {
        "balanced_accuracy": sklearn_metrics.balanced_accuracy_score(targets, predictions),
        "precision": sklearn_metrics.precision_score(
            targets, predictions, average="macro", zero_division=0
        ),
        "recall": sklearn_metrics.recall_score(
            targets, predictions, average="macro", zero_division=0
        ),
        "auroc": sum(area) / 3,
    }
    assert {name: compute(name, given) for name in wanted} == pytest.approx(wanted, rel=1e-5)


def test_of_a_single_class_there_is_no_area_under_the_curve() -> None:
    probabilities = torch.tensor([[0.9, 0.1], [0.4, 0.6]])
    assert torch.isnan(ON_REQUEST["classification"]["auroc"].compute(
        probabilities, torch.tensor([0, 0]), 2
    ))  # fmt: skip


@pytest.mark.parametrize("columns", [1, 2])
def test_the_percentage_error_is_that_of_scikit_learn(columns: int) -> None:
    generator = torch.Generator().manual_seed(0)
    targets = 150 + 70 * torch.randn(50, columns, generator=generator)
    predictions = targets + 30 * torch.randn(50, columns, generator=generator)
    wanted = sklearn_metrics.mean_absolute_percentage_error(targets, predictions)
    found = ON_REQUEST["regression"]["mape"].compute(predictions, targets, 0)
    assert float(found) == pytest.approx(wanted, rel=1e-5)


def test_only_the_metric_that_the_objective_names_is_computed() -> None:
    usual = METRICS["classification"].keys()
    assert metrics_for("classification", "val/accuracy").keys() == usual
    assert metrics_for("classification", "val/auroc").keys() == {*usual, "auroc"}
    assert metrics_for("regression", "train/mape").keys() == {*METRICS["regression"], "mape"}


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_a_module_logs_the_objective_on_every_part(
    loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: dict[str, float] = {}
    module = MLP((2,), 1 if loss.startswith("binary") else 2, loss=loss, objective="val/auroc")
    monkeypatch.setattr(module, "_log", logged.update)
    inputs, targets = torch.randn(20, 2), torch.arange(20) % 2
    module.validation_step((inputs, targets), 0)
    module.on_validation_epoch_end()
    assert logged.keys() == {"val/loss", "val/accuracy", "val/f1", "val/auroc"}
    wanted = sklearn_metrics.roc_auc_score(targets, module.predict(inputs)[:, 1].detach())
    assert logged["val/auroc"] == pytest.approx(wanted)


def test_an_objective_on_request_has_its_direction_and_belongs_to_a_task() -> None:
    tree = {"data": "iris", "model": "mlp", "objective": {"metric": "val/auroc"}}
    assert Configuration.resolve(tree).objective.goal == "maximize"
    with pytest.raises(ConfigurationError, match="'val/mape' is never logged for classification"):
        Configuration.resolve({**tree, "objective": {"metric": "val/mape"}})
    tree |= {"data": "diabetes", "objective": {"metric": "val/mape"}}
    assert Configuration.resolve(tree).objective.goal == "minimize"


def test_what_lies_between_0_and_1_is_told_in_points_and_an_error_as_a_ratio() -> None:
    shares = {name for name in objective_metrics("classification") if is_share(name)}
    assert shares == {name for name in objective_metrics("classification") if "loss" not in name}
    errors = {name for name in objective_metrics("regression") if is_error(name)}
    assert errors == {
        name for name in objective_metrics("regression") if goal_of(name) == "minimize"
    }


@pytest.mark.parametrize(
    ("table", "word"), [(METRICS, "always"), (ON_REQUEST, "as the objective")]
)  # fmt: skip
def test_the_readme_has_every_metric(table: dict[str, dict[str, Metric]], word: str) -> None:
    lines = README.partition("| metric | of |")[2].partition("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    documented = [(name.strip("`"), of, about) for name, of, when, about in cells if when == word]
    wanted = [
        (name, task, f"{row.summary}; {row.goal}")
        for task, rows in table.items()
        for name, row in rows.items()
    ]
    assert documented == wanted
