"""What is no configuration is refused, with every mistake at once."""

from typing import Any

import pytest

from lightning_modules.components import Number
from lightning_modules.configuration import Configuration
from lightning_modules.configuration.sections import SECTIONS
from lightning_modules.configuration.validation import problems
from lightning_modules.errors import ConfigurationError

Tree = dict[str, Any]


IRIS: Tree = {"data": "iris", "model": "mlp"}
DIGITS: Tree = {"data": "digits", "model": "gru"}
LOGGED = (
    "val/loss, val/accuracy, val/f1, val/balanced_accuracy, val/precision, val/recall, val/auroc, "
    "train/loss, train/accuracy, train/f1, train/balanced_accuracy, train/precision, "
    "train/recall, train/auroc"
)


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
            "data.split_seed: must be an integer >= 0 and <= 1000000000, got 4294967296",
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
            "trainer.epochs: must be an integer >= 1 and <= 1000000, got 0",
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
        "data.path: is missing: a CSV, Excel, Parquet or other table, relative to the current "
        "folder",
        "data.target: is missing: the column to predict, or a list of them",
    ]


TWO = {"name": "table", "path": "rows.csv", "target": ["a", "b"]}
LABELS = {**TWO, "task": "multilabel"}
VALUES = {**TWO, "task": "regression"}
MISFITS: dict[str, tuple[dict[str, Any], str]] = {
    "weights": ({"data": {**LABELS, "balance": "weights"}}, "data.balance: balances classes, but"),
    "smoothing": (
        {"data": LABELS, "regularization": {"label_smoothing": 0.1}},
        "regularization.label_smoothing: smooths classes, but table has several labels",
    ),
    "loss": ({"data": LABELS, "loss": "mse"}, "loss: mse does not fit multilabel; choose one of "
             "binary_cross_entropy"),
    "mixture": (
        {"data": {"name": "arrays", "path": "rows.npz", "kind": "image", "task": "multilabel",
                  "augment": {"mixup": 0.2}}},
        "data.augment.mixup: mixes classes, but arrays has several labels",
    ),
    "rare": (
        {"data": {**VALUES, "rare_classes": "drop"}},
        "data.rare_classes: leaves out classes, but table is a regression",
    ),
    "separator": (
        {"data": {**TWO, "target": "a", "label_separator": "|"}},
        "data.label_separator: parts the labels of a row, of which only task: multilabel has",
    ),
    "separator of a list": (
        {"data": {**LABELS, "label_separator": "|"}},
        "data.label_separator: parts the labels in a single column, and data.target names 2",
    ),
    "objective": (
        {"data": LABELS, "objective": {"metric": "val/rmse"}},
        "objective.metric: 'val/rmse' is never logged for multilabel",
    ),
    "a target twice": (
        {"data": {**TWO, "target": ["a", "a"]}}, "data.target: names a column twice"
    ),
    "no target": ({"data": {**TWO, "target": []}}, "data.target: must be the name of a column, or"),
}  # fmt: skip


@pytest.mark.parametrize(("tree", "problem"), MISFITS.values(), ids=MISFITS)
def test_what_does_not_go_with_several_targets_is_refused(
    tree: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Configuration.resolve({"model": "mlp", **tree})
    assert problem in str(caught.value)


def test_the_objective_may_be_the_error_of_one_of_several_targets() -> None:
    tree = {"data": VALUES, "model": "mlp"}
    assert Configuration.resolve(tree).objective.metric == "val/r2"
    found = Configuration.resolve({**tree, "objective": {"metric": "val/rmse_b"}})
    assert found.objective.goal == "minimize"
    with pytest.raises(ConfigurationError, match="'val/rmse_c' is never logged for regression"):
        Configuration.resolve({**tree, "objective": {"metric": "val/rmse_c"}})
