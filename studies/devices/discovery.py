"""Which GPUs this process may use, found by NVML: no CUDA context is made for it.

`gpus` is the one place that looks; whoever pretends that a machine has others replaces it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""The variable that says which GPUs a process sees, by number or by UUID."""
MOST_PER_GPU = 64
"""Trials that may share a GPU."""


@dataclass(frozen=True)
class Gpu:
    """A GPU, or a slice of one (MIG), that trainings may run on."""

    uuid: str
    """What `CUDA_VISIBLE_DEVICES` calls it: `GPU-...` or `MIG-...`."""
    kind: str
    """The model, as NVML calls it: `NVIDIA H200`. Numbers repeat on one kind only."""
    memory: int
    """Bytes; 0 where it has none of its own, or nobody says."""
    capability: tuple[int, int] | None = None
    """Of CUDA, major and minor; None where nobody knows it."""


def gpus() -> Sequence[Gpu]:
    """The GPUs of this machine in NVML's order, as far as `CUDA_VISIBLE_DEVICES` shows them; none
    where there is no driver of NVIDIA's, or torch was built for the CPU alone."""
    if torch_knows_no_gpu():
        return ()
    with nvml() as library:
        if library is None:
            return ()
        boards = [list(_slices(library, handle)) for handle in _handles(library)]
        return _visible(boards, os.environ.get(VISIBLE))


@contextmanager
def nvml() -> Iterator[Any]:
    """NVIDIA's management library, or None where it cannot be used here."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no driver, or no right to ask it
        yield None
        return
    try:
        yield pynvml
    finally:
        with suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def driver() -> Mapping[str, str]:
    """The versions of NVIDIA's driver (`driver`) and of CUDA in it (`cuda`), as far as it says."""
    found: dict[str, str] = {}
    with nvml() as library:
        if library is not None:
            with suppress(library.NVMLError):
                found["driver"] = _text(library.nvmlSystemGetDriverVersion())
                number = library.nvmlSystemGetCudaDriverVersion_v2()  # 12040 for 12.4
                found["cuda"] = f"{number // 1000}.{number % 1000 // 10}"
    return found


def torch_knows_no_gpu() -> bool:
    """Whether the installed torch is a build for the CPU; it is not imported for that."""
    try:
        return version("torch").endswith("+cpu")
    except PackageNotFoundError:
        return False


def may_have_others() -> bool:
    """Whether torch may train on a GPU that is none of NVIDIA's: one of Apple's, or of AMD's."""
    try:
        return sys.platform == "darwin" or "+rocm" in version("torch")
    except PackageNotFoundError:
        return False


def why_none() -> str:
    """Why `gpus` has found none, as the end of a sentence."""
    if torch_knows_no_gpu():
        return "the torch that is installed is built for the CPU alone"
    if VISIBLE in os.environ:
        return f"{VISIBLE}={os.environ[VISIBLE]} shows none"
    return "none of NVIDIA's was found here (nvidia-smi lists them)"


def _handles(library: Any) -> Iterator[Any]:
    for index in range(library.nvmlDeviceGetCount()):
        with suppress(library.NVMLError):  # of a board that has failed
            yield library.nvmlDeviceGetHandleByIndex(index)


def _slices(library: Any, board: Any) -> Iterator[Gpu]:
    """The slices of a board, or the board itself where it is not cut into any."""
    kind = _text(library.nvmlDeviceGetName(board))
    try:
        is_cut, _ = library.nvmlDeviceGetMigMode(board)
    except library.NVMLError:  # a model that cannot be cut
        is_cut = False
    if not is_cut:
        yield _gpu(library, board, kind, _capability(library, board))
        return
    for index in range(library.nvmlDeviceGetMaxMigDeviceCount(board)):
        with suppress(library.NVMLError):  # numbers may be free
            part = library.nvmlDeviceGetMigDeviceHandleByIndex(board, index)
            name = _text(library.nvmlDeviceGetName(part)) or kind
            yield _gpu(library, part, name, _capability(library, board))


def _capability(library: Any, board: Any) -> tuple[int, int] | None:
    try:
        major, minor = library.nvmlDeviceGetCudaComputeCapability(board)
    except library.NVMLError:  # an old driver
        return None
    return int(major), int(minor)


def _gpu(library: Any, handle: Any, kind: str, capability: tuple[int, int] | None) -> Gpu:
    memory = 0
    with suppress(library.NVMLError):  # one that shares the memory of the machine, say
        memory = int(library.nvmlDeviceGetMemoryInfo(handle).total)
    return Gpu(_text(library.nvmlDeviceGetUUID(handle)), kind, memory, capability)


def _text(said: str | bytes) -> str:
    return said.decode() if isinstance(said, bytes) else said


def _visible(boards: Sequence[Sequence[Gpu]], shown: str | None) -> Sequence[Gpu]:
    """The GPUs that `CUDA_VISIBLE_DEVICES` names, in its order and up to the first that it does not
    know, as CUDA reads it: a number is a board (its first slice, where it is cut), a text the
    beginning of a UUID."""
    everything = [gpu for board in boards for gpu in board]
    if shown is None:
        return everything
    found: list[Gpu] = []
    for word in (each.strip() for each in shown.split(",")):
        if word.isdecimal():
            named = boards[int(word)][:1] if int(word) < len(boards) else []
        else:
            named = [gpu for gpu in everything if word and gpu.uuid.startswith(word)]
        if len(named) != 1 or named[0] in found:
            break
        found += named
    return found
