"""Balanced classes: weights known by hand, and draws in which every class is as frequent."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax, one_hot

from lightning_modules.components import resolve_component
from lightning_modules.configuration import Configuration
from lightning_modules.data.batches.tensor_batches import TensorBatches, balanced_order
from lightning_modules.data.table import load_data
from lightning_modules.data.tensors import Splits, TensorDataModule
from lightning_modules.errors import ConfigurationError
from lightning_modules.networks.mlp import MLP
from lightning_modules.optimization import LOSSES
from lightning_modules.training.building import build_data, build_module
from lightning_modules.training.trainer import build_trainer

LOGITS = torch.tensor([[2.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 3.0, -1.0], [0.5, 0.0, 0.5]])
CLASSES = torch.tensor([0, 2, 0, 1])
WEIGHTS = torch.tensor([0.5, 1.0, 2.0])


def loss(name: str, outputs: Tensor, targets: Tensor, smoothing: float, weights: Any) -> float:
    row, parameters = resolve_component(LOSSES, name, "loss")
    return float(row.build(**parameters)(outputs, targets, smoothing, weights))


def data(classes: list[int], outputs: int, **given: Any) -> TensorDataModule:
    inputs = torch.arange(2.0 * len(classes)).view(-1, 2)
    part = (inputs, torch.tensor(classes))
    return TensorDataModule("made", lambda: Splits(part, part, part, outputs), 4, **given)


def test_a_class_weighs_by_how_rare_it_is() -> None:
    weights = data([0] * 6 + [1] * 3 + [2], 3, balance="weights").class_weights
    assert weights is not None
    assert weights.tolist() == pytest.approx([10 / 18, 10 / 9, 10 / 3])  # n / (k n_c)
    assert (
        data([0, 1], 2).class_weights is data([0, 1], 2, balance="sampling").class_weights is None
    )


def test_a_class_without_a_row_weighs_nothing() -> None:
    weights = data([0, 0, 2, 2, 2, 2], 3, balance="weights").class_weights
    assert weights is not None and weights.tolist() == pytest.approx([1.5, 0.0, 0.75])


def test_a_weighted_loss_is_the_mean_in_which_a_row_counts_as_much_as_its_class() -> None:
    each = -log_softmax(LOGITS, 1)[torch.arange(4), CLASSES]
    wanted = (0.5 * each[0] + 2 * each[1] + 0.5 * each[2] + 1 * each[3]) / (0.5 + 2 + 0.5 + 1)
    assert loss("cross_entropy", LOGITS, CLASSES, 0.0, WEIGHTS) == pytest.approx(float(wanted))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_shares_of_one_class_only_are_that_class(smoothing: float, weights: Tensor | None) -> None:
    shares = one_hot(CLASSES, 3).float()
    assert loss("cross_entropy", LOGITS, shares, smoothing, weights) == pytest.approx(
        loss("cross_entropy", LOGITS, CLASSES, smoothing, weights)
    )


def test_a_weighted_loss_of_shares_counts_every_share_with_its_class() -> None:
    shares = torch.tensor([[0.3, 0.7, 0.0], [0.0, 0.0, 1.0], [0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    terms = (-log_softmax(LOGITS, 1) * shares * WEIGHTS).sum() / (shares * WEIGHTS).sum()
    assert loss("cross_entropy", LOGITS, shares, 0.0, WEIGHTS) == pytest.approx(float(terms))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, torch.tensor([0.6, 3.0])])
@pytest.mark.parametrize("soft", [False, True])
def test_binary_cross_entropy_is_the_cross_entropy_of_two_classes_weighted_and_mixed_too(
    smoothing: float, weights: Tensor | None, soft: bool
) -> None:
    logit = torch.tensor([[-1.5], [0.3], [2.0]])
    targets = torch.tensor([1, 0, 1])
    if soft:
        targets = torch.tensor([[0.2, 0.8], [1.0, 0.0], [0.6, 0.4]])
    both = torch.cat([torch.zeros(3, 1), logit], dim=1)
    assert loss("binary_cross_entropy", logit, targets, smoothing, weights) == pytest.approx(
        loss("cross_entropy", both, targets, smoothing, weights), rel=1e-6
    )


def test_binary_cross_entropy_of_shares_is_that_of_the_share_of_the_second_class() -> None:
    logit, share = torch.tensor([[0.3], [-1.0]]), torch.tensor([[0.25], [0.9]])
    wanted = binary_cross_entropy_with_logits(logit, share)
    shares = torch.cat([1 - share, share], dim=1)
    assert loss("binary_cross_entropy", logit, shares, 0.0, None) == pytest.approx(float(wanted))


def test_weights_reach_the_training_loss_and_not_the_one_that_is_logged() -> None:
    losses: dict[str, tuple[list[float], Mapping[str, float]]] = {}
    for balance in ("none", "weights"):
        module = MLP((2,), 2, hidden=[], optimizer={"name": "sgd", "lr": 1e-9})
        torch.manual_seed(0)
        for weight in module.parameters():
            torch.nn.init.normal_(weight, std=0.1)
        steps: list[float] = []
        original = module.training_step

        def step(batch: Any, index: int, keep: Any = steps, run: Any = original) -> Tensor:
            value: Tensor = run(batch, index)
            keep.append(value.item())
            return value

        module.training_step = step  # type: ignore[method-assign]
        tree = {
            "data": "iris",
            "model": "mlp",
            "trainer": {"epochs": 1, "accelerator": "cpu"},
        }
        build_trainer(Configuration.resolve(tree)).fit(
            module, datamodule=data([0, 0, 0, 1], 2, balance=balance)
        )
        losses[balance] = steps, dict(module.epoch_metrics)
    [plain], [weighted] = losses["none"][0], losses["weights"][0]
    assert losses["none"][1] == pytest.approx(losses["weights"][1])
    assert losses["none"][1]["train/loss"] == pytest.approx(plain)
    assert weighted != pytest.approx(plain, rel=1e-3)


# Sampling


def test_a_balanced_epoch_has_as_many_rows_and_every_class_as_often() -> None:
    classes = torch.tensor([0] * 50 + [3] * 9 + [7] * 3)
    generator = torch.Generator().manual_seed(0)
    seen = []
    for _ in range(30):
        order = balanced_order(classes, generator)
        counts = classes[order].bincount()
        assert len(order) == 62 and sorted(counts[[0, 3, 7]].tolist()) == [20, 21, 21]
        seen.append(order)
    assert torch.cat(seen).unique(sorted=True).tolist() == list(range(62))
    assert not torch.equal(seen[0], seen[1])
    firsts = torch.stack([classes[order][:3] for order in seen]).flatten()
    assert firsts.unique(sorted=True).tolist() == [0, 3, 7]  # classes come mixed, not in turn


def test_batches_are_drawn_from_the_balanced_order() -> None:
    part = (torch.arange(12.0).view(12, 1), torch.tensor([0] * 10 + [1] * 2))
    batches = TensorBatches(part, 5, torch.Generator().manual_seed(0), balanced=True)
    rows = [row for inputs, _ in batches for row in inputs[:, 0].int().tolist()]
    assert sum(row >= 10 for row in rows) == 6 and len(rows) == 12
    made = data([0] * 10 + [1] * 2, 2, balance="sampling")
    assert made.train_dataloader().balanced
    assert not made.val_dataloader().balanced and not made.test_dataloader().balanced


# In a configuration


@pytest.mark.parametrize("balance", ["none", "weights", "sampling"])
@pytest.mark.parametrize("name", ["wine", "mnist1d"])
def test_every_classification_can_be_balanced(name: str, balance: str) -> None:
    configuration = Configuration.resolve(
        {"data": {"name": name, "balance": balance}, "model": "mlp"}
    )
    module = build_data(configuration)
    assert module.balance == balance
    assert build_module(configuration, module).class_weights is None  # until it is fitted
    assert load_data(name, balance=balance).splits.hash == load_data(name).splits.hash


@pytest.mark.parametrize("balance", ["weights", "sampling"])
def test_a_regression_has_no_classes_to_balance(balance: str) -> None:
    tree = {"data": {"name": "diabetes", "balance": balance}, "model": "mlp"}
    with pytest.raises(ConfigurationError) as caught:
        Configuration.resolve(tree)
    assert str(caught.value) == "data.balance: balances classes, but diabetes is a regression"


def test_weights_for_a_loss_that_they_cannot_reach_are_refused() -> None:
    tree = {
        "data": {"name": "wine", "balance": "weights"},
        "model": {"class": "mine:Module"},
        "objective": {"metric": "val/loss", "goal": "minimize"},
    }
    with pytest.raises(ConfigurationError) as caught:
        Configuration.resolve(tree)
    assert str(caught.value) == (
        "data.balance: weights do not reach the loss of a module of your own; balance by sampling"
    )
