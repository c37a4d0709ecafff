"""What `fairtune check` warns of, on made-up studies."""

import pytest

from studies.preview import plan
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
