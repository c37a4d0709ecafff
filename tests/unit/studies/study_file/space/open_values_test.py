"""The values that ranges and choices of a study file have."""

import warnings
from typing import Any

import optuna
import pytest

from studies.study_file import Range, Spec, document, resolve
from studies.study_file.document import StudyFileError
from studies.study_file.space.open_values import Choice

FILE = """
study: values
data: iris
model: {{name: mlp, hidden: [4]}}
optimizer: {{name: adam}}
{section}: {{{given}}}
search: {{method: {method}}}
"""


def written(section: str, given: str, method: str = "random") -> Spec:
    text = FILE.format(section=section, given=given, method=method)
    if section == "optimizer":
        text = text.replace("optimizer: {name: adam}\n", "")
    return resolve(document.parse(text, "values.yaml"))


def drawn(spec: Spec, path: str) -> set[Any]:
    section, _, name = path.partition(".")
    with warnings.catch_warnings(action="error"):
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
        study.enqueue_trial(spec.space.default())
        return {spec.space.suggest(study.ask())[section][name] for _ in range(40)}


@pytest.mark.parametrize(
    ("section", "given", "values"),
    [
        ("trainer", "epochs: {min: 16, max: 72, step: 32}", [16, 48]),
        ("trainer", "epochs: {min: 3, max: 9, step: 3}", [3, 6, 9]),
        ("trainer", "epochs: {min: 1, max: 2, step: 5}", [1]),
        ("optimizer", "name: adam, lr: {min: 0.1, max: 0.3, step: 0.1}", [0.1, 0.2, 0.3]),
        ("optimizer", "name: adam, lr: {min: 0.1, max: 0.35, step: 0.1}", [0.1, 0.2, 0.3]),
        ("optimizer", "name: adam, lr: {min: 0.05, max: 0.4, step: 0.05}", None),
    ],
)
def test_a_step_gives_the_values_that_one_would_write(
    section: str, given: str, values: list[float] | None
) -> None:
    values = values or [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4]
    spec = written(section, given)
    ((name, node),) = spec.space.parameters()
    assert isinstance(node, Range)
    assert (node.grid_values(name), node.size()) == (values, len(values))
    assert spec.space.default()[name] in values
    assert drawn(spec, name) == set(values)


def test_values_that_optuna_would_take_for_one_are_told_apart() -> None:
    choice = Choice((True, 1, 1.0), start=1.0)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    found = [choice.suggest(study.ask(), "a") for _ in range(40)]
    assert {(type(value), value) for value in found} == {(bool, True), (int, 1), (float, 1.0)}
    study.enqueue_trial(choice.default("a"))
    assert type(choice.suggest(study.ask(), "a")) is float


RATES = "name: adam, lr: {min: 1e-4, max: 0.1, log: true, num: 4}"
FOUR = [0.0001, 0.001, 0.01, 0.1]


def test_so_many_values_are_the_points_of_a_grid() -> None:
    points = written("optimizer", RATES, "grid").space.grid()
    assert [point["optimizer.lr"] for point in points] == FOUR


@pytest.mark.parametrize("method", ["random", "tpe", "gp"])
def test_other_methods_choose_from_so_many_values(method: str) -> None:
    spec = written("optimizer", RATES, method)
    assert drawn(spec, "optimizer.lr") == set(FOUR)
    assert (spec.space.size(), spec.space.default()) == (4, {"optimizer.lr": 0.001})


def test_more_values_than_a_choice_may_have_are_refused() -> None:
    with pytest.raises(StudyFileError, match=r"optimizer.lr: num: 1,001 is more than the 1,000"):
        written("optimizer", "name: adam, lr: {min: 1e-4, max: 0.1, num: 1001}")
    assert written("optimizer", "name: adam, lr: {min: 1e-4, max: 0.1, num: 1001}", "grid")
