"""Which GPUs are found, with NVML replaced by one that knows two boards and a board cut in two."""

from contextlib import nullcontext

import pytest

from studies.devices import discovery
from studies.devices.discovery import Gpu, driver, gpus
from tests.support.pretended_nvml import GIB, Board, pretend_nvml

BIG = Board("GPU-aaaa", "NVIDIA H200", 140 * GIB, capability=(9, 0))
SMALL = Board("GPU-bbbb", "NVIDIA T4", 16 * GIB, can_be_cut=False)
CUT = Board(
    "GPU-cccc",
    "NVIDIA H100",
    capability=(9, 0),
    slices=[
        Board("MIG-1111", "NVIDIA H100 MIG 3g.40gb", 40 * GIB),
        None,
        Board("MIG-2222", "NVIDIA H100 MIG 3g.40gb", 40 * GIB),
    ],
)


@pytest.fixture
def with_boards(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_nvml(monkeypatch, BIG, SMALL, CUT, None)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.usefixtures("with_boards")
def test_boards_and_slices_are_found_by_uuid_with_kind_and_memory() -> None:
    assert list(gpus()) == [
        Gpu("GPU-aaaa", "NVIDIA H200", 140 * GIB, (9, 0)),
        Gpu("GPU-bbbb", "NVIDIA T4", 16 * GIB),  # whose capability the driver does not say
        Gpu("MIG-1111", "NVIDIA H100 MIG 3g.40gb", 40 * GIB, (9, 0)),
        Gpu("MIG-2222", "NVIDIA H100 MIG 3g.40gb", 40 * GIB, (9, 0)),
    ]


@pytest.mark.usefixtures("with_boards")
@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ("1,0", ["GPU-bbbb", "GPU-aaaa"]),
        (" 0 , 1 ", ["GPU-aaaa", "GPU-bbbb"]),
        ("2", ["MIG-1111"]),
        ("MIG-2222", ["MIG-2222"]),
        ("GPU-b", ["GPU-bbbb"]),
        ("GPU-", []),  # several begin so
        ("0,-1,1", ["GPU-aaaa"]),
        ("0,7,1", ["GPU-aaaa"]),
        ("1,1", ["GPU-bbbb"]),
        ("-1", []),
        ("", []),
        ("NoDevFiles", []),
    ],
)
def test_only_what_the_variable_shows_is_used(
    monkeypatch: pytest.MonkeyPatch, shown: str, found: list[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    assert [gpu.uuid for gpu in gpus()] == found


def test_a_gpu_without_memory_of_its_own_is_used_as_others_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pretend_nvml(monkeypatch, Board("GPU-dddd", "NVIDIA GB10", None, capability=(12, 1)))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert list(gpus()) == [Gpu("GPU-dddd", "NVIDIA GB10", 0, (12, 1))]


@pytest.mark.usefixtures("with_boards")
def test_a_torch_for_the_cpu_has_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "torch_knows_no_gpu", lambda: True)
    assert list(gpus()) == []


def test_without_a_driver_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    import pynvml

    def no_driver() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", no_driver)
    assert list(gpus()) == []


@pytest.mark.usefixtures("with_boards")
def test_the_driver_says_its_version_and_that_of_cuda() -> None:
    assert driver() == {"driver": "580.65.06", "cuda": "12.4"}


def test_without_a_driver_there_is_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "nvml", lambda: nullcontext(None))
    assert driver() == {}
