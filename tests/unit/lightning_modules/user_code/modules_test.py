"""Modules of the user's: imported where allowed, and what is said of those that are not."""

from pathlib import Path
from typing import Any

import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.errors import UserCodeError, UserError
from lightning_modules.user_code import imports
from lightning_modules.user_code.modules import user_code_problems
from tests.conftest import WriteModule
from tests.support.own_code import LIGHTNING, NETWORK

Tree = dict[str, Any]

pytestmark = pytest.mark.usefixtures("own_folder")
NET: Tree = {
    "data": {"name": "iris", "batch_size": 32},
    "optimizer": {"name": "adam", "lr": 0.05},
    "trainer": {"epochs": 3, "accelerator": "cpu"},
}


def test_nothing_is_imported_that_was_not_allowed(tmp_path: Path) -> None:
    (tmp_path / "trap.py").write_text("raise AssertionError('imported')")
    said = "trap:Net: importing trap runs its code, which nobody has allowed; add --allow trap"
    with pytest.raises(UserCodeError, match=said):
        imports.load("trap:Net")
    imports.allow(["tra", "trap.below", "other"])
    with pytest.raises(UserCodeError, match=said):
        imports.load("trap:Net")
    Configuration.resolve(NET | {"model": {"class": "trap:Net"}})


def test_the_current_folder_is_searched_for_allowed_modules_only(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import beside\n")
    (tmp_path / "beside.py").write_text("class Net: pass\n")
    imports.allow(["mine"])
    with pytest.raises(
        UserCodeError,
        match="needs a module beside that is missing; it is in the cu"
        "rrent folder: add --allow beside",
    ):
        imports.load("mine:beside")
    imports.allow(["beside"])
    assert imports.load("beside:Net").__name__ == "Net"


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ("", "absent:Net", "absent:Net: there is no module absent in the current folder or among"),
        ("import nowhere_at_all", "mine:Net", "mine needs a module nowhere_at_all that is missing"),
        ("1 / 0", "mine:Net", "mine:Net: importing mine raised ZeroDivisionError: division by"),
        ("exit(3)", "mine:Net", "mine:Net: importing mine raised SystemExit: 3"),
        ("def f(:", "mine:Net", "mine:Net: importing mine raised SyntaxError: "),
        ("class Nett: ...", "mine:Net", "mine:Net: mine has no Net; did you mean Nett?"),
        ("Net = 3", "mine:Net", "mine:Net: is neither a class nor a function"),
    ],
)
def test_a_class_that_cannot_be_had_is_named(
    write_module: WriteModule, text: str, path: str, said: str
) -> None:
    write_module("mine", text)
    imports.allow(["absent"])
    with pytest.raises(UserCodeError) as caught:
        imports.load(path)
    assert said in str(caught.value)


def test_what_is_no_module_name_is_not_allowed() -> None:
    with pytest.raises(UserError, match=r"--allow my/net\.py: is no module; write"):
        imports.allow(["my/net.py"])


CLASSES = LIGHTNING + NETWORK + "\nclass Plain:\n    pass\n"


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"model": {"class": "all:Net", "widht": 3}}, "model.widht: all:Net takes no such "
         "parameter; did you mean width?"),
        ({"model": {"class": "all:Net", "p": 3}}, "model.p: all:Net takes no such parameter; it "
         "takes input_shape, outputs, width, dropout"),
        ({"model": {"class": "all:Deep"}}, "model.depth: is missing: all:Deep needs it"),
        ({"model": {"class": "all:Net"}, "optimizer": None}, "model.class: all:Net is a network "
         "without an optimizer; name one in the file: optimizer: {name: adam}"),
        ({"model": {"class": "all:Module"}}, "model.class: all:Module is a LightningModule and "
         "brings its own optimizer; take optimizer out of the file, and give its settings to the "
         "class"),
        ({"model": {"class": "all:Plain"}}, "model.class: all:Plain is no torch.nn.Module and no "
         "LightningModule"),
        ({"model": "mlp", "data": {"class": "all:Net", "input_shape": [1], "outputs": 1},
          "loss": "mse"}, "data.class: all:Net is no LightningDataModule"),
        ({"model": {"class": "all:Net"},
          "data": {"name": "text", "path": "a", "text": "b", "target": "c"}},
         "model.class: all:Net reads rows of different lengths here, so its forward must take "
         "(inputs, lengths)"),
        ({"model": {"class": "all:Net"}, "regularization": {"batch_norm": True}},
         "regularization.batch_norm: all:Net takes no such parameter; it takes input_shape, "
         "outputs, width, dropout"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_with_its_place(
    write_module: WriteModule, tree: Tree, said: str
) -> None:
    write_module("all", CLASSES + "\nclass Deep(nn.Module):\n    def __init__(self, depth): ...\n")
    objective = {"metric": "val/accuracy", "goal": "maximize"}
    resolved = Configuration.resolve(
        {k: v for k, v in (NET | {"objective": objective} | tree).items() if v is not None}
    )
    assert [str(problem) for problem in user_code_problems(resolved)] == [said]
