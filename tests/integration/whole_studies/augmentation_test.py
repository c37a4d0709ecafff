"""Augmentation in studies: searched, compared, and refused where it does not fit."""

import json
from pathlib import Path
from typing import Any

import pytest

from lightning_modules.errors import UserError
from studies.cli import main
from studies.home import Home
from studies.study_file import Choice, Range, Spec, document, resolve
from studies.study_file.space.open_values import Fixed
from studies.study_file.space.tree import find
from tests.support.accounts import last_line, optuna_trials

Output = pytest.CaptureFixture[str]

SEARCHED = """
study: searched
data:
  name: digits
  batch_size: 256
  augment:
    mixup: {min: 0.1, max: 0.4}
    color_jitter: {brightness: {min: 0.0, max: 0.5}, contrast: {values: [0.0, 0.3]}}
    crop: {padding: {min: 1, max: 3}}
    random_erasing: null
model: {name: mlp, hidden: [8]}
trainer: {epochs: 1, accelerator: cpu}
search: {method: random, trials: 3}
"""
COMPARED = """
study: compared
data:
  name: digits
  batch_size: 256
  augment:
    - {label: none}
    - {label: flips, horizontal_flip: 0.5}
    - {mixup: {alpha: {min: 0.1, max: 0.4}}, crop: 1}
model: {name: mlp, hidden: [8]}
trainer: {epochs: 1, accelerator: cpu}
search: {method: random, trials: 2}
compare: {factor: data.augment, claim: configurations}
confirm: {top: 1, seeds: 2}
"""


def read(text: str) -> Spec:
    return resolve(document.parse(text, "study.yaml"))


def test_values_within_an_augmentation_may_be_ranges_and_choices() -> None:
    found = dict(read(SEARCHED).space.parameters())
    assert found == {
        "data.augment.mixup": Range(0.1, 0.4, start=0.2),
        "data.augment.color_jitter.brightness": Range(0.0, 0.5, start=0.2),
        "data.augment.color_jitter.contrast": Choice((0.0, 0.3), start=0.2),
        "data.augment.crop.padding": Range(1, 3, integer=True, start=4),
    }


def test_alternatives_are_called_by_their_label_or_by_what_they_name() -> None:
    compared = read(COMPARED)
    node = find(compared.space.root, "data.augment")
    assert list(node.options) == ["none", "flips", "mixup+crop"]  # type: ignore[union-attr]
    assert node.options["flips"].children == {"horizontal_flip": Fixed(0.5)}  # type: ignore[union-attr]
    assert compared.factors == ("data.augment",)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("max: 0.4}", "max: -0.4}", "data.augment.mixup: min must be less than max"),
        ("{min: 0.1, max: 0.4}", "{min: -0.1, max: 0.4}", "data.augment: mixup.alpha must be"),
        ("crop:", "corp:", "there is no augmentation 'corp'; did you mean crop?"),
        ("name: digits", "name: iris", "data.augment: iris takes no such parameter"),
    ],
)
def test_a_mistake_within_an_augmentation_is_told(right: str, wrong: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        read(SEARCHED.replace(right, wrong))
    assert message in str(caught.value)


def test_two_alternatives_of_the_same_names_need_labels() -> None:
    text = COMPARED.replace("{mixup: {alpha: {min: 0.1, max: 0.4}}, crop: 1}", "{label: flips}")
    with pytest.raises(UserError) as caught:
        read(text)
    assert "is the second alternative called flips" in str(caught.value)


def run(text: str, folder: Path, home: Home, capsys: Output) -> Any:
    file = folder / "study.yaml"
    file.write_text(text)
    argv = ["run", str(file), "--home", str(home.path), "--workers", "1", "--json"]
    assert main(argv) == 0
    return last_line(capsys.readouterr().out)


@pytest.mark.slow
def test_a_study_searches_augmentations(tmp_path: Path, home: Home, capsys: Output) -> None:
    told = run(SEARCHED, tmp_path, home, capsys)
    assert told["trials"] == {"completed": 3}
    augment = told["best"]["configuration"]["data"]["augment"]
    assert 0.1 <= augment["mixup"]["alpha"] <= 0.4
    assert list(augment) == ["color_jitter", "crop", "mixup"]
    [first, *_] = optuna_trials(home, "searched")
    assert first.params == {
        "data.augment.mixup": 0.2,
        "data.augment.color_jitter.brightness": 0.2,
        "data.augment.color_jitter.contrast": 0.0,
        "data.augment.crop.padding": 3,
    }


@pytest.mark.slow
def test_a_study_compares_augmentations(tmp_path: Path, home: Home, capsys: Output) -> None:
    told = run(COMPARED, tmp_path, home, capsys)
    assert {arm: row["trials"] for arm, row in told["arms"].items()} == {
        "none": 2,
        "flips": 2,
        "mixup+crop": 2,
    }
    assert main(["compare", "compared", "--home", str(home.path), "--json"]) == 0
    compared = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert compared["factor"] == "data.augment"
    assert len(compared["pairs"]) == 3
    assert all(len(arm["confirmed"]) == 2 for arm in compared["arms"])
