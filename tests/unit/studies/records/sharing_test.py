"""What many trials have alike is held once, and stays exactly what it was."""

from typing import Any

import optuna
from optuna.distributions import FloatDistribution

from studies.records.sharing import MOST, Sections
from studies.search.trial_store import SharingStorage


def configuration(**values: Any) -> dict[str, Any]:
    return {"data": {"name": "digits"}, "model": {"name": "mlp", **values}}


def test_equal_sections_are_one_and_the_same_object() -> None:
    sections = Sections()
    first, second = (sections.shared(configuration(width=width)) for width in (1, 2))
    assert first["data"] is second["data"]
    assert second["model"] == {"name": "mlp", "width": 2}


def test_numbers_of_different_types_are_not_taken_for_each_other() -> None:
    sections = Sections()
    found = [sections.shared(configuration(width=width))["model"] for width in (1, 1.0, True)]
    assert [type(model["width"]) for model in found] == [int, float, bool]


def test_sections_that_differ_in_every_trial_are_not_kept() -> None:
    sections = Sections()
    for width in range(MOST):
        sections.shared(configuration(width=width))
    last = configuration(width=MOST)
    sections.shared(last)
    assert sections.shared(configuration(width=MOST))["model"] is not last["model"]
    assert sections.shared(configuration(width=0))["data"] is not last["data"]


def test_trials_in_memory_share_the_distributions_that_are_equal() -> None:
    study = optuna.create_study(storage=SharingStorage())
    for high in (1.0, 1.0, 2.0):
        trial = study.ask()
        trial.suggest_float("lr", 0.1, high)
        study.tell(trial, 0.0)
    first, second, third = (trial.distributions["lr"] for trial in study.get_trials(deepcopy=False))
    assert first is second
    assert third == FloatDistribution(0.1, 2.0)
