"""A configuration is complete, has one spelling, and is refused with every mistake at once."""

import json
from typing import Any

import pytest

from lightning_modules.checking import problems
from lightning_modules.components import Number
from lightning_modules.configuration import Configuration
from lightning_modules.data.datasets import DATASETS
from lightning_modules.errors import ConfigurationError
from lightning_modules.networks import NETWORKS
from lightning_modules.optimizers import OPTIMIZERS
from lightning_modules.regularization import REGULARIZATION
from lightning_modules.schedules import SCHEDULES
from lightning_modules.sections import SECTIONS

Tree = dict[str, Any]


def resolve(**tree: Any) -> Configuration:
    return Configuration.resolve({"data": "iris", "model": "mlp", **tree})


FITTING = [
    (data, model)
    for data, row in DATASETS.items()
    for model, network in NETWORKS.items()
    if row.check is None and row.kind in network.kinds
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
        "trainer": {"epochs": 20, "accelerator": "auto", "threads": 1},
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
    assert without.parameters["weight_decay"] == (0.01 if name == "adamw" else 0.0)


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


# Mistakes

IRIS: Tree = {"data": "iris", "model": "mlp"}
DIGITS: Tree = {"data": "digits", "model": "gru"}
LOGGED = "val/loss, val/accuracy, val/f1, train/loss, train/accuracy, train/f1"


@pytest.mark.parametrize(
    ("tree", "complaint"),
    [
        ({"model": "mlp"}, "data: is missing: name a data set"),
        ({"data": "iris"}, "model: is missing: name a network"),
        (
            IRIS | {"optimiser": "sgd"},
            "optimiser: there is no such part of a configuration; did you mean optimizer?",
        ),
        (
            IRIS | {"xyz": 1},
            "xyz: there is no such part of a configuration; known are data, model, loss, "
            "optimizer, schedule, regularization, trainer, objective",
        ),
        (
            IRIS | {"optimizer": ["sgd"]},
            "optimizer: must be the name of an optimizer, or {name: ..., parameters}, got ['sgd']",
        ),
        (
            IRIS | {"loss": {"delta": 1}},
            "loss: must be the name of a loss, or {name: ..., parameters}, got {'delta': 1}",
        ),
        (
            IRIS | {"schedule": "cosin"},
            "schedule: there is no schedule 'cosin'; did you mean cosine?",
        ),
        (
            IRIS | {"schedule": {"name": "cosin"}},
            "schedule.name: there is no schedule 'cosin'; did you mean cosine?",
        ),
        (
            IRIS | {"optimizer": {"name": "sgd", "lr": None}},
            "optimizer.lr: must be a number > 0, got None",
        ),
        (
            IRIS | {"schedule": {"name": "one_cycle", "pct_start": 1}},
            "schedule.pct_start: must be a number >= 0 and < 1, got 1",
        ),
        (
            {"data": {"name": "iris", "split_seed": 2**32}, "model": "mlp"},
            "data.split_seed: must be an integer >= 0 and <= 1e+09, got 4294967296",
        ),
        (
            {
                "data": {
                    "name": "text",
                    "path": "a",
                    "text": "b",
                    "target": "c",
                    "embedding_size": 8,
                    "tokenizer": "folder",
                },
                "model": {"name": "bert", "weights": "folder"},
            },
            "data.embedding_size: bert embeds tokens by itself; leave it out",
        ),
        (
            {
                "data": {"name": "digits", "augment": {"mixup": 0.2}},
                "model": {"class": "mine.nets:Net"},
                "objective": {"metric": "val_acc", "goal": "maximize"},
            },
            "data.augment.mixup: mixes targets, which the loss of a module of your own "
            "may not take",
        ),
        (
            {
                "data": {"name": "digits", "standardize": False},
                "model": {"name": "resnet18", "normalize": "imagenet"},
            },
            "model.normalize: is for values from 0 to 1, and digits has others; leave it out",
        ),
        (
            {"data": {"name": "mnist1d", "test": 0.2}, "model": "mlp"},
            "data.test: mnist1d takes no such parameter; it takes batch_size, validation, "
            "split_seed, standardize, balance, augment",
        ),
        (
            {"data": "iris", "model": {"name": "mlp", "activation": {"name": "elu", "alpha": -1}}},
            "model.activation: alpha must be a number >= 0, got -1",
        ),
        (
            IRIS | {"trainer": {"epoch": 3}},
            "trainer.epoch: trainer takes no such parameter; did you mean epochs?",
        ),
        (
            IRIS | {"trainer": {"epochs": 0}},
            "trainer.epochs: must be an integer >= 1, got 0",
        ),
        (
            IRIS | {"trainer": {"accelerator": "cuda"}},
            "trainer.accelerator: must be one of auto, cpu, gpu, got 'cuda'",
        ),
        (IRIS | {"trainer": 3}, "trainer: must map names to values, got 3"),
        (
            IRIS | {"regularization": "l2"},
            "regularization: must map names to strengths, got 'l2'",
        ),
        (
            IRIS | {"regularization": {"drop_out": 0.5}},
            "regularization.drop_out: there is no regularization 'drop_out'; did you mean dropout?",
        ),
        (
            IRIS | {"regularization": {"l2": -1}},
            "regularization.l2: must be a number >= 0, got -1",
        ),
        (
            IRIS | {"regularization": {"l2": {"strength": -1}}},
            "regularization.l2.strength: must be a number >= 0, got -1",
        ),
        (
            IRIS | {"regularization": {"l2": True}},
            "regularization.l2: must be a number >= 0, got True",
        ),
        # parts that do not fit each other
        (
            {"data": "iris", "model": "cnn"},
            "model: cnn reads signals or images or sequences or texts, but iris is a table",
        ),
        (
            {"data": {"name": "wine"}, "model": {"name": "lstm"}},
            "model: lstm reads signals or images or sequences or texts, but wine is a table",
        ),
        (
            DIGITS | {"regularization": {"batch_norm": True}},
            "regularization.batch_norm: gru has no batch_norm",
        ),
        (
            {
                "data": "iris",
                "model": {"name": "mlp", "dropout": 0.1},
                "regularization": {"dropout": 0.5},
            },
            "regularization.dropout: is given twice, here and in model.dropout; keep one",
        ),
        (
            {
                "data": "iris",
                "model": {"name": "mlp", "batch_norm": True},
                "regularization": {"batch_norm": True},
            },
            "regularization.batch_norm: is given twice, here and in model.batch_norm; keep one",
        ),
        (
            IRIS
            | {
                "optimizer": {"name": "adamw", "weight_decay": 0.1},
                "regularization": {"weight_decay": 0.1},
            },
            "regularization.weight_decay: is given twice, here and in optimizer.weight_decay; "
            "keep one",
        ),
        (
            {"data": {"name": "iris", "validation": 0.7, "test": 0.5}, "model": "mlp"},
            "data.validation: validation and test take 1.2 of the rows; nothing is left to learn",
        ),
        (
            {"data": {"name": "iris", "test": 0.8}, "model": "mlp"},
            "data.test: validation and test take 1 of the rows; nothing is left to learn",
        ),
        (
            IRIS | {"loss": "mse"},
            "loss: mse does not fit classification; choose one of cross_entropy, "
            "binary_cross_entropy",
        ),
        (
            {"data": "diabetes", "model": "mlp", "loss": "cross_entropy"},
            "loss: cross_entropy does not fit regression; choose one of mse, mae, huber",
        ),
        (
            IRIS | {"loss": "binary_cross_entropy"},
            "loss: binary_cross_entropy needs two classes, but iris has 3",
        ),
        (
            {"data": "diabetes", "model": "mlp", "regularization": {"label_smoothing": 0.1}},
            "regularization.label_smoothing: smooths classes, but diabetes is a regression",
        ),
        (
            IRIS | {"objective": {"metric": "val/acuracy"}},
            "objective.metric: 'val/acuracy' is never logged for classification; "
            "did you mean val/accuracy?",
        ),
        (
            IRIS | {"objective": {"metric": 3}},
            f"objective.metric: 3 is never logged for classification; logged are {LOGGED}",
        ),
        (
            {"data": "diabetes", "model": "mlp", "objective": {"metric": "val/f1"}},
            "objective.metric: 'val/f1' is never logged for regression; did you mean val/r2?",
        ),
        (
            IRIS | {"objective": {"goal": "maximise"}},
            "objective.goal: must be one of maximize, minimize, got 'maximise'; "
            "did you mean maximize?",
        ),
        (
            IRIS | {"objective": {"direction": "minimize"}},
            "objective.direction: objective takes no such parameter; it takes metric, goal",
        ),
        (
            IRIS | {"objective": "val/loss"},
            "objective: must map names to values, got 'val/loss'",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(tree: Tree, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Configuration.resolve(tree)
    assert str(caught.value).splitlines() == [complaint]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_parts() -> None:
    tree: Tree = {
        "data": {"name": "iris", "bach_size": 3},
        "model": "cnn",
        "optimizer": {"name": "sgd", "lr": "fast"},
        "regularization": {"l3": 1},
        "trainer": {"epochs": 1.5},
    }
    assert [".".join(map(str, problem.path)) for problem in problems(tree)] == [
        "data.bach_size",
        "optimizer.lr",
        "regularization.l3",
        "trainer.epochs",
        "model",
    ]


@pytest.mark.parametrize(
    "tree",
    [
        {"data": {"name": "mnist1d", "validation": 0.85}, "model": "mlp"},
        {"data": "breast_cancer", "model": "mlp", "loss": "binary_cross_entropy"},
        {"data": "digits", "model": "rnn", "regularization": {"batch_norm": False}},
        {
            "data": "iris",
            "model": {"name": "mlp", "dropout": 0},
            "regularization": {"dropout": 0.5},
        },
        {"data": {"name": "iris", "batch_size": "full", "test": 0.79}, "model": "mlp"},
        {"data": "diabetes", "model": "mlp", "objective": {"metric": "train/r2"}},
    ],
)
def test_what_looks_odd_but_fits_is_taken(tree: Tree) -> None:
    assert list(problems(tree)) == []


def test_every_number_of_every_section_refuses_what_is_no_number() -> None:
    for section, table in ((key, section.table) for key, section in SECTIONS.items()):
        for name, row in table.items():
            for key, parameter in row.parameters.items():
                if isinstance(parameter, Number):
                    found = problems({section: {"name": name, key: "many"}})
                    complaint = f"must be {parameter.expects()}, got 'many'"
                    assert ((section, key), complaint) in [(p.path, p.message) for p in found]


def test_a_parameter_without_a_default_is_asked_for() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Configuration.resolve({"data": "table", "model": "mlp"})
    assert [str(problem) for problem in caught.value.problems] == [
        "data.path: is missing: a CSV or Parquet file with a header, relative to the current "
        "folder",
        "data.target: is missing: the column to predict",
    ]
