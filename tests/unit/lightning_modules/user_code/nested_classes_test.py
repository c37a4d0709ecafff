"""Classes of the user's as arguments of classes of the user's: found, checked, allowed, made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.configuration.user_classes import classes_in
from lightning_modules.errors import ConfigurationError, UserCodeError
from lightning_modules.user_code import imports
from lightning_modules.user_code.modules import user_code_problems
from tests.conftest import WriteModule

Tree = dict[str, Any]
SHAPES = {"input_shape": (6,), "outputs": 2}
pytestmark = pytest.mark.usefixtures("own_folder")
PARTS = """
from torch import nn

class Backbone(nn.Sequential):
    def __init__(self, input_shape, width: float = 8, inner=None, outputs=5):
        super().__init__(nn.Flatten(), nn.Linear(input_shape[0], int(width)))
        self.width, self.inner, self.outputs = int(width), inner, outputs

class Inner:
    def __init__(self, size=1, **more):
        self.size, self.more = size, more

class Strict:
    def __init__(self, size):
        raise KeyError("no such size")

class Net(nn.Module):
    def __init__(self, backbone, outputs, settings=None, blocks=()):
        super().__init__()
        self.backbone, self.settings, self.blocks = backbone, settings, blocks
        self.head = nn.Linear(backbone.width, outputs)

    def forward(self, inputs):
        return self.head(self.backbone(inputs))
"""


@pytest.fixture
def parts(write_module: WriteModule) -> str:
    return write_module("parts", PARTS)


def tree(parts: str, **model: Any) -> Tree:
    given = {"class": f"{parts}:Net", "backbone": {"class": f"{parts}:Backbone"}, **model}
    return {"data": "iris", "optimizer": "adam", "model": given}


def test_classes_are_made_however_deep_they_stand_and_get_what_they_need(parts: str) -> None:
    inner = {"class": f"{parts}:Inner", "size": 3, "table": {"rows": [1, {"two": 2}]}}
    given: Mapping[str, Any] = {
        "backbone": {"class": f"{parts}:Backbone", "width": 4, "inner": inner},
        "settings": {"plain": 1, "deep": {"one": inner}},
        "blocks": [inner, 7, [inner]],
    }
    made = imports.make(f"{parts}:Net", {**given, "outputs": 2}, SHAPES)
    assert made.backbone[1].in_features == 6  # it needs input_shape
    assert made.backbone.outputs == 5  # it has a default, which is its own
    assert (made.backbone.width, made.backbone.inner.size) == (4, 3)
    assert made.backbone.inner.more == {"table": {"rows": [1, {"two": 2}]}}
    assert made.settings["plain"] == 1 and made.settings["deep"]["one"].size == 3
    assert made.blocks[0].size == 3 and made.blocks[1] == 7 and made.blocks[2][0].size == 3
    assert made.blocks[0] is not made.blocks[2][0]
    assert given["backbone"]["inner"]["class"] == f"{parts}:Inner"  # nothing is changed


def test_every_class_of_a_configuration_is_known_by_its_path(parts: str) -> None:
    configuration = Configuration.resolve(tree(parts, blocks=[{"class": "torch.nn:ReLU"}]))
    paths = [f"{parts}:Net", f"{parts}:Backbone", "torch.nn:ReLU"]
    assert configuration.class_paths == paths
    assert Configuration.resolve(configuration.to_dict()) == configuration
    assert Configuration.resolve({"data": "iris", "model": "mlp"}).class_paths == []
    keys = [each.keys for each in classes_in(configuration.model.to_dict(), ("model",))]
    assert keys == [("model",), ("model", "backbone"), ("model", "blocks", 0)]


def test_a_nested_class_that_nobody_allowed_is_not_imported(parts: str, tmp_path: Path) -> None:
    (tmp_path / "trap.py").write_text("raise AssertionError('imported')")
    trap = {"class": "trap:Block"}
    for model in ({"backbone": trap}, {"blocks": [1, {"deep": [trap]}]}):
        configuration = Configuration.resolve(tree(parts, **model))
        said = "trap:Block: importing trap runs its code, which nobody has allowed; add --allow tr"
        (problem,) = user_code_problems(configuration)
        assert problem.message.startswith(said)
        with pytest.raises(UserCodeError, match=said):
            imports.make(configuration.model.name, configuration.model.parameters, SHAPES)


def test_wrong_arguments_of_nested_classes_are_named_by_their_place(parts: str) -> None:
    backbone = {"class": f"{parts}:Backbone", "widht": 3, "inner": {"class": f"{parts}:Strict"}}
    found = list(user_code_problems(Configuration.resolve(tree(parts, backbone=backbone))))
    assert [(each.path, each.message) for each in found] == [
        (("model", "backbone", "widht"), f"{parts}:Backbone takes no such parameter; did you mean "
         "width?"),
        (("model", "backbone", "inner", "size"), f"is missing: {parts}:Strict needs it"),
    ]  # fmt: skip
    with pytest.raises(UserCodeError, match=f"{parts}:Strict: making it raised KeyError: 'no such"):
        imports.built({"class": f"{parts}:Strict", "size": 1})
    with pytest.raises(UserCodeError, match=f"{parts}:Absent: {parts} has no Absent"):
        imports.built([{"class": f"{parts}:Absent"}])


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("parts.Backbone", "must be package.module:Class, got 'parts.Backbone'; did you mean "
         "parts:Backbone?"),
        ("dog", "must be package.module:Class, got 'dog'"),
        (3, "must be package.module:Class, got 3"),
        (None, "must be package.module:Class, got None"),
    ],
)  # fmt: skip
def test_a_path_that_is_none_is_named_before_anything_is_imported(path: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Configuration.resolve(tree("parts", blocks=[{"class": path}]))
    problems = [(each.path, each.message) for each in raised.value.problems]
    assert problems == [(("model", "blocks", 0, "class"), said)]
