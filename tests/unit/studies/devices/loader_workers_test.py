"""How many processes decode beside a training."""

import pytest

from studies.devices import loader_workers as asked
from studies.devices.loader_workers import loader_workers


@pytest.mark.parametrize(
    ("cores", "workers", "each"),
    [(64, 8, 8), (2, 1, 2), (2, 2, 0), (3, 2, 0), (4, 2, 2), (1, 1, 0), (2, 64, 0), (8, 3, 2)],
)
def test_it_is_the_cores_of_a_worker_and_none_below_two(
    cores: int, workers: int, each: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked, "core_count", lambda: cores)
    assert loader_workers(workers) == each
