"""`metrics:` of a study file: what it means, and every mistake in it at once."""

from __future__ import annotations

from typing import Any

import pytest

from studies.study_file import Spec, document, resolve
from studies.study_file.document import StudyFileError

COMMAND = ["sh", "train.sh", "{optimizer.lr}", "{folder}", "{checkpoint}"]


def read(metrics: Any, metric: str = "val/accuracy", model: Any = None) -> Spec:
    tree = {
        "study": "s",
        "model": model or {"command": COMMAND},
        "optimizer": {"name": "sgd", "lr": {"min": 0.1, "max": 1.0}},
        "objective": {"metric": metric, "goal": "maximize"},
        "metrics": metrics,
    }
    return resolve(document.from_tree(tree))


def mistakes(metrics: Any, metric: str = "val/accuracy", model: Any = None) -> str:
    with pytest.raises(StudyFileError) as caught:
        read(metrics, metric, model)
    return str(caught.value)


@pytest.mark.parametrize(
    "metrics",
    [
        {"from": "log", "patterns": {"epoch": r"epoch (\d+)", "val/accuracy": r"acc (\S+)"}},
        {"from": "csv", "path": "{folder}/a*/metrics.csv", "epoch": "pass"},
        {"from": "csv", "path": "{checkpoint}.csv", "names": {"val/accuracy": "acc"}},
        {"from": "tensorboard", "path": "{folder}", "names": {"val/accuracy": "Accuracy/val"}},
        {"from": "wandb"},
        {"from": "mlflow"},
        {"from": "trackio", "names": {"val/accuracy": "acc"}},
    ],
)
def test_every_way_is_right(metrics: dict[str, Any]) -> None:
    source = read(metrics).metrics
    assert source is not None and source.way == metrics["from"]
    assert source.names == metrics.get("names", {})
    assert {"optimizer.lr", "optimizer.name", "model.command"} <= set(source.given)
    assert "optimizer.weight_decay" not in source.given


def test_without_it_a_program_reports() -> None:
    assert read(None).metrics is None


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ({"from": "log"}, "metrics.patterns: is missing: from: log reads it"),
        ({"from": "csv"}, "metrics.path: is missing"),
        ({"from": "tensorboard"}, "metrics.path: is missing"),
        ({"from": "cvs"}, "metrics.from: must be 'log', 'csv', 'tensorboard', 'wandb', 'mlflow'"),
        ({"path": "x"}, "metrics.from: is missing"),
        ({"from": "wandb", "path": "x"}, "metrics.path: does not go with from: wandb, which takes"),
        ({"from": "log", "patterns": {}}, "patterns: has none for the objective, val/accuracy"),
        (
            {"from": "log", "patterns": {"val/acuracy": "(x)"}},
            "has none for the objective, val/accuracy; did you mean val/acuracy?",
        ),
        ({"from": "log", "patterns": {"val/accuracy": "acc"}}, "val/accuracy: has no group: put"),
        ({"from": "log", "patterns": {"val/accuracy": "(a)(c)"}}, "val/accuracy: has 2 groups: "),
        ({"from": "log", "patterns": {"val/accuracy": "(a"}}, "is no regular expression: m"),
        ({"from": "log", "patterns": {"val/accuracy": 3}}, "must be a valid string, got 3"),
        ({"from": "csv", "path": "out.csv"}, "must begin with {folder} or {checkpoint}: trials"),
        ({"from": "csv", "path": "{fold}/x"}, "metrics.path: knows {folder} and {checkpoint}, not"),
        ({"from": "csv", "path": "{folder}/../x"}, "metrics.path: must not lead out of its folder"),
        ({"from": "csv", "path": "{folder}", "pth": 1}, "pth: is no key of a study file; did you"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_with_its_place(metrics: dict[str, Any], said: str) -> None:
    assert said in mistakes(metrics)


def test_all_mistakes_are_said_at_once() -> None:
    metrics = {"from": "log", "patterns": {"epoch": "x", "test/a": "("}, "path": "a/../b"}
    said = mistakes(metrics).splitlines()
    assert len(said) == 4, said


def test_an_objective_of_the_test_part_is_refused() -> None:
    said = mistakes({"from": "wandb"}, "test/accuracy")
    assert "test/accuracy is of the test part, which chooses nothing; call it val/accuracy" in said


def test_only_programs_have_it() -> None:
    model = {"name": "mlp", "hidden": [8]}
    assert "metrics: only a program's are read: give model a command" in mistakes(
        {"from": "wandb"}, "val/accuracy", model
    )


def test_a_function_that_trains_reports_itself() -> None:
    model = {"command": ["python-function", "train.trial", "{configuration}"]}
    assert "only a program's are read" in mistakes({"from": "wandb"}, model=model)


def test_a_program_must_be_told_where_it_writes() -> None:
    model = {"command": ["sh", "train.sh", "{optimizer.lr}"]}
    said = mistakes({"from": "csv", "path": "{folder}/x.csv"}, model=model)
    assert "model.command: metrics.path has {folder} and the program is not told: add it" in said
