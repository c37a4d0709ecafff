"""Regularization does what its formulas say, seen through the module that trains with it."""

import copy
import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn, optim
from torch.nn.functional import cross_entropy

from lightning_modules.components import resolve_component
from lightning_modules.errors import UserError
from lightning_modules.networks import SupervisedModule
from lightning_modules.optimization import REGULARIZATION, regularizers

STEPS = 6
INPUTS = torch.tensor([[1.0, -2.0, 0.5], [0.3, 0.8, -1.0], [-1.5, 0.2, 2.0], [0.0, 1.0, 1.0]])
CLASSES = torch.tensor([0, 1, 1, 0])
BATCH = (INPUTS, CLASSES)


class SameBatch:
    """One batch per epoch, so that every epoch is one step."""

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        yield BATCH


class Weights(pl.Callback):
    """Copies of all weights before the first step and after every step."""

    def __init__(self) -> None:
        self.copies: list[list[Tensor]] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.copies.append([weight.detach().clone() for weight in pl_module.parameters()])

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *rest: object
    ) -> None:
        self.on_train_start(trainer, pl_module)


def small_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def fit(network: nn.Module, **learning: Any) -> tuple[list[list[Tensor]], dict[str, float]]:
    """The weights before and after each of `STEPS` steps, and the metrics of the last."""
    weights = Weights()
    trainer = pl.Trainer(
        max_epochs=STEPS,
        accelerator="cpu",
        callbacks=[weights],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
    )
    trainer.fit(SupervisedModule(network, **learning), SameBatch(), SameBatch())
    assert len(weights.copies) == STEPS + 1
    return weights.copies, {key: float(value) for key, value in trainer.callback_metrics.items()}


def reference(network: nn.Module, optimizer: optim.Optimizer, gamma: float = 1.0) -> list[Tensor]:
    """The weights after `STEPS` steps of plain torch."""
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, gamma)
    for _ in range(STEPS):
        optimizer.zero_grad()
        cross_entropy(network(INPUTS), CLASSES).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return [weight.detach() for weight in network.parameters()]


def gradients(weights: list[Tensor]) -> list[Tensor]:
    """The gradient of the cross entropy at these weights."""
    network = small_network()
    with torch.no_grad():
        for own, given in zip(network.parameters(), weights, strict=True):
            own.copy_(given)
    return list(
        torch.autograd.grad(cross_entropy(network(INPUTS), CLASSES), list(network.parameters()))
    )


# Weight decay


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_weight_decay_is_the_decay_of_torchs_adamw_along_a_schedule(name: str) -> None:
    network = small_network()
    twin = copy.deepcopy(network)
    ours, _ = fit(
        network,
        optimizer={"name": name, "lr": 0.1},
        schedule={"name": "exponential", "gamma": 0.7},
        regularization={"weight_decay": 0.5},
    )
    theirs = reference(twin, optim.AdamW(twin.parameters(), lr=0.1, weight_decay=0.5), gamma=0.7)
    torch.testing.assert_close(ours[-1], theirs, rtol=1e-5, atol=1e-6)
    without, _ = fit(small_network(), optimizer={"name": "adam", "lr": 0.1})
    assert (ours[-1][0] - without[-1][0]).abs().max() > 0.01


def test_weight_decay_shrinks_every_weight_by_rate_times_strength_before_the_step() -> None:
    copies, _ = fit(
        small_network(),
        optimizer={"name": "sgd", "lr": 0.25},
        regularization={"weight_decay": 0.5},
    )
    for before, after in itertools.pairwise(copies):
        for weight, gradient, new in zip(before, gradients(before), after, strict=True):
            wanted = weight * (1 - 0.25 * 0.5) - 0.25 * gradient
            torch.testing.assert_close(new, wanted, rtol=1e-5, atol=1e-6)


# Penalties


def test_l2_with_sgd_is_half_of_torchs_weight_decay_without_the_biases() -> None:
    network = small_network()
    twin = copy.deepcopy(network)
    ours, _ = fit(
        network, optimizer={"name": "sgd", "lr": 0.2}, regularization={"l2": {"strength": 0.15}}
    )
    groups: list[dict[str, Any]] = [
        {"params": [w for w in twin.parameters() if w.ndim > 1], "weight_decay": 2 * 0.15},
        {"params": [w for w in twin.parameters() if w.ndim == 1], "weight_decay": 0.0},
    ]
    theirs = reference(twin, optim.SGD(groups, lr=0.2))
    torch.testing.assert_close(ours[-1], theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "wanted"), [("l1", 0.5 * (1 + 2 + 3 + 4)), ("l2", 0.5 * (1 + 4 + 9 + 16))]
)
def test_a_penalty_has_the_value_found_by_hand(name: str, wanted: float) -> None:
    row, parameters = resolve_component(
        REGULARIZATION, {"name": name, "strength": 0.5}, "regularization"
    )
    weights = [torch.tensor([[1.0, -2.0]]), torch.tensor([[-3.0], [4.0]])]
    assert row.build(**parameters)(weights).item() == wanted


def test_penalties_add_up_in_the_training_loss_and_spare_biases_and_norms() -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    plain = SupervisedModule(copy.deepcopy(network)).training_step(BATCH, 0)
    penalized = SupervisedModule(network, regularization={"l1": 0.5, "l2": 2.0})
    weight = network[0].weight
    assert isinstance(weight, Tensor)
    wanted = plain + 0.5 * weight.abs().sum() + 2.0 * weight.square().sum()
    torch.testing.assert_close(penalized.training_step(BATCH, 0), wanted)


def test_l1_pulls_with_constant_force_towards_zero() -> None:
    copies, _ = fit(
        small_network(), optimizer={"name": "sgd", "lr": 0.125}, regularization={"l1": 0.5}
    )
    before, after = copies[0], copies[1]
    for weight, gradient, new in zip(before, gradients(before), after, strict=True):
        force = 0.5 * weight.sign() if weight.ndim > 1 else torch.zeros_like(weight)
        torch.testing.assert_close(new, weight - 0.125 * (gradient + force))


# Clipping


def test_the_optimizer_sees_the_gradient_of_its_own_step_cut_to_the_norm() -> None:
    bound = 0.2
    copies, _ = fit(
        small_network(),
        optimizer={"name": "sgd", "lr": 1.0},
        regularization={"gradient_clip": bound},
    )
    norms = []
    for before, after in itertools.pairwise(copies):
        true = torch.cat([gradient.flatten() for gradient in gradients(before)])
        steps = [old - new for old, new in zip(before, after, strict=True)]
        seen = torch.cat([step.flatten() for step in steps])
        torch.testing.assert_close(
            seen, true * min(1.0, bound / float(true.norm())), rtol=1e-4, atol=1e-6
        )
        assert seen.norm() <= bound + 1e-6
        norms.append(float(true.norm()))
    assert norms[0] > bound and len(set(norms)) == STEPS


def test_a_gradient_shorter_than_the_norm_is_left_alone() -> None:
    sgd = {"name": "sgd", "lr": 1.0}
    clipped, _ = fit(small_network(), optimizer=sgd, regularization={"gradient_clip": 100.0})
    free, _ = fit(small_network(), optimizer=sgd)
    assert all(torch.equal(one, other) for one, other in zip(clipped[-1], free[-1], strict=True))


# Label smoothing


def test_label_smoothing_changes_what_is_learned_and_not_what_is_logged() -> None:
    network = small_network()
    plain = cross_entropy(network(INPUTS), CLASSES)
    smoothed = cross_entropy(network(INPUTS), CLASSES, label_smoothing=0.4)
    assert (plain - smoothed).abs() > 0.001
    learned = SupervisedModule(network, regularization={"label_smoothing": 0.4})
    torch.testing.assert_close(learned.training_step(BATCH, 0), smoothed)
    standing_still = {"name": "sgd", "lr": 1e-30}
    _, metrics = fit(network, optimizer=standing_still, regularization={"label_smoothing": 0.4})
    assert metrics["train/loss"] == metrics["val/loss"] == pytest.approx(plain.item(), rel=1e-6)


def test_penalties_are_not_part_of_the_logged_loss_either() -> None:
    network = small_network()
    plain = cross_entropy(network(INPUTS), CLASSES).item()
    standing_still = {"name": "sgd", "lr": 1e-30}
    _, metrics = fit(network, optimizer=standing_still, regularization={"l2": 10.0, "l1": 10.0})
    assert metrics["train/loss"] == metrics["val/loss"] == pytest.approx(plain, rel=1e-6)


# What is given, and to whom


@pytest.mark.parametrize(("name", "value"), [("dropout", 0.5), ("batch_norm", True)])
def test_what_belongs_to_the_network_is_refused_by_the_module(name: str, value: object) -> None:
    with pytest.raises(UserError) as caught:
        SupervisedModule(small_network(), regularization={name: value})
    assert str(caught.value) == f"{name} belongs to the network; give it to the network itself"


@pytest.mark.parametrize(
    ("learning", "message"),
    [
        (
            {"regularization": {"l3": 0.1}},
            "there is no regularization 'l3'; known are l1, l2, weight_decay, dropout, "
            "batch_norm, label_smoothing, gradient_clip, early_stopping",
        ),
        (
            {"regularization": {"l2": -1}},
            "regularization strength: must be a number >= 0, got -1",
        ),
        (
            {"optimizer": {"name": "sgd", "betas": [0, 0]}},
            "optimizer betas: sgd takes no such parameter; it takes lr, weight_decay",
        ),
        (
            {"loss": {"delta": 1.0}},
            "there is no loss ''; known are cross_entropy, binary_cross_entropy, "
            "multilabel_soft_margin, mse, mae, huber",
        ),
        (
            {"schedule": "cosin"},
            "there is no schedule 'cosin'; did you mean cosine?",
        ),
    ],
)
def test_the_module_refuses_what_it_does_not_know(
    learning: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        SupervisedModule(small_network(), **learning)
    assert str(caught.value) == message


def test_a_bare_value_is_the_first_parameter_and_nothing_switches_off() -> None:
    given = {"l2": 0.1, "l1": None, "batch_norm": False, "early_stopping": {"min_delta": 1}}
    assert regularizers(given) == {"l2": {"strength": 0.1}, "early_stopping": {"min_delta": 1}}


def test_zero_strengths_change_nothing() -> None:
    sgd = {"name": "sgd", "lr": 0.5}
    off = {"l1": 0.0, "l2": 0, "weight_decay": 0.0, "label_smoothing": 0.0}
    some, metrics = fit(small_network(), optimizer=sgd, regularization=off)
    none, plain = fit(small_network(), optimizer=sgd)
    torch.testing.assert_close(some[-1], none[-1], rtol=1e-6, atol=0)
    assert metrics["val/loss"] == pytest.approx(plain["val/loss"])
    assert math.isfinite(metrics["train/loss"])
