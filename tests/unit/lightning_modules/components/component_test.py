"""Activations follow their formulas; rows say what is wrong with a value."""

import math
import pickle
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from lightning_modules.components import (
    Component,
    ComponentParameter,
    DateForm,
    Entries,
    Flag,
    Items,
    Number,
    Option,
    Parameter,
    article,
    lookup,
    resolve_component,
    suggestion,
    unknown,
    validation_errors,
)
from lightning_modules.data.augmentation.table import AUGMENTATIONS
from lightning_modules.data.table import DATASETS
from lightning_modules.errors import ConfigurationError, Problem, UserError
from lightning_modules.networks import NETWORKS
from lightning_modules.networks.activations import ACTIVATIONS, build_activation
from lightning_modules.optimization import LOSSES, REGULARIZATION, SCHEDULES
from lightning_modules.optimization.optimizers import OPTIMIZERS

TABLES: dict[str, Mapping[str, Component]] = {
    "activation": ACTIVATIONS,
    "augmentation": AUGMENTATIONS,
    "data set": DATASETS,
    "loss": LOSSES,
    "network": NETWORKS,
    "optimizer": OPTIMIZERS,
    "regularization": REGULARIZATION,
    "schedule": SCHEDULES,
}

# Activations

POINTS = [-2.0, -0.5, 0.0, 0.5, 2.0]


def normal_distribution(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2


FORMULAS: dict[str, Callable[[float], float]] = {
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "tanh": math.tanh,
    "relu": lambda x: max(0.0, x),
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "elu": lambda x: x if x > 0 else math.exp(x) - 1,
    "gelu": lambda x: x * normal_distribution(x),
    "silu": lambda x: x / (1 + math.exp(-x)),
    "identity": lambda x: x,
}


ROUNDINGS = 8 * float(torch.finfo(torch.float32).eps)
"""Relative error of a handful of float32 operations; kernels differ in their order and number."""


def activated(value: str | Mapping[str, Any]) -> list[float]:
    values: list[float] = build_activation(value)(torch.tensor(POINTS)).tolist()
    return values


def differing(values: Sequence[float], formula: Callable[[float], float]) -> list[float]:
    """The points where values are further from the formula than float32 can round.

    Terms of the size of max(1, |x|) may cancel, as 1 + erf(x / √2) does in gelu: what is left has
    the absolute error of the terms, which is a large one relative to a small result.
    """
    return [
        x
        for x, value in zip(POINTS, values, strict=True)
        if not abs(value - formula(x)) <= ROUNDINGS * max(1.0, abs(x))
    ]


def test_every_activation_equals_its_formula() -> None:
    assert FORMULAS.keys() == ACTIVATIONS.keys()
    found = {name: differing(activated(name), formula) for name, formula in FORMULAS.items()}
    assert found == {name: [] for name in FORMULAS}


def test_a_neighbour_of_a_function_is_not_taken_for_it() -> None:
    by_tanh = torch.nn.functional.gelu(torch.tensor(POINTS), approximate="tanh").tolist()
    assert differing(by_tanh, FORMULAS["gelu"]) == [-2.0, -0.5, 0.5, 2.0]
    for name, formula in FORMULAS.items():
        others = [other for other in FORMULAS if other != name]
        assert all(differing(activated(other), formula) for other in others), name


def test_an_activation_takes_its_parameter() -> None:
    assert activated({"name": "leaky_relu", "negative_slope": 0.25})[:2] == [-0.5, -0.125]
    np.testing.assert_allclose(
        activated({"name": "elu", "alpha": 2.0})[0], 2 * (math.exp(-2) - 1), rtol=ROUNDINGS
    )


# Parameters


@pytest.mark.parametrize(
    ("parameter", "right", "wrong", "complaint"),
    [
        (Number(1.0, ""), [0, -3.5, 1e300], "1e-3", "must be a number, got '1e-3'"),
        (Number(1.0, ""), [], True, "must be a number, got True"),
        (Number(1.0, ""), [], math.nan, "must be a number, got nan"),
        (Number(1.0, ""), [], math.inf, "must be a number, got inf"),
        (Number(1.0, ""), [], None, "must be a number, got None"),
        (Number(None, ""), [None, 2], "x", "must be a number, got 'x'"),
        (Number(1, "", low=0), [0, 0.1], -0.1, "must be a number >= 0, got -0.1"),
        (Number(1, "", low=0, open="low"), [0.1], 0, "must be a number > 0, got 0"),
        (
            Number(0.5, "", low=0, high=1, open="high"),
            [0, 0.999],
            1.0,
            "must be a number >= 0 and < 1, got 1.0",
        ),
        (
            Number(0.5, "", low=0, high=1, open="both"),
            [0.5],
            0,
            "must be a number > 0 and < 1, got 0",
        ),
        (Number(1, "", low=0, high=1), [0, 1], 2, "must be a number >= 0 and <= 1, got 2"),
        (Number(1, "", low=1, integer=True), [1, 9], 2.0, "must be an integer >= 1, got 2.0"),
        (
            Number(1, "", low=1, integer=True, words=("full",)),
            ["full", 8],
            "half",
            "must be an integer >= 1 or \"full\", got 'half'",
        ),
        (Flag(True, ""), [True, False], 1, "must be true or false, got 1"),
        (Flag(True, ""), [], None, "must be true or false, got None"),
        (
            Option("cos", "", options=("cos", "linear")),
            ["cos", "linear"],
            "linar",
            "must be one of cos, linear, got 'linar'; did you mean linear?",
        ),
        (
            Option("cos", "", options=("cos", "linear")),
            [],
            3,
            "must be one of cos, linear, got 3",
        ),
        (
            Items([1], "", item=Number(1, "", low=1, integer=True)),
            [[], [1, 2], (3,)],
            [1, 0],
            "must be a list of items, each an integer >= 1, got [1, 0]",
        ),
        (
            Items([1], "", item=Number(1, "", low=1, integer=True)),
            [],
            5,
            "must be a list of items, each an integer >= 1, got 5",
        ),
        (
            Items([0, 0], "", item=Number(0, ""), length=2),
            [[1, 2]],
            [1],
            "must be a list of 2 items, each a number, got [1]",
        ),
        (
            Items(None, "", item=Number(0, ""), increasing=True),
            [None, [], [1, 2]],
            [1, 1],
            "must be a list of increasing items, each a number, got [1, 1]",
        ),
        (
            ComponentParameter("relu", "", table=ACTIVATIONS, what="activation"),
            ["relu", {"name": "elu", "alpha": 0.5}],
            ["relu"],
            "must be the name of an activation, or {name: ..., parameters}, got ['relu']",
        ),
        (
            ComponentParameter("relu", "", table=ACTIVATIONS, what="activation"),
            [],
            {"alpha": 0.5},
            "must be the name of an activation, or {name: ..., parameters}, got {'alpha': 0.5}",
        ),
        (
            ComponentParameter("relu", "", table=ACTIVATIONS, what="activation"),
            [],
            "Relu6",
            "there is no activation 'Relu6'; did you mean relu?",
        ),
        (
            ComponentParameter("relu", "", table=ACTIVATIONS, what="activation"),
            [],
            {"name": "elu", "alpha": -1, "beta": 2},
            "alpha must be a number >= 0, got -1; beta elu takes no such parameter; it takes alpha",
        ),
        (
            Entries({}, "", item=DateForm("", "")),
            [{}, {"when": "%d/%m/%Y", "then": "%b %d, %y %H:%M%z"}],
            {"when": "%d/%m", "then": "%d/%m/%Y"},
            "when must be a form of dates such as %d/%m/%Y, with year, month and day, got '%d/%m'",
        ),
        (
            Entries({}, "", item=DateForm("", "")),
            [],
            ["%d/%m/%Y"],
            "must be a mapping of names, each to a form of dates such as %d/%m/%Y, with year, "
            "month and day, got ['%d/%m/%Y']",
        ),
    ],
)
def test_a_parameter_takes_what_is_right_and_says_what_is_wrong(
    parameter: Parameter, right: list[Any], wrong: Any, complaint: str
) -> None:
    assert [parameter.validation_error(value) for value in right] == [None] * len(right)
    assert parameter.validation_error(wrong) == complaint


def test_a_schema_has_the_bounds_of_its_parameter() -> None:
    assert Number(1, "", low=0, high=1, open="high").schema() == {
        "type": "number",
        "minimum": 0,
        "exclusiveMaximum": 1,
    }
    words = Number(1, "", low=1, integer=True, words=("full",)).schema()
    assert words == {"anyOf": [{"type": "integer", "minimum": 1}, {"enum": ["full"]}]}
    pair = Items([0, 0], "", item=Flag(True, ""), length=2).schema()
    assert pair == {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 2}
    forms = Entries({}, "", item=DateForm("", "")).schema()
    assert forms["additionalProperties"] == {"type": "string", "minLength": 1}


@pytest.mark.parametrize("what", TABLES)
def test_every_row_takes_its_own_defaults_and_its_own_tuning_ranges(what: str) -> None:
    for name, row in TABLES[what].items():
        filled = {**row.defaults(), **dict.fromkeys(row.required, "given")}
        assert validation_errors(row, name, filled) == []
        for key, parameter in row.parameters.items():
            ends = getattr(parameter, "tune", None) or ()
            ends = [round(end) for end in ends] if getattr(parameter, "integer", False) else ends
            wrong = [end for end in ends if parameter.validation_error(end)]
            assert not wrong, f"{name}.{key}"


@pytest.mark.parametrize("what", TABLES)
def test_every_row_says_what_it_is_in_one_line(what: str) -> None:
    for row in TABLES[what].values():
        for text in (row.summary, *(parameter.summary for parameter in row.parameters.values())):
            assert text and "\n" not in text


# Rows


def test_a_chosen_row_comes_with_all_of_its_parameters() -> None:
    row, parameters = resolve_component(OPTIMIZERS, {"name": "sgd", "lr": 0.5}, "optimizer")
    assert row is OPTIMIZERS["sgd"]
    assert parameters == {"lr": 0.5, "weight_decay": 0.0}
    assert resolve_component(OPTIMIZERS, "sgd", "optimizer") == (row, row.defaults())


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ("adm", "there is no optimizer 'adm'; did you mean adam?"),
        ("ADAM", "there is no optimizer 'ADAM'; did you mean adam?"),
        (
            {"name": "sgd", "momentum": 0.9, "lr": 0},
            "optimizer momentum: sgd takes no such parameter; it takes lr, weight_decay; "
            "optimizer lr: must be a number > 0, got 0",
        ),
        (
            {"name": "adam", "bettas": [0, 0]},
            "optimizer bettas: adam takes no such parameter; did you mean betas?",
        ),
    ],
)
def test_a_row_that_cannot_be_chosen_is_a_user_error(
    node: str | Mapping[str, Any], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        resolve_component(OPTIMIZERS, node, "optimizer")
    assert str(caught.value) == message
    assert caught.value.exit_code == 2


def test_a_name_like_no_other_gets_the_list_of_names() -> None:
    with pytest.raises(UserError) as caught:
        lookup(LOSSES, "xyz", "loss")
    known = "cross_entropy, binary_cross_entropy, multilabel_soft_margin, mse, mae, huber"
    assert str(caught.value) == f"there is no loss 'xyz'; known are {known}"


def test_a_component_without_parameters_says_so() -> None:
    assert validation_errors(ACTIVATIONS["relu"], "relu", {"slope": 1}) == [
        ("slope", "relu takes no such parameter; it takes no parameters")
    ]


def test_suggestions_are_near_names_only() -> None:
    assert suggestion("dropuot", ["dropout", "l2"]) == "; did you mean dropout?"
    assert suggestion("weather", ["dropout", "l2"]) == ""
    assert unknown("network", 3, ["mlp"]) == "there is no network '3'; known are mlp"


def test_articles_follow_the_first_letter() -> None:
    assert [article(noun) for noun in ("image", "table", "optimizer")] == [
        "an image",
        "a table",
        "an optimizer",
    ]


# Errors


def test_an_error_with_several_problems_has_a_line_for_each_and_survives_pickling() -> None:
    error = ConfigurationError([Problem(("data", "test"), "is odd"), Problem((), "is empty")])
    again = pickle.loads(pickle.dumps(error))
    assert str(error) == str(again) == "data.test: is odd\nis empty"
    assert again.problems == error.problems
