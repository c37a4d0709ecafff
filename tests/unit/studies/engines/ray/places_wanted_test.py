"""How many workers a study asks a cluster for, what each of them needs, and why one waits."""

import pytest

from lightning_modules.errors import UserError
from studies.engines.ray.messages import Wanted
from studies.engines.ray.places_wanted import Places, places_wanted, why_not_placed


def wanted(
    workers: int | None = None,
    per_gpu: int = 1,
    cpus: int | None = None,
    threads: int = 1,
    accelerator: str = "auto",
) -> Wanted:
    return Wanted(None, "", workers, per_gpu, cpus, threads, accelerator)


HEAD = {"node:__internal_head__": 1.0, "memory": 1e9}
FOUR = {"CPU": 4.0}
GPUS = {"CPU": 16.0, "GPU": 2.0}


@pytest.mark.parametrize(
    ("asked", "nodes", "places"),
    [
        (wanted(), [HEAD, FOUR, FOUR], Places(8, 1, 0.0)),
        (wanted(threads=3), [FOUR, FOUR], Places(2, 3, 0.0)),
        (wanted(threads=3, cpus=2), [FOUR, FOUR], Places(4, 2, 0.0)),
        (wanted(workers=100), [FOUR], Places(100, 1, 0.0)),  # autoscaling sees the demand
        (wanted(), [], Places(1, 1, 0.0)),
        (wanted(threads=8), [FOUR], Places(1, 8, 0.0)),  # which will wait
        (wanted(), [FOUR, GPUS], Places(2, 8, 1.0)),
        (wanted(per_gpu=2), [GPUS], Places(4, 4, 0.5)),
        (wanted(per_gpu=3), [GPUS], Places(6, 2, 1 / 3)),
        (wanted(per_gpu=7), [GPUS], Places(14, 1, 1 / 7)),
        (wanted(per_gpu=64), [GPUS], Places(16, 1, 1 / 64)),  # for want of processors
        (wanted(cpus=5), [GPUS], Places(2, 5, 1.0)),
        (wanted(), [GPUS, {"CPU": 4.0, "GPU": 4.0}], Places(6, 1, 1.0)),  # as they fit on all
        (wanted(), [{"CPU": 16.0, "GPU": 0.5}], Places(16, 1, 0.0)),  # of no whole GPU
        (wanted(accelerator="cpu"), [GPUS], Places(16, 1, 0.0)),
        (wanted(accelerator="gpu"), [FOUR, GPUS], Places(2, 8, 1.0)),
    ],
)
def test_places(asked: Wanted, nodes: list[dict[str, float]], places: Places) -> None:
    assert places_wanted(asked, nodes) == places


def test_a_study_that_must_train_on_a_gpu_is_told_that_there_is_none() -> None:
    with pytest.raises(UserError, match=r"no node of the Ray cluster has a GPU: add one, or"):
        places_wanted(wanted(accelerator="gpu"), [FOUR])


@pytest.mark.parametrize("per_gpu", range(1, 65))
def test_a_gpu_has_room_for_just_the_workers_that_share_it(per_gpu: int) -> None:
    places = Places(1, 1, 1 / per_gpu)
    rounded = {"CPU": 64.0, "GPU": 1.0}
    assert places.fit(rounded) == per_gpu


@pytest.mark.parametrize(
    ("places", "missing", "nodes", "said"),
    [
        (
            Places(6, 1, 0.0), 2, [FOUR],
            "2 workers have no place in the Ray cluster: each needs 1 CPU, and its nodes have "
            "4 CPUs, which is room for 4",
        ),
        (
            Places(1, 8, 0.0), 1, [FOUR, FOUR],
            "1 worker has no place in the Ray cluster: each needs 8 CPUs, and its nodes have "
            "8 CPUs, none of them as much CPU as one needs",
        ),
        (
            Places(2, 4, 0.5), 2, [FOUR],
            "2 workers have no place in the Ray cluster: each needs 4 CPUs and 0.5 GPUs, and its "
            "nodes have 4 CPUs and 0 GPUs, none of them as much GPU as one needs",
        ),
        (
            Places(4, 1, 0.0), 1, [FOUR],
            "1 worker has no place in the Ray cluster: each needs 1 CPU, and its nodes have "
            "4 CPUs, of which other work has a part",
        ),
    ],
)  # fmt: skip
def test_why_a_worker_waits(
    places: Places, missing: int, nodes: list[dict[str, float]], said: str
) -> None:
    assert why_not_placed(places, missing, nodes) == said
