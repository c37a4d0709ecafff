"""Values of a configuration as the words of a program's command."""

import shlex
import subprocess
from typing import Any

import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.configuration.program_words import (
    filled,
    placeholders,
    shell_line,
    variables,
)

VALUES = {
    "optimizer.lr": 0.00123456,
    "model.bn": True,
    "model.deep": False,
    "model.layers": [32, 64],
    "model.clip": None,
    "model.name": "it's big",
    "model.weight-decay": 0.1,
    "seed": 7,
}


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("{optimizer.lr}", ["0.00123456"]),
        ("--lr={optimizer.lr:%.4g}", ["--lr=0.001235"]),
        ("{optimizer.lr:.1e}", ["1.2e-03"]),
        ("run-{seed:%03d}", ["run-007"]),
        ("{model.bn}", ["true"]),
        ("{model.bn:python}", ["True"]),
        ("{model.clip:python}", ["None"]),
        ("{model.name:python}", ["it's big"]),
        ("{model.bn:flag --bn}", ["--bn"]),
        ("{model.deep:flag --deep}", []),
        ("{model.bn: flag --bn/--no-bn}", ["--bn"]),
        ("{model.deep:flag --deep/--shallow}", ["--shallow"]),
        ("{model.deep:flag /--no-deep}", ["--no-deep"]),
        ("{model.bn:flag /--no-bn}", []),
        ("{model.layers}", ["[32, 64]"]),
        ("model.layers={model.layers}", ["model.layers=[32, 64]"]),
        ("{model.layers:words}", ["32", "64"]),
        ("{model.clip:words}", []),
        ("--layers={model.layers:commas}", ["--layers=32,64"]),
        ("{model.layers:option --layers}", ["--layers", "32", "64"]),
        ("{model.clip:option --clip}", []),
        ("{seed:option --seed=}", ["--seed=7"]),
        ("{model.weight-decay}", ["0.1"]),
        ("{{model.bn:flag --bn}} {{seed}}", ["{model.bn:flag --bn} {seed}"]),
        ("optimizer.lr={optimizer.lr}", ["optimizer.lr=0.00123456"]),
        ("{unknown} {seed}", ["{unknown} 7"]),
        ("{unknown:words}", ["{unknown:words}"]),
    ],
)
def test_a_word_is_filled_as_its_form_says(word: str, words: list[str]) -> None:
    assert filled([word], VALUES) == words


def test_a_place_knows_its_name_and_form() -> None:
    (place,) = placeholders("a{model.bn: flag --bn}b{{seed}}")
    assert (place.name, place.form, place.text) == (
        "model.bn",
        "flag --bn",
        "{model.bn: flag --bn}",
    )


def command_of(command: list[Any], **parts: Any) -> list[str]:
    """The words of a program whose configuration gives some values."""
    return filled(*_words(command, **parts))


def _words(command: list[Any], **parts: Any) -> tuple[list[str], dict[str, Any]]:
    model = {
        "command": command,
        "bn": True,
        "layers": [32, 64],
        "clip": None,
        **parts.pop("model", {}),
    }
    configuration = Configuration.resolve(
        {
            "model": model,
            "optimizer": {"name": "sgd", "lr": 0.1},
            "trainer": {"epochs": 3},
            "objective": {"metric": "val/loss", "goal": "minimize"},
            **parts,
        }
    )
    return list(configuration.model.parameters["command"]), configuration.flat()


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("", "--bn true --layers 32 64 --optimizer sgd --lr 0.1"),
        (":--name value", "--bn true --layers 32 64 --optimizer sgd --lr 0.1"),
        (":-name value", "-bn true -layers 32 64 -optimizer sgd -lr 0.1"),
        (":--name=value", "--bn=true --layers=32,64 --optimizer=sgd --lr=0.1"),
        (":name=value", "bn=true 'layers=[32, 64]' clip=null optimizer=sgd lr=0.1"),
        (":--path=value", "--model.bn=true --model.layers=32,64 --optimizer.name=sgd "
         "--optimizer.lr=0.1"),
        (":path=value", "model.bn=true 'model.layers=[32, 64]' model.clip=null "
         "optimizer.name=sgd optimizer.lr=0.1"),
    ],
)  # fmt: skip
def test_params_is_everything_that_the_file_gives(form: str, words: str) -> None:
    assert command_of(["train", f"{{params{form}}}"]) == ["train", *shlex.split(words)]


def test_params_leaves_out_what_is_told_elsewhere() -> None:
    command = ["train", "{params}", "{model.bn:flag --bn}"]
    env = {"RATE": "{optimizer.lr}"}
    found = command_of(command, model={"env": env, "cwd": "."})
    assert found == ["train", "--layers", "32", "64", "--optimizer", "sgd", "--bn"]


def test_params_names_a_part_that_is_given_as_a_word() -> None:
    found = command_of(["train", "{params}"], optimizer="adam", regularization={"dropout": 0.5})
    assert found[-4:] == ["--optimizer", "adam", "--dropout", "0.5"]


def test_the_configuration_is_the_same_when_it_is_read_again() -> None:
    tree = {
        "model": {"command": ["train", "--epochs", 5, "{params}"], "a": 1},
        "optimizer": {"name": "sgd", "lr": 0.1},
        "objective": {"metric": "val/loss", "goal": "minimize"},
    }
    once = Configuration.resolve(tree)
    assert once.model.parameters["command"][:3] == ["train", "--epochs", "5"]
    assert Configuration.resolve(once.to_dict()) == once


def test_variables_have_values_and_texts() -> None:
    program = {
        "command": ["x"],
        "env": {"LR": "{optimizer.lr:%.2g}", "WHO": "me", "N": 3, "B": True},
    }
    found = variables(program, VALUES)
    assert found == {"LR": "0.0012", "WHO": "me", "N": "3", "B": "true"}


def test_a_shell_line_runs_as_it_is(tmp_path: Any) -> None:
    folder = tmp_path / "a b"
    folder.mkdir()
    program = {
        "command": ["sh", "-c", 'pwd; echo "$WHO" "$1"', "sh", "{model.name}"],
        "env": {"WHO": "$HOME & co"},
        "cwd": str(folder),
    }
    line = shell_line(program, VALUES)
    said = subprocess.run(line, shell=True, capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == [str(folder), "$HOME & co it's big"]
