"""A network without matrices is refused for an optimizer that turns matrices."""

import pytest

from studies.inputs.matrices import matrix_problems
from studies.study_file import document, resolve


def told(model: str, optimizer: str = "muon", data: str = "digits") -> list[str]:
    text = f"study: a\ndata: {data}\nmodel: {model}\noptimizer: {optimizer}\n"
    spec = resolve(document.parse(text + "search: {method: random, trials: 2}\n", "a.yaml"))
    return [str(problem) for problem in matrix_problems(spec)]


@pytest.mark.parametrize("model", ["cnn", "{name: mlp, hidden: []}"])
def test_networks_without_hidden_matrices_are_named(model: str) -> None:
    (text,) = told(model)
    assert text.startswith("optimizer: muon turns the matrices of hidden layers, and this network")
    assert told(model, "adamw") == []

    assert [text.partition(":")[0] for text in told(model, "[adamw, muon]")] == ["optimizer.1"]


@pytest.mark.parametrize("model", ["mlp", "gru", "{name: mlp, hidden: {layers: 2, each: 4}}"])
def test_others_are_not(model: str) -> None:
    assert told(model) == []


def test_a_length_that_may_be_nought_is_seen() -> None:
    assert len(told("{name: mlp, hidden: {layers: {min: 0, max: 1}, each: 4}}")) == 1
