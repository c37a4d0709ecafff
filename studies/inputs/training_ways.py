"""Whether this machine can train as a study says: numbers that its GPUs know, compilers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from importlib.util import find_spec

from lightning_modules.configuration import Configuration
from lightning_modules.configuration.trainer import NO_HALF
from lightning_modules.errors import UserError
from studies.devices import discovery
from studies.devices.discovery import Gpu
from studies.study_file import Spec, is_program

BF16_SINCE = (8, 0)
"""The compute capability from which a GPU of NVIDIA's has units for bfloat16."""
COMPILER = {
    False: ("CXX", ("g++", "clang++"), "a C++ compiler (g++)"),
    True: ("CC", ("gcc", "clang", "cc"), "a C compiler (gcc)"),
}
"""What torch compiles with, on a GPU or not: the variable that names it, where it is looked for,
and what it is called."""


def check_training(configuration: Configuration) -> None:
    """Raise UserError where a training would not be what the file says, or would fail at once."""
    if is_program(configuration):
        return
    given = configuration.trainer
    on_gpu = given["accelerator"] != "cpu" and bool(discovery.gpus())
    if given["precision"] == "fp16" and not on_gpu:
        raise UserError(NO_HALF)
    if given["compile"]:
        _check_compiler(on_gpu)


def precision_warnings(spec: Spec) -> Iterator[str]:
    """GPUs that compute with bfloat16 so slowly that it was not meant."""
    trained = [each for each in spec.configurations if not is_program(each)]
    if not any(each.trainer["precision"] == "bf16" for each in trained):
        return
    without = [gpu.kind for gpu in _used(trained) if not _has_bf16(gpu)]
    for kind in dict.fromkeys(without):
        yield (
            f"trainer.precision is bf16, and {kind} has no units for it: it is slower there than "
            "32; write fp16 or 32"
        )


def precision_hints(spec: Spec) -> Iterator[str]:
    """That the GPUs would be faster with bfloat16, where nothing says that it was thought of."""
    trained = [each for each in spec.configurations if not is_program(each)]
    found = _used(trained)
    is_plain = all(each.trainer["precision"] == 32 for each in trained)
    if trained and found and is_plain and all(map(_has_bf16, found)):
        yield (
            f"{found[0].kind} computes with bfloat16: trainer: {{precision: bf16}} is faster for "
            "networks of some size"
        )


def _used(trained: Sequence[Configuration]) -> Sequence[Gpu]:
    """The GPUs on which some of these are trained, of which the capability is known."""
    if all(each.trainer["accelerator"] == "cpu" for each in trained):
        return ()
    return [gpu for gpu in discovery.gpus() if gpu.capability is not None]


def _has_bf16(gpu: Gpu) -> bool:
    return gpu.capability is not None and gpu.capability >= BF16_SINCE


def _check_compiler(on_gpu: bool) -> None:
    variable, names, what = COMPILER[on_gpu]
    named = os.environ.get(variable)
    found = any(shutil.which(name) for name in ([named] if named else names))
    if not found:
        said = f"{variable} names {named}, which is not there" if named else "there is none here"
        raise UserError(
            f"trainer.compile needs {what}, and {said}; install one, or write compile: false"
        )
    if on_gpu and find_spec("triton") is None:
        raise UserError(
            "trainer.compile needs the package triton on a GPU; pip install triton, or write "
            "compile: false"
        )
