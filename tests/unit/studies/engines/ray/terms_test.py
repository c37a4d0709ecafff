"""What a node must have in common with the driver, said in words where it has not."""

from importlib.metadata import PackageNotFoundError

import pytest

from studies.engines.ray import terms
from studies.engines.ray.terms import version_differences, versions_here

HERE = {"Python": "3.12", "fairtune": "0.1.0", "torch": "2.14.1", "numpy": "2.4.0"}


@pytest.fixture(autouse=True)
def this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(package: str) -> str:
        if package not in HERE:
            raise PackageNotFoundError(package)
        return HERE[package]

    monkeypatch.setattr(terms, "version", version)
    monkeypatch.setattr(terms.sys, "version_info", (3, 12, 7, "final", 0))


def test_versions_are_those_of_what_numbers_depend_on_and_the_minor_one_of_python() -> None:
    assert versions_here() == {**HERE, "pytorch-lightning": "none"}
    assert version_differences(versions_here()) == []


@pytest.mark.parametrize(
    ("package", "asked", "said"),
    [
        ("Python", "3.13", "it has Python 3.12, the driver 3.13"),
        ("fairtune", "0.2.0", "it has fairtune 0.1.0, the driver 0.2.0"),
        ("torch", "2.14.1+cpu", "it has torch 2.14.1, the driver 2.14.1+cpu"),
        ("numpy", "2.3.0", "it has numpy 2.4.0, the driver 2.3.0"),
        ("pytorch-lightning", "2.6.6", "it has pytorch-lightning none, the driver 2.6.6"),
        ("asked by a later fairtune", "1", "it has asked by a later fairtune none, the driver 1"),
    ],
)
def test_every_difference_is_named(package: str, asked: str, said: str) -> None:
    assert version_differences({**versions_here(), package: asked}) == [said]


def test_several_differences_are_named_at_once() -> None:
    there = {**versions_here(), "torch": "9.9.9", "numpy": "9.9.9"}
    assert [each.split()[2] for each in version_differences(there)] == ["torch", "numpy"]
