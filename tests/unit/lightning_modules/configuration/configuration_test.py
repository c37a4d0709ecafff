"""A configuration is complete and has one spelling."""

import json
from typing import Any

import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.data.table import DATASETS
from lightning_modules.networks import NETWORKS
from lightning_modules.optimization import REGULARIZATION, SCHEDULES
from lightning_modules.optimization.optimizers import OPTIMIZERS

Tree = dict[str, Any]


def resolve(**tree: Any) -> Configuration:
    return Configuration.resolve({"data": "iris", "model": "mlp", **tree})


FITTING = [
    (data, model)
    for data, row in DATASETS.items()
    for model, network in NETWORKS.items()
    if row.check is None and network.check is None and row.kind in network.kinds
]


# Defaults


def test_two_names_are_a_whole_configuration() -> None:
    assert resolve().to_dict() == {
        "data": {
            "name": "iris",
            "batch_size": 64,
            "validation": 0.2,
            "split_seed": 0,
            "standardize": True,
            "balance": "none",
            "test": 0.2,
        },
        "model": {
            "name": "mlp",
            "hidden": [64],
            "activation": {"name": "relu"},
            "dropout": 0.0,
            "batch_norm": False,
        },
        "loss": {"name": "cross_entropy"},
        "optimizer": {
            "name": "adam",
            "lr": 1e-3,
            "betas": [0.9, 0.999],
            "eps": 1e-8,
            "amsgrad": False,
            "weight_decay": 0.0,
        },
        "schedule": {"name": "constant", "warmup": 0.0},
        "regularization": {},
        "trainer": {
            "epochs": 20,
            "accelerator": "auto",
            "threads": 1,
            "precision": 32,
            "accumulate": 1,
            "compile": False,
            "val_every": 1,
            "max_steps": None,
        },
        "objective": {"metric": "val/accuracy", "goal": "maximize"},
    }


def test_a_regression_has_its_own_loss_and_objective() -> None:
    configuration = resolve(data="diabetes")
    assert configuration.loss.name == "mse"
    assert (configuration.objective.metric, configuration.objective.goal) == (
        "val/rmse",
        "minimize",
    )


def test_the_goal_follows_from_the_metric_unless_it_is_given() -> None:
    assert resolve(objective={"metric": "val/loss"}).objective.goal == "minimize"
    assert resolve(objective={"metric": "train/f1"}).objective.goal == "maximize"
    assert resolve(objective={"goal": "minimize"}).objective.goal == "minimize"


def test_what_is_given_stays_and_the_rest_is_filled_in() -> None:
    configuration = resolve(
        optimizer={"name": "sgd", "lr": 0.5},
        model={"name": "mlp", "activation": {"name": "leaky_relu"}},
        regularization={"early_stopping": {"min_delta": 0.1}, "l1": 0.25, "l2": {}},
        trainer={"epochs": 3},
    )
    assert configuration.optimizer.parameters == {"lr": 0.5, "weight_decay": 0.0}
    assert configuration.model.parameters["activation"] == {
        "name": "leaky_relu",
        "negative_slope": 0.01,
    }
    assert configuration.regularization == {
        "early_stopping": {"patience": 5, "min_delta": 0.1},
        "l1": {"strength": 0.25},
        "l2": {"strength": 1e-4},
    }
    assert configuration.trainer["epochs"] == 3 and configuration.trainer["threads"] == 1


@pytest.mark.parametrize("off", [None, False])
def test_null_and_false_switch_a_regularizer_off(off: object) -> None:
    assert resolve(regularization={"l2": off, "batch_norm": off}).regularization == {}


def test_empty_sections_are_as_good_as_none() -> None:
    nothing = {key: None for key in ("loss", "optimizer", "schedule", "objective", "trainer")}
    assert resolve(**nothing, regularization=None) == resolve(regularization={})


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_decoupled_weight_decay_takes_the_place_of_the_optimizers_own(name: str) -> None:
    configuration = resolve(optimizer=name, regularization={"weight_decay": 0.1})
    assert configuration.optimizer.parameters["weight_decay"] == 0.0
    assert configuration.regularization == {"weight_decay": {"strength": 0.1}}
    without = resolve(optimizer=name).optimizer
    assert without.parameters["weight_decay"] == {"adamw": 0.01, "muon": 0.1}.get(name, 0.0)


# Identity


@pytest.mark.parametrize(("data", "model"), FITTING)
def test_a_configuration_written_out_and_read_again_is_the_same(data: str, model: str) -> None:
    configuration = resolve(data=data, model=model)
    written = json.loads(json.dumps(configuration.to_dict()))
    again = Configuration.resolve(written)
    assert again == configuration
    assert again.hash == configuration.hash
    assert again.to_dict() == written


def test_every_component_and_regularizer_survives_writing_and_reading() -> None:
    trees: list[Tree] = [{"optimizer": name} for name in OPTIMIZERS]
    trees += [{"schedule": name} for name in SCHEDULES]
    trees += [{"regularization": {name: {}}} for name in REGULARIZATION]
    trees += [{"regularization": {"weight_decay": 0.1}, "optimizer": "adamw"}]
    hashes = set()
    for tree in trees:
        configuration = resolve(**tree)
        assert Configuration.resolve(configuration.to_dict()) == configuration
        hashes.add(configuration.hash)
    assert len(hashes) == len(trees) - 1  # adam and constant are the defaults


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"optimizer": {"name": "sgd", "lr": 1}}, {"optimizer": {"name": "sgd", "lr": 1.0}}),
        ({"optimizer": {"name": "sgd", "lr": 1e-3}}, {"optimizer": "sgd"}),
        (
            {"optimizer": {"name": "adam", "betas": [0, 0.5]}},
            {"optimizer": {"betas": (0.0, 0.5), "name": "adam"}},
        ),
        (
            {"schedule": {"name": "step", "warmup": 2}},
            {"schedule": {"warmup": 2.0, "name": "step"}},
        ),
        ({"regularization": {"l2": 1}}, {"regularization": {"l2": {"strength": 1.0}}}),
        (
            {"regularization": {"l1": 0.1, "l2": 0.2}},
            {"regularization": {"l2": 0.2, "l1": 0.1}},
        ),
        (
            {"model": {"name": "mlp", "activation": "elu"}},
            {"model": {"name": "mlp", "activation": {"alpha": 1, "name": "elu"}}},
        ),
        (
            {"model": {"name": "mlp", "activation": "relu"}},
            {"model": {"name": "mlp", "activation": {"name": "relu"}}},
        ),
        ({"trainer": {"epochs": 20}}, {}),
        ({"objective": {"metric": "val/accuracy", "goal": "maximize"}}, {}),
    ],
)
def test_two_spellings_of_the_same_configuration_are_equal(one: Tree, other: Tree) -> None:
    assert resolve(**one) == resolve(**other)
    assert resolve(**one).hash == resolve(**other).hash


def test_every_single_value_is_part_of_the_hash() -> None:
    configuration = resolve(regularization={"l2": 0.1}, loss="cross_entropy")
    numbers = [
        (section, key)
        for section in ("data", "model", "optimizer", "schedule")
        for key, value in getattr(configuration, section).parameters.items()
        if isinstance(value, float)
    ]
    assert len(numbers) == 7
    hashes = {configuration.hash}
    for section, key in numbers:
        tree = configuration.to_dict()
        tree[section][key] += 0.125
        hashes.add(Configuration.resolve(tree).hash)
    for change in ({"trainer": {"epochs": 21}}, {"trainer": {"threads": 2}}):
        hashes.add(Configuration.resolve({**configuration.to_dict(), **change}).hash)
    assert len(hashes) == 1 + 7 + 2


def test_a_flat_configuration_has_a_dotted_path_for_every_value() -> None:
    flat = resolve(
        optimizer={"name": "sgd", "lr": 0.1},
        model={"name": "mlp", "hidden": [8, 8], "activation": "elu"},
        regularization={"l2": 0.5},
    ).flat()
    wanted = {
        "optimizer.name": "sgd",
        "optimizer.lr": 0.1,
        "model.hidden": [8, 8],
        "model.activation.name": "elu",
        "model.activation.alpha": 1.0,
        "regularization.l2.strength": 0.5,
        "trainer.epochs": 20,
        "objective.goal": "maximize",
    }
    assert {path: flat[path] for path in wanted} == wanted
