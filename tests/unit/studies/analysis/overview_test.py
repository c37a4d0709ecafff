"""How far a study has come, among those of a home."""

from dataclasses import replace

import pytest

from studies.analysis import overview
from studies.analysis.overview import State
from tests.support.states import states

ROW = replace(overview.row(states()["running"]), state="running", seconds=60.0)


@pytest.mark.parametrize(
    ("state", "progress", "left"),
    [
        ("running", 0.25, 180.0),
        ("running", 0.0, None),
        ("running", None, None),
        ("interrupted", 0.25, None),
        ("finished", 1.0, None),
    ],
)
def test_the_time_left_is_that_of_the_rest_at_the_pace_so_far(
    state: State, progress: float | None, left: float | None
) -> None:
    assert replace(ROW, state=state, progress=progress).seconds_left == left
