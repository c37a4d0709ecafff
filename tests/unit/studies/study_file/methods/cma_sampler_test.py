"""CMA-ES is replayed from the finished trials; nothing that is stored is unpickled."""

import pickle
import random
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from studies.study_file import SAMPLERS

SPACE = {"x": FloatDistribution(-1.0, 1.0), "y": FloatDistribution(1e-3, 1.0, log=True)}


class Gadget:
    """What leaves a marker when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


def ask(study: optuna.Study, number: int) -> optuna.Trial:
    study.sampler = SAMPLERS["cmaes"].build(number + 1, f"salt {number}", n_startup_trials=1)
    trial = study.ask()
    trial.suggest_float("x", -1.0, 1.0)
    trial.suggest_float("y", 1e-3, 1.0, log=True)
    return trial


def finished(number: int, notes: dict[str, Any]) -> FrozenTrial:
    return create_trial(
        params={"x": number / 10, "y": 0.1 + number / 20},
        distributions=SPACE,
        value=float(number),
        system_attrs=notes,
    )


def test_a_pickle_that_a_storage_holds_is_not_loaded(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    notes = {"cma:optimizer:0": pickle.dumps(Gadget(marker)).hex(), "cma:generation": 0}
    study = optuna.create_study()
    for number in range(8):
        study.add_trial(finished(number, notes))
    trial = ask(study, 8)
    assert not marker.exists()
    assert -1 <= trial.params["x"] <= 1


@pytest.mark.parametrize(
    "noted", ["x", [[0, "x"]], [[0, []], [6, [0, 1]]], [[0, []], [6, [0, 1, 2, 3, 4, 99]]]]
)
def test_notes_that_cannot_be_replayed_are_passed_over(noted: Any) -> None:
    study = optuna.create_study()
    for number in range(8):
        study.add_trial(finished(number, {}))
    study.set_user_attr("cma:generations", noted)
    assert -1 <= ask(study, 8).params["x"] <= 1


def test_nothing_but_numbers_is_noted() -> None:
    study = optuna.create_study()
    for number in range(15):
        study.tell(ask(study, number), number % 7)
    assert all(trial.system_attrs == {} for trial in study.trials)
    assert study.user_attrs == {
        "cma:generations": [
            (1, []),
            (7, [1, 2, 3, 4, 5, 6]),
            (13, [7, 8, 9, 10, 11, 12]),
        ]
    }


@pytest.mark.parametrize("seed", range(6))
def test_trials_that_end_in_another_order_are_replayed_as_they_were_told(seed: int) -> None:
    """Four run side by side and some fail; after every end, a copy of the study says the same."""
    order = random.Random(seed)
    storage = InMemoryStorage()
    study = optuna.create_study(storage=storage, study_name="search")
    running: list[optuna.Trial] = []
    for number in range(40):
        copied = InMemoryStorage()
        optuna.copy_study(from_study_name="search", from_storage=storage, to_storage=copied)
        again = ask(optuna.load_study(study_name="search", storage=copied), number)
        running.append(ask(study, number))
        assert again.params == running[-1].params
        while len(running) > order.randint(0, 4):
            ended = running.pop(order.randrange(len(running)))
            if order.random() < 0.2:
                study.tell(ended, state=TrialState.FAIL)
            else:
                study.tell(ended, (ended.params["x"] - 0.3) ** 2 + ended.params["y"])
    assert len(study.user_attrs["cma:generations"]) >= 4


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_it_comes_near_to_the_best_point(direction: str) -> None:
    study = optuna.create_study(direction=direction)
    sign = 1 if direction == "minimize" else -1
    for number in range(120):
        trial = ask(study, number)
        study.tell(trial, sign * (trial.params["x"] - 0.3) ** 2)
    last = [trial.params["x"] for trial in study.trials[-12:]]
    assert all(abs(x - 0.3) < 0.1 for x in last)
