"""Studies that are written as dictionaries of Python."""

from pathlib import Path

import numpy as np
import pytest

from lightning_modules.errors import UserError
from studies.study_file import document, resolve
from studies.study_file.reading.yaml_text import yaml_of

TREE = {
    "study": "written",
    "data": "iris",
    "model": {"name": "mlp", "hidden": [4]},
    "optimizer": {"name": "adam", "lr": {"values": [0.1, 0.01]}},
    "trainer": {"epochs": 2},
    "search": {"method": "grid"},
}


class Net: ...


def test_a_dictionary_means_what_the_same_file_means() -> None:
    file = document.parse(yaml_of(TREE), "a.yaml")
    assert resolve(document.from_tree(TREE)) == resolve(file)


def test_numbers_of_numpy_tuples_and_paths_are_what_a_file_would_hold() -> None:
    tree = {"a": np.float32(0.5), "b": (1, np.int64(2)), "c": Path("x") / "y", "d": None}
    assert document.from_tree(tree).tree == {"a": 0.5, "b": [1, 2], "c": "x/y", "d": None}


def test_the_callers_dictionary_stays_as_it_is() -> None:
    made = document.from_tree(TREE)
    made.override("optimizer.lr=0.5")
    assert TREE["optimizer"] == {"name": "adam", "lr": {"values": [0.1, 0.01]}}


def test_a_class_of_a_module_is_named() -> None:
    assert document.from_tree({"class": Path}).tree["class"].endswith(":Path")


@pytest.mark.parametrize("value", [object(), {1, 2}, np.zeros(3)])
def test_what_a_study_cannot_hold_is_named_with_its_place(value: object) -> None:
    with pytest.raises(UserError, match=r"the study: model\.hidden: is a \w+, which a study"):
        resolve(document.from_tree({**TREE, "model": {"name": "mlp", "hidden": value}}))


def test_a_class_of_a_script_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Net, "__module__", "__main__")
    with pytest.raises(UserError, match="write it to a module"):
        resolve(document.from_tree({**TREE, "model": {"class": Net}}))


@pytest.mark.parametrize(
    "value",
    [5, 0.5, True, None, "adam", "1e-3", "null", "a: b # c", [1, "x"], {"min": 0.1, "max": 1.0}],
)
def test_an_assignment_gives_the_same_value_as_the_dictionary(value: object) -> None:
    made = document.from_tree({"a": {}})
    made.override(document.assignment("a.b", value))
    assert made.tree == {"a": {"b": value}}


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), np.float64(0.25), Path("x/y")])
def test_an_assignment_gives_numbers_that_json_has_not(value: object) -> None:
    made = document.from_tree({})
    made.override(document.assignment("a", value))
    assert made.tree == document.from_tree({"a": value}).tree
    assert isinstance(made.tree["a"], float | str)


def test_an_assignment_of_what_a_study_cannot_hold_is_refused() -> None:
    with pytest.raises(UserError, match="is a set, which a study cannot hold"):
        document.assignment("search.trials", {1})
