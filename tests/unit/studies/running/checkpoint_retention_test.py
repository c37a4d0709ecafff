"""Which checkpoints are kept, and which one stands for a study."""

import itertools
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lightning_modules.configuration import Configuration
from studies.analysis import choose, configuration_of
from studies.analysis.representative import best_checkpoints
from studies.home import Home
from studies.records import Outcome, Trial
from studies.results import StudyResults
from studies.running.checkpoint_retention import checkpoints_to_delete
from studies.study_file import Spec
from tests.support.made import ARMS, HOME, OPTIMIZERS, spec_of, trial

FACTOR = "compare: {factor: optimizer}"
SPEC = spec_of(OPTIMIZERS.replace(FACTOR, "compare: {factor: optimizer, claim: configurations}"))
"""One search of each arm, nine fresh seeds."""
REPEATED = spec_of(ARMS)
"""Six searches of each arm, one fresh seed."""


def ended(number: int, value: float | None, phase: str, **changes: Any) -> Trial:
    """A trial of one configuration; every trial of a search has its own."""
    config_hash = "hash" if phase == "confirm" else f"hash-{number}"
    outcome = Outcome.diverged if value is None else Outcome.completed
    made = trial(SPEC, "adam", number, value, phase=phase, outcome=outcome)
    return replace(made, **{"number": number, "config_hash": config_hash, **changes})


def files_after(values: list[float | None], phase: str, spec: Spec = SPEC) -> tuple[list[str], int]:
    """The trials whose files are left, and how many there were at most."""
    files: list[str] = []
    trials: list[Trial] = []
    most = 0
    for number, value in enumerate(values):
        trials.append(ended(number, value, phase))
        files.append(trials[-1].key)
        gone = checkpoints_to_delete(spec, trials, trials[-1])
        files = [key for key in files if key not in gone]
        most = max(most, len(files))
    return files, most


def test_of_a_search_the_best_three_are_kept() -> None:
    files, most = files_after([0.1, 0.5, None, 0.4, 0.3, 0.2, 0.6], "search")
    assert files == ["adam-search-1", "adam-search-3", "adam-search-6"]
    assert most == 3


def test_of_each_of_several_searches_the_best_one_is_kept() -> None:
    files, most = files_after([0.1, 0.5, None, 0.4, 0.6, 0.2], "search", REPEATED)
    assert files == ["adam-search-4"]
    assert most == 1


def test_of_every_repeat_and_on_every_other_split_the_fresh_run_is_kept() -> None:
    first, second = ended(0, 0.5, "confirm"), ended(1, 0.6, "confirm", repeat=2)
    assert checkpoints_to_delete(REPEATED, [first, second], first) == set()
    third = ended(2, 0.1, "cross")
    assert checkpoints_to_delete(REPEATED, [third], third) == set()


@pytest.mark.parametrize("start", range(9))
def test_of_nine_fresh_seeds_the_median_is_kept_whenever_it_comes(start: int) -> None:
    values: list[float | None] = [(index * 4 + start) % 9 / 10 for index in range(9)]
    files, most = files_after(values, "confirm")
    assert files == [f"adam-confirm-{values.index(0.4)}"]
    assert most <= 5


def test_every_order_of_values_leaves_the_median() -> None:
    for order in itertools.permutations([0.1, 0.2, 0.3]):
        values: list[float | None] = [0.0, 0.01, 0.02, *order, 0.4, 0.5, 0.6]
        assert files_after(values, "confirm")[0] == [f"adam-confirm-{values.index(0.2)}"]


def test_of_two_middle_ones_the_worse_is_kept_where_a_seed_failed() -> None:
    values: list[float | None] = [None, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    assert files_after(values, "confirm")[0] == ["adam-confirm-4"]


def test_other_configurations_are_left_alone() -> None:
    other = ended(0, 0.9, "confirm", config_hash="another")
    last = ended(1, None, "confirm")
    assert checkpoints_to_delete(SPEC, [other, last], last) == {"adam-confirm-1"}


def confirmed(home: Home) -> StudyResults:
    search = [trial(SPEC, "adam", 0, 0.9), trial(SPEC, "adam", 1, 0.5, lr=0.01)]
    values = [0.70, 0.90, 0.80, 0.60, 0.75]
    runs = [
        trial(SPEC, "adam", number, value, phase="confirm", seed=number)
        for number, value in enumerate(values)
    ]
    failed = trial(SPEC, "adam", 9, None, phase="confirm", seed=9, outcome=Outcome.diverged)
    return StudyResults(home, SPEC, [*search, *runs, failed], finished=True)


def test_the_median_stands_for_the_study_and_the_nearest_kept_one_where_that_is_gone(
    tmp_path: Path,
) -> None:
    home = replace(HOME, path=tmp_path)
    found = confirmed(home)
    assert choose(found).trial.key == "adam-confirm-4"
    assert choose(found).words == (
        "adam-confirm-4, seed 4, the median of 5 fresh seeds of the best configuration"
    )
    for key in ("adam-confirm-1", "adam-confirm-2", "adam-search-0"):
        file = home.checkpoint(found.study, key)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    chosen = choose(found)
    assert chosen.trial.key == "adam-confirm-2" and "the kept one nearest to" in chosen.words
    kept = [key for key, _ in best_checkpoints(home, found)]
    assert kept == ["adam-confirm-2", "adam-search-0"]


def test_without_a_confirmation_the_best_of_the_search_stands_for_the_study() -> None:
    found = confirmed(HOME)
    found = replace(found, trials=[each for each in found.trials if each.phase == "search"])
    assert choose(found).words == (
        "adam-search-0, seed 0, the best trial of the search, not confirmed on fresh seeds"
    )
    assert choose(found, "adam-search-1").words == "adam-search-1, seed 0, as asked"


def test_of_several_searches_the_split_and_the_repeat_of_the_trial_are_told() -> None:
    spec = spec_of(re.sub(r"trials: \d+", "trials: 1", ARMS))
    values = {("adam", 2): 0.9, ("adam", 1): 0.8}
    trials = []
    for arm in ("sgd", "momentum", "adam"):
        for repeat in (1, 2):
            where = {"repeat": repeat, "split": 76 + repeat if repeat > 1 else None}
            value, rate = values.get((arm, repeat), 0.5), 0.01 * repeat
            trials += [
                trial(spec, arm, 0, value, lr=rate, **where),
                trial(spec, arm, repeat, value, lr=rate, phase="confirm", seed=5, **where),
            ]
    assert choose(StudyResults(HOME, spec, trials, finished=False)).words == (
        "adam-confirm-2, seed 5, split 78 of repeat 2, the one fresh run of the best configuration"
    )


def test_a_study_whose_first_search_failed_has_a_best_trial_as_soon_as_one_completes() -> None:
    failed = trial(REPEATED, "adam", 0, None, outcome=Outcome.diverged)
    later = trial(REPEATED, "adam", 1, 0.9, repeat=2, split=78)
    found = StudyResults(HOME, REPEATED, [failed, later], finished=False)
    assert choose(found).words == (
        "adam-search-1, seed 0, split 78 of repeat 2, the best trial of the search, not confirmed "
        "on fresh seeds"
    )


def test_a_configuration_is_told_with_the_split_that_its_run_had() -> None:
    run = trial(REPEATED, "adam", 0, 0.9, repeat=2, split=77)
    assert configuration_of(run).data.parameters["split_seed"] == 77
    first = trial(REPEATED, "adam", 0, 0.9)
    assert configuration_of(first).to_dict() == first.configuration
    program = Configuration.resolve(
        {
            "model": {"command": ["python", "train.py", "{split}"]},
            "objective": {"metric": "loss", "goal": "minimize"},
        }
    )
    told = replace(run, configuration=program.to_dict())
    assert configuration_of(told) == program
