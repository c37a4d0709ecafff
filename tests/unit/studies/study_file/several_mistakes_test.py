"""Two mistakes at once are told as mistakes, whichever they are."""

import contextlib
import copy
from collections.abc import Callable
from typing import Any

import pytest

from lightning_modules.errors import UserError
from studies.study_file import document, resolve

Tree = dict[str, Any]
RIGHT: Tree = {
    "study": "two",
    "data": "digits",
    "model": "mlp",
    "optimizer": {"name": "adam", "lr": {"min": 1e-4, "max": 1e-1, "log": True}},
    "search": {"method": "random", "trials": 4},
    "trainer": {"epochs": 2},
    "objective": {"metric": "val/accuracy"},
}
MISTAKES: dict[str, Callable[[Tree], Any]] = {
    "no name": lambda tree: tree.pop("study"),
    "another tool's method": lambda tree: tree["search"].update(method="bayes"),
    "another tool's pruner": lambda tree: tree["search"].update(pruner="asha"),
    "another tool's key": lambda tree: tree["search"].update(sampler="tpe"),
    "another tool's range": lambda tree: tree["optimizer"].update(lr={"low": 1, "high": 2}),
    "another tool's goal": lambda tree: tree["objective"].update(direction="minimize"),
    "an unknown factor": lambda tree: tree.update(compare={"factor": "optimzer"}),
    "an unknown data set": lambda tree: tree.update(data="digit"),
    "a range in a list": lambda tree: tree.update(
        model={"name": "mlp", "hidden": [{"min": 4, "max": 2}]}
    ),
    "a list that grows": lambda tree: tree.update(
        model={
            "name": "mlp",
            "hidden": {"layers": {"min": 1, "max": 3}, "each": {"min": 8, "max": "x"}},
        }
    ),
    "metrics of no program": lambda tree: tree.update(
        metrics={"from": "log", "patterns": {"a": "("}}
    ),
    "a command that is a text": lambda tree: tree.update(model={"command": "python x.py"}),
    "a place for nothing": lambda tree: tree.update(
        model={"command": ["python", "{model.levle}"], "level": {"values": [1, 2]}}
    ),
    "a grid of a range": lambda tree: tree.update(search={"method": "grid"}),
    "too many values": lambda tree: tree["optimizer"].update(
        lr={"min": 0, "max": 1, "num": 100_000}
    ),
    "no class": lambda tree: tree.update(loss={"class": "nope"}),
    "no values": lambda tree: tree.update(optimizer={"name": "sgd", "lr": {"values": []}}),
    "repeats as a text": lambda tree: tree["search"].update(repeats="x"),
    "variables of no program": lambda tree: tree.update(env=["A"]),
    "no target": lambda tree: tree.update(data={"name": "table", "path": "x.csv", "target": []}),
    "a nested class": lambda tree: tree.update(
        model={"class": "a:B", "inner": [{"class": "zz", "width": {"min": 1}}]}
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_beside_every_other(name: str) -> None:
    """Another one may replace it, but nothing else than a sentence comes of two."""
    alone = copy.deepcopy(RIGHT)
    MISTAKES[name](alone)
    with pytest.raises(UserError):
        resolve(document.from_tree(alone))
    for other in MISTAKES:
        tree = copy.deepcopy(RIGHT)
        with contextlib.suppress(AttributeError, KeyError):
            MISTAKES[name](tree)
            MISTAKES[other](tree)  # which may have nowhere left to stand
        with contextlib.suppress(UserError):
            resolve(document.from_tree(tree))


def test_the_file_without_a_mistake_is_right() -> None:
    assert resolve(document.from_tree(RIGHT)).study == "two"
