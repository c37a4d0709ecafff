"""Memory that is used up, by whatever says so, and memory of a GPU that is given back."""

from __future__ import annotations

import gc
import re
import sys

USED_UP = re.compile(
    r"out of (gpu |shared )?memory|MemoryError|OutOfMemory|(cannot|can't) allocate (memory|vector)|"
    r"DefaultCPUAllocator|_STATUS_\w*ALLOC\w*_FAILED|RESOURCE_?EXHAUSTED|bad_m?alloc",
    re.IGNORECASE,
)
"""The words of Python, torch, CUDA's libraries, JAX, TensorFlow, R, Julia, Java and C++."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception, or what caused it, says that the memory of the machine or of a GPU is
    used up."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError):
            return True
        if says_out_of_memory(f"{type(cause).__name__}: {cause}"):
            return True
        cause = cause.__cause__
    return False


def says_out_of_memory(text: str) -> bool:
    """The same of what a program said last."""
    return USED_UP.search(text) is not None


def leave_gpu_empty() -> bool:
    """Give back the memory that torch keeps on a GPU, which others may train on meanwhile; whether
    this process can still use the GPU: after some errors all that it asks of CUDA fails."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return True
    gc.collect()  # the frames of a training that has failed hold tensors
    try:
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
    except RuntimeError:
        return False
    return True
