"""What says that memory is used up, and what is left of a training on a GPU."""

import sys
from types import SimpleNamespace

import pytest
import torch

from studies.engines.memory import is_out_of_memory, leave_gpu_empty, says_out_of_memory
from studies.engines.worker import failure
from studies.records import Outcome

ERRORS: list[BaseException] = [
    MemoryError(),
    MemoryError("Caught MemoryError in DataLoader worker process 0."),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
    RuntimeError("HIP out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("MPS backend out of memory (MPS allocated: 18.00 GB)"),
    RuntimeError("DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that "
                 "dataloader's workers are out of shared memory."),
    OSError(12, "Cannot allocate memory"),
]  # fmt: skip
LINES = [
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB.",
    "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 16.0 GiB for an array",
    "jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to",
    "tensorflow.python.framework.errors_impl.ResourceExhaustedError: {{function_node",
    "ERROR: Out of GPU memory trying to allocate 8.000 GiB",
    "Error: cannot allocate vector of size 7.5 Gb",
    "java.lang.OutOfMemoryError: Java heap space",
    "what():  std::bad_alloc",
    "xgboost.core.XGBoostError: bad_malloc: Failed to allocate 16 bytes",
]
OTHERS = [
    "CUDA error: device-side assert triggered",
    "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm`",
    "ValueError: no such luck",
    "the memory cell of an LSTM has 7 values",
]


@pytest.mark.parametrize("error", ERRORS, ids=str)
def test_an_error_that_says_so_ends_a_trial_out_of_memory(error: BaseException) -> None:
    assert failure(error, 1.0).outcome == Outcome.out_of_memory


@pytest.mark.parametrize("line", LINES)
def test_the_last_line_of_a_program_may_say_so(line: str) -> None:
    assert says_out_of_memory(line)


@pytest.mark.parametrize("text", OTHERS)
def test_other_errors_are_errors(text: str) -> None:
    assert failure(RuntimeError(text), 1.0).outcome == Outcome.error


def test_what_an_error_was_raised_from_counts_and_what_it_was_raised_beside_does_not() -> None:
    def raised(cause: bool) -> Exception:
        try:
            try:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            except RuntimeError as error:
                if cause:
                    raise ValueError("the training failed") from error
                raise KeyError("smaller_batch_size") from None
        except Exception as error:
            return error

    assert is_out_of_memory(raised(cause=True))
    assert not is_out_of_memory(raised(cause=False))


class Cuda:
    """As much of `torch.cuda` as is asked, after some error or none."""

    def __init__(self, initialized: bool = True, error: str = "") -> None:
        self.initialized, self.error, self.emptied = initialized, error, 0

    def is_initialized(self) -> bool:
        return self.initialized

    def synchronize(self) -> None:
        if self.error:
            raise RuntimeError(self.error)

    def empty_cache(self) -> None:
        self.emptied += 1


@pytest.mark.parametrize(
    ("cuda", "usable", "emptied"),
    [
        (Cuda(), True, 1),
        (Cuda(initialized=False), True, 0),
        (Cuda(error="CUDA error: an illegal memory access was encountered"), False, 0),
    ],
)
def test_after_a_training_a_gpu_is_empty_or_lost_to_this_process(
    cuda: Cuda, usable: bool, emptied: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert leave_gpu_empty() == usable
    assert cuda.emptied == emptied


def test_a_process_that_has_no_torch_loads_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch")
    assert leave_gpu_empty()
    assert "torch" not in sys.modules
