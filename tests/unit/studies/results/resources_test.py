"""What trials took of the machine, in words."""

from collections.abc import Mapping

import pytest

from studies.results import largest, memory_text, resource_words
from tests.support.made import spec_of, trial


@pytest.mark.parametrize(
    ("system", "words"),
    [
        ({}, ""),
        ({"memory": 812.4}, "peak memory 812 MiB"),
        (
            {"memory": 2048.0, "gpu_memory": 3174.4, "gpu_utilization": 63.6},
            "peak memory 2.0 GiB; GPU 3.1 GiB, 64 % busy",
        ),
        ({"memory": 812.4, "gpu_utilization": 5.0}, "peak memory 812 MiB; GPU 5 % busy"),
        ({"memory": 812.4, "gpu_memory": 500.0}, "peak memory 812 MiB; GPU 500 MiB"),
    ],
)
def test_words_say_what_is_known(system: Mapping[str, float], words: str) -> None:
    assert resource_words({f"system/{name}": value for name, value in system.items()}) == words


def test_sizes_have_the_unit_that_people_read() -> None:
    assert [memory_text(size) for size in (0.4, 999.4, 1000, 102400)] == [
        "0 MiB", "999 MiB", "1.0 GiB", "100.0 GiB",
    ]  # fmt: skip


def test_peaks_of_several_trials_are_their_highest_and_work_is_their_mean() -> None:
    systems = [
        {"system/memory": 10.0, "system/gpu_memory": 7.0, "system/gpu_utilization": 10.0},
        {},
        {"system/memory": 30.0, "system/gpu_memory": 5.0, "system/gpu_utilization": 40.0},
    ]
    trials = [trial(spec_of(), "sgd", n, 0.5, system=each) for n, each in enumerate(systems)]
    assert largest(trials) == {
        "system/memory": 30.0, "system/gpu_memory": 7.0, "system/gpu_utilization": 25.0,
    }  # fmt: skip
    assert largest([]) == {}
