"""Trainings that read files, run programs or change their data are done again."""

import json
from pathlib import Path
from typing import Any

import pytest

from studies.cli import main
from studies.models.reproduce import Likeness, find
from tests.conftest import MakeHome
from tests.support.reproduced import again

Output = pytest.CaptureFixture[str]

PROGRAM = """
for epoch in $(seq "$2"); do
    awk -v lr="$1" -v epoch="$epoch" 'BEGIN {
        printf "{\\"epoch\\": %d, \\"metrics\\": {\\"val/loss\\": %s}}\\n", epoch, lr + 1 / epoch
    }'
    read answer
    [ "$answer" != stop ] || exit
done
echo trained > "$3"
echo '{"test": {"loss": 0.25}}'
"""
TABLE = {"name": "table", "path": "rows.csv", "target": "kind"}
OTHERS: dict[str, dict[str, Any]] = {
    "program": {
        "model": {"command": ["sh", "-c", PROGRAM, "sh", "{optimizer.lr}", "{epochs}",
                              "{checkpoint}"]},
        "objective": {"metric": "val/loss", "goal": "minimize"},
    },
    "pretrained": {
        "data": {"name": "digits", "batch_size": "full"},
        "model": {"name": "squeezenet1_1", "image_size": 32},
    },
    "table": {"data": TABLE, "model": {"name": "mlp", "hidden": [4]}},
    "augmented": {
        "data": {"name": "digits", "balance": "sampling", "augment": {"crop": 1, "mixup": 0.2}},
        "model": {"name": "mlp", "hidden": [4]},
    },
}  # fmt: skip
"""Studies that read files, run programs or change their data while they learn."""


def started(folder: Path, study: str, monkeypatch: pytest.MonkeyPatch, **parts: Any) -> list[str]:
    """The command that runs one of `OTHERS` in a folder, in which there is a CSV file."""
    monkeypatch.chdir(folder)
    rows = [f"{i / 60},{(i * 7) % 5},{'ab'[i % 2]}" for i in range(60)]
    Path("rows.csv").write_text("\n".join(["length,width,kind", *rows]) + "\n")
    tree = {
        "study": study,
        "optimizer": {"name": "sgd", "lr": {"values": [0.05]}},
        "search": {"method": "grid"},
        "trainer": {"epochs": 2, "accelerator": "cpu"},
        **OTHERS[study],
        **parts,
    }
    Path("study.yaml").write_text(json.dumps(tree))
    return ["run", "study.yaml", "--home", "home", "--workers", "1", "--quiet"]


@pytest.mark.parametrize("study", OTHERS)
def test_every_kind_of_training_is_identical(
    study: str, tmp_path: Path, make_home: MakeHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path / "home")
    assert main(started(tmp_path, study, monkeypatch)) == 0
    assert home.checkpoint(study, "trial-0000").exists()
    found = again(home, f"{study}/trial-0000")
    assert (found.failure, found.likeness, found.epochs) == ("", Likeness.identical, 2)
    assert "val/loss" in found.metrics and set(found.metrics.values()) == {0.0}
    assert found.weights == (None if study == "program" else 0.0)
    assert "test/loss" not in found.metrics  # no search sees its test part, not even a program's
    assert found.differences == ()


def test_a_changed_table_is_named(
    tmp_path: Path, make_home: MakeHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path / "home")
    assert main(started(tmp_path, "table", monkeypatch)) == 0
    rows = Path("rows.csv").read_text()
    Path("rows.csv").write_text(rows.replace(",0,", ",9,"))
    found = again(home, "table/trial-0000")
    assert found.likeness == Likeness.different
    before = find(home, "table/trial-0000")[1].data_hash
    (said,) = found.differences
    assert said.startswith(f"data was table@{before}, is table@") and not said.endswith(before)


def test_a_changed_script_is_named(
    tmp_path: Path, make_home: MakeHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, script = make_home(tmp_path / "home"), tmp_path / "train.sh"
    script.write_text(PROGRAM)
    model = {"command": ["sh", "train.sh", "{optimizer.lr}", "{epochs}", "{checkpoint}"]}
    command = started(tmp_path, "program", monkeypatch, model=model)
    assert main(command) == 0
    assert again(home, "program/trial-0000").differences == ()
    script.write_text(PROGRAM.replace("lr + 1", "lr + 2"))
    found = again(home, "program/trial-0000")
    assert found.likeness == Likeness.different
    (said,) = found.differences
    assert said.startswith("train.sh was ") and ", is " in said
    assert main(command) == 0  # there is nothing to train any more
    script.unlink()
    assert "train.sh was " in " ".join(again(home, "program/trial-0000").differences)


def test_a_script_that_changed_after_an_epoch_is_refused(
    tmp_path: Path, make_home: MakeHome, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    make_home(tmp_path / "home")
    script = tmp_path / "train.sh"
    script.write_text(PROGRAM.replace("    read answer\n", "    read answer; exit 1\n"))
    model = {"command": ["sh", "train.sh", "{optimizer.lr}", "{epochs}", "{checkpoint}"]}
    rate = {"name": "sgd", "lr": {"min": 0.01, "max": 0.1}}
    search = {"method": "random", "trials": 1}
    parts: dict[str, Any] = {"model": model, "search": search, "optimizer": rate}
    command = started(tmp_path, "program", monkeypatch, **parts)
    assert main(command) == 3
    script.write_text(PROGRAM)
    capsys.readouterr()
    assert main([*command, "--set", "search.trials=2"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("fairtune: train.sh: has changed since study program began (it had ")


def test_a_script_may_be_mended_as_long_as_no_trial_had_an_epoch(
    tmp_path: Path, make_home: MakeHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, script = make_home(tmp_path / "home"), tmp_path / "train.sh"
    script.write_text("exit 1")
    model = {"command": ["sh", "train.sh", "{optimizer.lr}", "{epochs}", "{checkpoint}"]}
    search = {"method": "random", "trials": 2}
    rate = {"name": "sgd", "lr": {"min": 0.01, "max": 0.1}}
    parts: dict[str, Any] = {"model": model, "search": search, "optimizer": rate}
    command = started(tmp_path, "program", monkeypatch, **parts)
    assert main([*command, "--set", "search.trials=1"]) != 0
    script.write_text(PROGRAM)
    assert main(command) == 0
    assert again(home, "program/trial-0001").differences == ()


def test_changed_weights_are_named_and_refused_and_missing_ones_are_said(
    tmp_path: Path, make_home: MakeHome, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    import torch
    from torchvision.models import squeezenet1_1

    home = make_home(tmp_path / "home")
    weights = squeezenet1_1().state_dict()
    torch.save(weights, tmp_path / "start.pth")
    model = {"name": "squeezenet1_1", "image_size": 32, "weights": "start.pth"}
    command = started(tmp_path, "pretrained", monkeypatch, model=model)
    assert main(command) == 0
    first = find(home, "pretrained/trial-0000")[1].weights_hash
    assert again(home, "pretrained/trial-0000").likeness == Likeness.identical
    torch.save({key: value * 1.5 for key, value in weights.items()}, "start.pth")
    found = again(home, "pretrained/trial-0000")
    assert found.likeness == Likeness.different and len(first) == 12
    (said,) = found.differences
    assert said.startswith(f"weights were start.pth@{first}, are start.pth@")
    assert not said.endswith(first)
    capsys.readouterr()
    assert main([*command, "--set", "confirm.top=1", "--set", "confirm.seeds=1"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("fairtune: start.pth: has changed since study pretrained began (it had ")
    Path("start.pth").unlink()
    assert main(["reproduce", "pretrained/trial-0000", "--home", "home"]) == 2
    assert "model.weights: there is no file start.pth" in capsys.readouterr().err
