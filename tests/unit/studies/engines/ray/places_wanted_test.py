"""How many workers a study asks a cluster for, what each of them needs, and why one waits."""

import pytest

from lightning_modules.errors import UserError
from studies.engines.ray.messages import Wanted
from studies.engines.ray.places_wanted import Places, places_wanted, why_not_placed


def wanted(
    workers: int | None = None,
    per_gpu: int | None = None,
    cpus: int | None = None,
    threads: int = 1,
    accelerator: str = "auto",
    most: int | None = None,
    address: str | None = "head:1",
) -> Wanted:
    return Wanted(address, "", workers, per_gpu, cpus, threads, accelerator, most)


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
        (wanted(accelerator="cpu", address=None), [], Places(1, 1, 0.0)),
        (wanted(accelerator="gpu"), [FOUR, GPUS], Places(2, 8, 1.0)),
        # GPUs that the cluster has not yet, and its autoscaler may add
        (wanted(accelerator="gpu", threads=2), [FOUR], Places(1, 2, 1.0)),
        (wanted(8, accelerator="gpu"), [FOUR], Places(8, 1, 1.0)),
        (wanted(8, per_gpu=2, cpus=3), [FOUR], Places(8, 3, 0.5)),
        # no more than there are trials
        (wanted(most=3), [FOUR], Places(3, 1, 0.0)),
        (wanted(most=5), [FOUR], Places(4, 1, 0.0)),
        (wanted(most=3, per_gpu=8), [GPUS], Places(3, 1, 1 / 8)),
        (wanted(6, most=3), [FOUR], Places(6, 1, 0.0)),  # which somebody has asked for
    ],
)
def test_places(asked: Wanted, nodes: list[dict[str, float]], places: Places) -> None:
    assert places_wanted(asked, nodes) == places


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (wanted(accelerator="gpu", address=None), r"is gpu, and Ray finds no GPU on this machine"),
        (wanted(per_gpu=2, address=None), r"2 on each GPU, and .* or --workers in place of --per"),
    ],
)
def test_a_study_that_must_train_on_a_gpu_of_this_machine_is_told_that_there_is_none(
    asked: Wanted, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        places_wanted(asked, [FOUR])


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
            "1 worker has no place in the Ray cluster: each needs 8 CPUs, and none of its "
            "nodes has 8 CPUs",
        ),
        (
            Places(2, 4, 0.5), 2, [FOUR],
            "2 workers have no place in the Ray cluster: each needs 4 CPUs and 0.5 GPUs, and none "
            "of its nodes has 0.5 GPUs",
        ),
        (
            Places(1, 1, 1.0), 1, [FOUR],
            "1 worker has no place in the Ray cluster: each needs 1 CPU and 1 GPU, and none of its "
            "nodes has 1 GPU",
        ),
        (
            Places(4, 1, 0.0), 1, [FOUR],
            "1 worker has no place in the Ray cluster: each needs 1 CPU, and its nodes have "
            "4 CPUs, which other work has a part of",
        ),
    ],
)  # fmt: skip
def test_why_a_worker_waits(
    places: Places, missing: int, nodes: list[dict[str, float]], said: str
) -> None:
    assert why_not_placed(places, missing, nodes) == said
