"""A configuration is validated when its file is read or when a sampler has drawn it, and never once
more."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from lightning_modules.configuration import Configuration, configuration, validation
from studies.study_file import document, loading, resolve

FILE = """
study: once
data: iris
model: {name: mlp, hidden: [4]}
optimizer:
  - {name: sgd, lr: {min: 0.001, max: 1.0, log: true}}
  - {name: adam, lr: {min: 0.0001, max: 0.1, log: true}}
trainer: {epochs: 2}
search: {method: random, trials: 4}
compare: {factor: optimizer}
"""


@pytest.fixture
def validated(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, Any]]:
    """What was validated."""
    seen: list[Mapping[str, Any]] = []

    def counted(tree: Mapping[str, Any]) -> Iterator[Any]:
        seen.append(tree)
        return validation.problems(tree)

    monkeypatch.setattr(configuration, "problems", counted)
    monkeypatch.setattr(loading, "configuration_problems", counted)
    return seen


def test_every_variant_of_a_file_is_validated_once(validated: list[Mapping[str, Any]]) -> None:
    spec = resolve(document.parse(FILE, "study.yaml"))
    rates = {(tree["optimizer"]["name"], tree["optimizer"]["lr"]) for tree in validated}
    assert rates == {("adam", 0.0001), ("adam", 0.1), ("sgd", 0.001), ("sgd", 1.0)}
    assert len(validated) == len(spec.configurations)


def test_a_file_that_a_home_has_kept_is_trusted(validated: list[Mapping[str, Any]]) -> None:
    kept = resolve(document.parse(FILE, "study.yaml")).text
    validated.clear()
    again = resolve(document.parse(kept, "the stored file"), recorded=True)
    assert validated == [] and again.text == kept


def test_a_stored_configuration_is_trusted(validated: list[Mapping[str, Any]]) -> None:
    stored = resolve(document.parse(FILE, "study.yaml")).configurations[0].to_dict()
    validated.clear()
    assert Configuration.of(stored).to_dict() == stored
    assert validated == []
    Configuration.resolve(stored)
    assert len(validated) == 1  # what is counted would be seen
