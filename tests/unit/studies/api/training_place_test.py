"""What is asked for of the place where trials train: what is no such thing is named."""

from typing import Any

import pytest

from lightning_modules.errors import UserError
from studies.api.training_place import OF_CALLS, Asked, EngineName


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"engine": "dask"}, 'engine must be one of "local", "ray", "inline", got \'dask\''),
        ({"workers": 0}, "workers must be a whole number from 1 to "),
        ({"workers": True}, "workers must be a whole number from 1 to "),
        ({"engine": "ray", "per_gpu": 65}, "per_gpu must be a whole number from 1 to 64, got 65"),
        ({"engine": "ray", "cpus_per_worker": 1.5}, "cpus_per_worker must be a whole number from"),
        (
            {"engine": "ray", "address": 6379},
            "address must be HOST:PORT of a Ray cluster, got",
        ),
        ({"address": "head:1"}, 'address is for a Ray cluster: give engine="ray" with it'),
        ({"cpus_per_worker": 2}, 'cpus_per_worker is for a Ray cluster: give engine="ray" with it'),
        ({"engine": "inline", "per_gpu": 2}, "per_gpu is for worker processes: leave it out"),
    ],
)
def test_what_cannot_be_asked_for_is_named(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        Asked(**asked, names=OF_CALLS).check()
    assert str(caught.value).startswith(said)


def test_the_command_line_has_its_own_names() -> None:
    with pytest.raises(UserError, match=r"^--address is for a Ray cluster: give --engine ray with"):
        Asked(address="head:1").check()


@pytest.mark.parametrize(
    "asked",
    [
        Asked(),
        Asked("ray", 500, 64, "head:6379", 8),
        Asked("inline", 2),
        Asked("local", 2, 3),
    ],
)
def test_what_can_be_asked_for_passes(asked: Asked) -> None:
    asked.check()


@pytest.mark.parametrize(("engine", "most"), [("local", 256), ("inline", 256), ("ray", 2000)])
def test_a_cluster_takes_more_workers_than_one_machine(engine: EngineName, most: int) -> None:
    Asked(engine, workers=most).check()
    said = f"--workers must be a whole number from 1 to {most}, got {most + 1}"
    with pytest.raises(UserError, match=said):
        Asked(engine, workers=most + 1).check()
