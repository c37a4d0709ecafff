"""Ranges of the user's own classes are of numbers where the class says so."""

from collections.abc import Callable
from typing import Any

import pytest

from lightning_modules.errors import ConfigurationError, UserCodeError
from studies.inputs.number_kinds import mark_floats
from studies.study_file import Range, document, resolve

MODULE = """
from __future__ import annotations
from typing import Optional
from torch import nn

class Net(nn.Module):
    def __init__(self, rate: float, share: float | None = None, other: Optional[float] = None,
                 plain=0.5, layers: int = 2, number: int | float = 1, free=None, **more):
        super().__init__()
"""
FLOATS = ("rate", "share", "other", "plain")
INTEGERS = ("layers", "number", "free", "unknown")


def tree(module: str, name: str, given: dict[str, Any]) -> dict[str, Any]:
    model = {"class": f"{module}:Net", "rate": 0.5, name: given}
    return {
        "study": "kinds", "data": "iris", "model": model, "optimizer": "adam",
        "search": {"method": "random", "trials": 2},
    }  # fmt: skip


def parameter(made: dict[str, Any]) -> Range:
    ((_, node),) = resolve(document.from_tree(made), prepare=mark_floats).space.parameters()
    assert isinstance(node, Range)
    return node


@pytest.mark.parametrize("name", [*FLOATS, *INTEGERS])
def test_a_range_is_of_what_the_class_takes(
    name: str, write_module: Callable[[str, str], str]
) -> None:
    module = write_module("kinds_of_numbers", MODULE)
    node = parameter(tree(module, name, {"min": 0, "max": 1}))
    assert (node.integer, node.low, node.high) == (name in INTEGERS, 0, 1)
    assert isinstance(node.low, float) == (name in FLOATS)
    stepped = parameter(tree(module, name, {"min": 0, "max": 4, "step": 2}))
    assert stepped.grid_values(name) == [0, 2, 4]
    assert {type(each) for each in stepped.grid_values(name)} == {float if name in FLOATS else int}


def test_alternatives_and_overrides_are_looked_at(
    write_module: Callable[[str, str], str],
) -> None:
    module = write_module("kinds_of_numbers", MODULE)
    made = tree(module, "rate", {"min": 0, "max": 1})
    made["model"] = [made["model"], "mlp"]
    source = document.from_tree(made)
    changes = ["model.0.share={min: 1, max: 3}"]
    spec = resolve(source, changes, prepare=mark_floats)
    kinds = [node.integer for _, node in spec.space.parameters() if isinstance(node, Range)]
    assert kinds == [False, False]


def test_a_class_without_such_a_range_is_not_imported(
    write_module: Callable[[str, str], str],
) -> None:
    made = tree("nowhere_to_be_found", "rate", {"min": 0.0, "max": 1.0})
    assert not parameter(made).integer
    with pytest.raises(UserCodeError, match="--allow nowhere_to_be_found"):
        parameter(tree("nowhere_to_be_found", "rate", {"min": 0, "max": 1}))


def test_a_range_of_a_class_inside_a_class_is_of_what_that_takes(
    write_module: Callable[[str, str], str],
) -> None:
    module = write_module("kinds_of_numbers", MODULE)
    bounds = {"min": 0, "max": 1}
    inner = {"class": f"{module}:Net", "rate": bounds, "layers": bounds, "deep": {"plain": bounds}}
    spec = resolve(document.from_tree(tree(module, "free", inner)), prepare=mark_floats)
    found = {name: node.integer for name, node in spec.space.parameters() if hasattr(node, "low")}
    assert found == {
        "model.free.rate": False, "model.free.layers": True, "model.free.deep.plain": True,
    }  # fmt: skip
    (drawn, *_) = spec.configurations
    assert drawn.model.parameters["free"]["class"] == f"{module}:Net"
    assert drawn.flat()["model.free.deep.plain"] in (0, 1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"values": [{"class": "a:B", "size": {"min": 0, "max": 1}}, 3]},
         r"model.free.values.0: holds a range inside `values`"),
        ({"class": "a.B"}, "model.free.class: must be package.module:Class, got 'a.B'; did you"),
    ],
)  # fmt: skip
def test_a_range_that_nobody_would_draw_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        resolve(document.from_tree(tree("nowhere", "free", given)))


@pytest.mark.parametrize(
    "given",
    [
        [{"min": 0, "max": 1}, 0.5],
        {"layers": 2, "each": {"min": 0, "max": 1}},
        {"layers": 2, "all": {"min": 0, "max": 1}},
    ],
)
@pytest.mark.parametrize("name", ["betas", "rates", "sizes"])
def test_ranges_in_lists_are_of_what_the_class_takes(
    name: str, given: Any, write_module: Callable[[str, str], str]
) -> None:
    text = MODULE.replace("plain=0.5", "plain=0.5, betas=(0.9, 0.9), rates: list[float] = (), "
                          "sizes: list[int] = ()")  # fmt: skip
    module = write_module("kinds_of_lists", text)
    spec = resolve(document.from_tree(tree(module, name, given)), prepare=mark_floats)
    kinds = {node.integer for _, node in spec.space.parameters() if isinstance(node, Range)}
    assert kinds == {name == "sizes"}
