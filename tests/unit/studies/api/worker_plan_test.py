"""How many workers train side by side, on pretended GPUs."""

from collections.abc import Callable

import pytest

from lightning_modules.errors import UserError
from studies.api.worker_plan import plan_workers
from studies.devices import discovery
from studies.devices.discovery import Gpu
from studies.engines.places import MACHINE, WITHOUT_GPU, places_of

H200 = [Gpu(f"GPU-{number}", "NVIDIA H200", 2**37) for number in range(2)]
A100 = Gpu("GPU-9", "NVIDIA A100", 2**36)
Pretend = Callable[..., None]


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """Makes this a machine with these GPUs, and four cores."""
    monkeypatch.setattr("studies.api.worker_plan.core_count", lambda: 4)
    monkeypatch.setattr(discovery, "may_have_others", lambda: False)
    monkeypatch.setattr(discovery, "torch_knows_no_gpu", lambda: False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def pretended(*gpus: Gpu) -> None:
        monkeypatch.setattr(discovery, "gpus", lambda: gpus)

    pretended()
    return pretended


@pytest.mark.parametrize(
    ("gpus", "workers", "per_gpu", "count", "said"),
    [
        (H200, None, None, 2, "2 workers on 2 GPUs (NVIDIA H200), 1 on each"),
        (H200, None, 2, 4, "4 workers on 2 GPUs (NVIDIA H200), 2 on each"),
        (H200, 4, None, 4, "4 workers on 2 GPUs (NVIDIA H200), 2 on each"),
        (H200, 3, 2, 3, "3 workers on 2 GPUs (NVIDIA H200), at most 2 on each"),
        (H200, 1, 2, 1, "1 worker on 1 of 2 GPUs (NVIDIA H200)"),
        (H200[:1], None, 3, 3, "3 workers on 1 GPU (NVIDIA H200)"),
        ([*H200, A100], None, None, 3,
         "3 workers on 3 GPUs (2 NVIDIA H200, 1 NVIDIA A100), 1 on each"),
        ([], None, None, 4, "4 workers on the CPU"),
        ([], 1, None, 1, "1 worker on the CPU"),
    ],
)  # fmt: skip
def test_workers_are_one_per_gpu_or_per_core_unless_given(
    gpus: list[Gpu],
    workers: int | None,
    per_gpu: int | None,
    count: int,
    said: str,
    pretend: Pretend,
) -> None:
    pretend(*gpus)
    plan = plan_workers("auto", workers, per_gpu)
    assert (plan.count, str(plan)) == (count, said)
    assert plan.places == places_of(gpus)


def test_trainings_on_the_cpu_get_a_worker_per_core_and_no_gpu(pretend: Pretend) -> None:
    pretend(*H200)
    plan = plan_workers("cpu")
    assert (plan.count, plan.places, str(plan)) == (4, [WITHOUT_GPU], "4 workers on the CPU")


@pytest.mark.parametrize(
    ("gpus", "accelerator", "workers", "per_gpu", "said"),
    [
        (H200, "auto", 9, 4, "--workers 9 is more than 4 on each of 2 GPUs: give --workers 8 or "
         "less, or --per-gpu 5"),
        (H200[:1], "auto", 3, 2, "--workers 3 is more than 2 on 1 GPU: give --workers 2 or less, "
         "or --per-gpu 3"),
        (H200, "cpu", None, 2, "--per-gpu is for trainings on GPUs, and trainer.accelerator is "
         "cpu: give --workers in its place"),
        ([], "auto", 2, 2, "--per-gpu needs a GPU, and none of NVIDIA's was found here (nvidia-smi "
         "lists them): give --workers in its place"),
        ([], "gpu", None, None, "trainer.accelerator is gpu, and none of NVIDIA's was found here "
         "(nvidia-smi lists them): run it on a machine with a GPU, or write accelerator: auto, "
         "which trains on the CPU where there is none"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_machine_is_said_in_a_sentence(
    gpus: list[Gpu],
    accelerator: str,
    workers: int | None,
    per_gpu: int | None,
    said: str,
    pretend: Pretend,
) -> None:
    pretend(*gpus)
    with pytest.raises(UserError) as caught:
        plan_workers(accelerator, workers, per_gpu)
    assert str(caught.value) == said


def test_the_reason_why_there_is_no_gpu_is_said(
    pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(UserError, match="gpu, and CUDA_VISIBLE_DEVICES=-1 shows none: run it on"):
        plan_workers("gpu")
    monkeypatch.setattr(discovery, "torch_knows_no_gpu", lambda: True)
    with pytest.raises(UserError, match="per_gpu needs a GPU, and the torch that is installed is"):
        plan_workers("auto", None, 2, ("workers", "per_gpu"))


def test_a_gpu_that_only_torch_knows_is_left_to_torch(
    pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "may_have_others", lambda: True)
    plan = plan_workers("gpu", 2)
    assert (plan.places, str(plan)) == ([MACHINE], "2 workers")
