"""What may change between two runs of a study."""

from types import SimpleNamespace
from typing import Any

import pytest

from lightning_modules.errors import UserError
from studies.running.continuing import changes
from studies.study_file import Spec, document, resolve

TEXT = """
study: photographs
data: {name: images, path: somewhere, loader_workers: 2}
model: cnn
optimizer: {name: adam, lr: {min: 1e-4, max: 1e-1, log: true}}
search: {method: random, trials: 2}
"""


def spec_of(text: str) -> Spec:
    return resolve(document.parse(text, "study.yaml"))


def changed(line: str, into: str) -> list[str]:
    record: Any = SimpleNamespace(notes=lambda: {"study_file": TEXT})
    return changes(spec_of(TEXT.replace(line, into)), record)


def test_the_loader_workers_may_change() -> None:
    assert changed("loader_workers: 2", "loader_workers: 0") == []
    assert changed(", loader_workers: 2", "") == []


def test_the_rest_of_the_data_may_not() -> None:
    assert changed("loader_workers: 2", "size: 64, loader_workers: 2") == [
        "data.size was 'not given' and is 64"
    ]


@pytest.mark.parametrize("values", ["{values: [0, 2]}", "{min: 0, max: 4}"])
def test_they_are_no_parameter_to_search(values: str) -> None:
    with pytest.raises(UserError, match=r"data.loader_workers: must be the same for every trial"):
        spec_of(TEXT.replace("loader_workers: 2", f"loader_workers: {values}"))


def test_alternatives_of_the_data_have_the_same() -> None:
    data = "{name: images, path: somewhere, loader_workers: 2}"
    other = data.replace("2", "3, label: other")
    two = f"[{data}, {other}]"
    with pytest.raises(UserError, match=r"loader_workers: must be the same for every trial"):
        spec_of(TEXT.replace(data, two))


def test_they_are_no_part_of_the_identity_of_a_configuration() -> None:
    hashes = {
        spec_of(TEXT.replace("loader_workers: 2", f"loader_workers: {given}"))
        .configurations[0]
        .hash
        for given in (0, 7, "auto")
    }
    assert len(hashes) == 1
