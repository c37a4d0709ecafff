"""Losses and optimizers of the user's own: made, called, and what is said of those that are not."""

from typing import Any

import pytest
import torch
from torch import nn

from lightning_modules.configuration import Configuration
from lightning_modules.errors import ConfigurationError, UserCodeError
from lightning_modules.user_code.learning import learning_problems, user_loss, user_optimizer
from tests.conftest import WriteModule
from tests.support.own_code import LEARNING

Tree = dict[str, Any]
pytestmark = pytest.mark.usefixtures("own_folder")
IRIS: Tree = {"data": "iris", "model": "mlp", "trainer": {"epochs": 1}}


@pytest.fixture
def own(write_module: WriteModule) -> str:
    return write_module("own_learning", LEARNING)


def told(**sections: Any) -> list[str]:
    """What is wrong with own classes in a configuration."""
    configuration = Configuration.resolve(IRIS | sections)
    return [str(problem) for problem in learning_problems(configuration)]


def refused(**sections: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Configuration.resolve(IRIS | sections)
    return str(caught.value)


def loss_of(path: str, **given: Any) -> nn.Module:
    tree = IRIS | {"data": "diabetes", "loss": {"class": path, **given}}
    return user_loss(Configuration.resolve(tree).loss)


def test_a_configuration_with_own_parts_comes_back_from_its_dictionary(own: str) -> None:
    tree = IRIS | {
        "loss": {"class": f"{own}:Focal", "gamma": 1.5, "task": "classification"},
        "optimizer": {"class": f"{own}:Sign", "lr": 0.1},
    }
    configuration = Configuration.resolve(tree)
    assert Configuration.resolve(configuration.to_dict()) == configuration
    assert configuration.class_paths == [f"{own}:Focal", f"{own}:Sign"]
    assert configuration.flat()["optimizer.lr"] == 0.1
    assert list(learning_problems(configuration)) == []


def test_losses_are_modules_functions_and_what_makes_them(own: str) -> None:
    outputs, targets = torch.full((4, 1), 3.0), torch.ones(4, 1)
    for name, given, wanted in (
        ("squared", {}, 4.0),
        ("squared", {"scale": 0.5}, 2.0),
        ("make_squared", {}, 8.0),
        ("Tasked", {"task": "regression"}, 4.0),
    ):
        loss = loss_of(f"{own}:{name}", **given)
        assert loss(outputs, targets, 0.0).item() == wanted
    for name, given in (("squared", {"scale": 0.5}), ("make_squared", {"scale": 1.0})):
        assert told(data="diabetes", loss={"class": f"{own}:{name}", **given}) == []
    with pytest.raises(UserCodeError, match=r"rows: gave shape \(4, 1\), and a loss is one number"):
        loss_of(f"{own}:rows")(outputs, targets, 0.0)
    with pytest.raises(UserCodeError, match="what own_learning:NoLoss makes is a NoLoss"):
        loss_of(f"{own}:NoLoss")


def test_parameters_and_buffers_of_a_loss_are_the_modules(own: str) -> None:
    loss = user_loss(Configuration.resolve(IRIS | {"loss": {"class": f"{own}:Focal"}}).loss)
    assert [tuple(each.shape) for each in loss.parameters()] == [(3,)]
    assert list(loss.state_dict()) == ["function.bias", "function.seen"]
    moved = loss.to("meta")
    assert {each.device.type for each in [*moved.parameters(), *moved.buffers()]} == {"meta"}


def test_an_own_optimizer_has_its_own_defaults_for_what_schedules_set(own: str) -> None:
    configuration = Configuration.resolve(IRIS | {"optimizer": {"class": f"{own}:Sign"}})
    row, parameters = user_optimizer(configuration.optimizer)
    assert parameters == {"lr": 0.01}
    weight = nn.Parameter(torch.ones(2))
    optimizer = row.build([weight], **parameters)
    weight.grad = torch.tensor([1.0, -1.0])
    optimizer.step()
    assert weight.tolist() == pytest.approx([0.99, 1.01])


@pytest.mark.parametrize(
    ("key", "name", "given", "said"),
    [
        ("loss", "Focal", {"gama": 1.0}, "loss.gama: own_learning:Focal takes no such"),
        ("loss", "Focl", {}, "own_learning:Focl: own_learning has no Focl; did you mean Focal?"),
        ("loss", "NoLoss", {}, "loss.class: what own_learning:NoLoss makes is a NoLoss, which is"),
        ("optimizer", "Sign", {"rl": 1.0}, "optimizer.rl: own_learning:Sign takes no such"),
        ("optimizer", "Sign", {"lr": -1.0}, "optimizer.class: own_learning:Sign: making it"),
        ("optimizer", "Unrated", {}, "optimizer.class: own_learning:Unrated takes no lr"),
        ("optimizer", "NoOptimizer", {}, "optimizer.class: what own_learning:NoOptimizer"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_told_before_any_training(
    key: str, name: str, given: Tree, said: str, own: str
) -> None:
    part = {key: {"class": f"{own}:{name}", **given}}
    try:
        assert any(text.startswith(said) for text in told(**part))
    except UserCodeError as error:
        assert str(error).startswith(said)


def test_nothing_is_imported_that_was_not_allowed() -> None:
    for key in ("loss", "optimizer"):
        with pytest.raises(UserCodeError, match="add --allow nowhere"):
            told(**{key: {"class": "nowhere:Thing"}})


def test_the_task_of_an_own_loss_is_stated_or_that_of_the_data() -> None:
    data, loss = {"class": "mine:Rows"}, {"class": "mine:Loss"}
    assert "loss.task: is missing: classification or regression" in refused(data=data, loss=loss)
    assert "loss.task: must be classification or regression, got 'sorting'" in refused(
        loss=loss | {"task": "sorting"}
    )
    assert "loss.task: is regression, but iris is a classification; leave it out" in refused(
        loss=loss | {"task": "regression"}
    )
    for given, task in (
        ({"data": data, "loss": loss | {"task": "regression"}}, "regression"),
        ({"loss": loss}, "classification"),
    ):
        assert Configuration.resolve(IRIS | given).task == task


def test_what_does_not_reach_an_own_loss_is_refused() -> None:
    said = refused(
        data={"name": "digits", "balance": "weights", "augment": {"mixup": {}}},
        loss={"class": "mine:Loss"},
        regularization={"label_smoothing": 0.1},
    )
    for text in (
        "regularization.label_smoothing: does not reach a loss of your own",
        "data.balance: weights do not reach a loss of your own",
        "data.augment.mixup: mixes targets, which a loss of your own may not take",
    ):
        assert text in said
