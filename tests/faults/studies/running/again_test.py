"""The same command again and again, with many workers (faults 23 and 24)."""

import pytest

from studies.records import Outcome
from tests.support.drivers import GRID, Faulty
from tests.support.invariants import check_invariants

pytestmark = pytest.mark.slow


def test_a_grid_has_each_point_once_through_a_kill_a_failing_point_and_two_more_runs(
    faulty: Faulty,
) -> None:
    faulty.write(
        GRID.replace("0.01, 0.003, 0.001, 0.0003", "0.01").replace(
            "dropout: 0.0", "dropout: {values: [0.0, 0.1]}"
        )
    )
    faulty.hit(1, 2, "die once")
    faulty.hit(3, 2, "raise")
    with faulty.driver(workers=4) as driver:
        assert driver.ends() == 0, driver.said
    found = check_invariants(faulty.home, "faulty")
    assert found.planned == 6 and len({trial.config_hash for trial in found.ended}) == 6
    assert driver.told["trials"] == {"completed": 5, "error": 1}
    begun = faulty.begun
    assert len(begun) == len(set(begun)) + 1  # the epoch of the kill
    for _ in range(2):
        assert faulty.runs_to_its_end(workers=4).told == driver.told
    assert faulty.begun == begun
    check_invariants(faulty.home, "faulty")


def test_eight_workers_and_fifty_instant_trials_make_exactly_fifty(faulty: Faulty) -> None:
    faulty.write(
        GRID.replace("{values: [0.1, 0.03, 0.01, 0.003, 0.001, 0.0003]}", "{min: 1e-4, max: 1.0}")
        .replace("method: grid", "method: random, trials: 50")
        .replace("epochs: 5", "epochs: 1")
    )
    with faulty.driver(workers=8, perform="instant") as driver:
        assert driver.ends() == 0, driver.said
    found = check_invariants(faulty.home, "faulty")
    assert [trial.outcome for trial in found.trials] == [Outcome.completed] * 50
    assert len({trial.key for trial in found.trials}) == 50
    assert "locked" not in driver.said
