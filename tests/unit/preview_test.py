"""What `fairtune check` warns of and shows, on made-up studies."""

import re

import optuna
import pytest

from lightning_modules.configuration import Configuration
from studies.arms import arms
from studies.phases import build_sampler
from studies.preview import plan, sample, weight_counts
from tests.made import ARMS, OPTIMIZERS, spec_of


@pytest.mark.parametrize(
    ("objective", "warned"),
    [
        ("{metric: val/loss, goal: maximize}", True),
        ("{metric: val/loss, goal: minimize}", False),
        ("{metric: val/loss}", False),
    ],
)
def test_a_goal_against_the_metrics_own_direction_is_worth_a_warning(
    objective: str, warned: bool
) -> None:
    warnings = plan(spec_of(OPTIMIZERS.replace("{metric: val/accuracy}", objective))).warnings
    wanted = "objective.goal is maximize, though a better val/loss is one that you minimize"
    assert (wanted in warnings) == warned


def test_a_number_of_seeds_that_allows_no_verdict_is_worth_a_warning() -> None:
    text = OPTIMIZERS.replace("seeds: 9", "seeds: 3")
    assert (
        "confirm.seeds is 3: no verdict is possible below 7 seeds with 3 arms"
        in plan(spec_of(text)).warnings
    )


def test_of_arms_fewer_repeats_than_allow_a_verdict_claim_nothing() -> None:
    text = ARMS.replace("repeats: 6", "repeats: 3").replace("seeds: 1", "seeds: 3")
    planned = plan(spec_of(text))
    assert (planned.repeats, planned.trials, planned.confirmations) == (3, 36, 27)
    assert planned.design[0] == (
        "claim: none about arms: 3 searches of each cannot tell the luck of a search from the arm; "
        "set search.repeats to 4 or more"
    )
    assert not any("seeds" in text for text in planned.warnings)


def test_frozen_weights_are_weights_too() -> None:
    plain = {"data": "digits", "model": {"name": "squeezenet1_1", "image_size": 32}}
    total, trained = weight_counts(Configuration.resolve(plain)) or (0, 0)
    frozen = {**plain, "model": {**plain["model"], "freeze": "backbone"}}  # type: ignore[dict-item]
    counts = weight_counts(Configuration.resolve(frozen))
    assert total == trained > 500_000
    assert counts == (total, 513 * 10)  # the head reads 512 channels


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_samples_are_the_first_trials_that_the_study_will_have(method: str) -> None:
    spec = spec_of(OPTIMIZERS.replace("method: random", f"method: {method}"))
    sgd, momentum, adam = arms(spec)
    default, first, second = sample(spec)
    assert default.optimizer.parameters["lr"] == sgd.space.default()["optimizer.lr"]
    for configuration, arm, number in ((first, momentum, 1), (second, adam, 2)):
        study = optuna.create_study(sampler=build_sampler(spec, number))
        assert configuration == Configuration.resolve(arm.space.suggest(study.ask()))


def test_samples_of_arms_may_choose_from_different_lists() -> None:
    lists = {"sgd": "[0.1, 0.2]", "momentum": "[0.3]", "adam": "[0.4, 0.5]"}
    text = OPTIMIZERS
    for name, values in lists.items():
        text = re.sub(
            f"name: {name}, lr: {{.*}}", f"name: {name}, lr: {{values: {values}}}}}", text
        )
    rates = [configuration.optimizer.parameters["lr"] for configuration in sample(spec_of(text))]
    assert rates[0] in (0.1, 0.2) and rates[1] == 0.3 and rates[2] in (0.4, 0.5)
