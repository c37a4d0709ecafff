"""What `fairtune check` warns of, on made-up studies."""

import pytest

from lightning_modules.configuration import Configuration
from studies.preview import plan, weight_counts
from tests.made import OPTIMIZERS, spec_of


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
    warnings = plan(spec_of(OPTIMIZERS.replace("seeds: 9", "seeds: 3"))).warnings
    assert any(text.startswith("confirm.seeds is 3: no verdict is possible") for text in warnings)


def test_frozen_weights_are_weights_too() -> None:
    plain = {"data": "digits", "model": {"name": "squeezenet1_1", "image_size": 32}}
    total, trained = weight_counts(Configuration.resolve(plain)) or (0, 0)
    frozen = {**plain, "model": {**plain["model"], "freeze": "backbone"}}  # type: ignore[dict-item]
    counts = weight_counts(Configuration.resolve(frozen))
    assert total == trained > 500_000
    assert counts == (total, 513 * 10)  # the head reads 512 channels
