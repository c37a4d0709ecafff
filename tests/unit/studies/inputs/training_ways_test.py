"""What this machine cannot train is said before anything is written, and what would be faster."""

import shutil
from collections.abc import Sequence

import pytest

from lightning_modules.errors import UserError
from studies.devices import discovery
from studies.devices.discovery import Gpu
from studies.inputs.checks import check_inputs
from studies.running.preview import plan
from studies.study_file import Spec
from tests.support.made import HOME, OPTIMIZERS, spec_of

NEW = Gpu("GPU-1", "NVIDIA H200", 2**37, (9, 0))
OLD = Gpu("GPU-2", "Tesla T4", 2**34, (7, 5))
UNKNOWN = Gpu("GPU-3", "NVIDIA Something", 2**34)


def trained(trainer: str) -> Spec:
    return spec_of(OPTIMIZERS.replace("{epochs: 10}", f"{{epochs: 10, {trainer}}}"))


def pretend(monkeypatch: pytest.MonkeyPatch, *gpus: Gpu) -> None:
    monkeypatch.setattr(discovery, "gpus", lambda: gpus)


@pytest.mark.parametrize(
    ("gpus", "accelerator"), [((), "auto"), ((), "gpu"), ((NEW,), "cpu"), ((), "cpu")]
)
def test_float16_needs_a_gpu(
    monkeypatch: pytest.MonkeyPatch, gpus: Sequence[Gpu], accelerator: str
) -> None:
    pretend(monkeypatch, *gpus)
    with pytest.raises(UserError) as caught:
        check_inputs(trained(f"precision: fp16, accelerator: {accelerator}"), HOME)
    assert str(caught.value) == (
        "trainer.precision: fp16 needs a GPU, and the training would be on the CPU: write bf16, "
        "which the CPU computes with too, or 32"
    )


def test_with_a_gpu_and_with_bfloat16_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, OLD)
    check_inputs(trained("precision: fp16"), HOME)
    pretend(monkeypatch)
    check_inputs(trained("precision: bf16"), HOME)


@pytest.mark.parametrize(
    ("gpus", "trainer", "hints", "warnings"),
    [
        ((NEW, NEW), "precision: 32", 1, 0),
        ((NEW,), "precision: bf16", 0, 0),
        ((NEW,), "accelerator: cpu", 0, 0),
        ((NEW, OLD), "precision: 32", 0, 0),
        ((OLD,), "precision: fp16", 0, 0),
        ((NEW, OLD, OLD), "precision: bf16", 0, 1),
        ((UNKNOWN,), "precision: 32", 0, 0),
        ((UNKNOWN,), "precision: bf16", 0, 0),
        ((), "precision: bf16", 0, 0),
    ],
)
def test_bfloat16_is_named_where_the_card_has_it_and_warned_of_where_it_has_not(
    monkeypatch: pytest.MonkeyPatch, gpus: Sequence[Gpu], trainer: str, hints: int, warnings: int
) -> None:
    pretend(monkeypatch, *gpus)
    planned = plan(trained(trainer))
    hint = (
        "NVIDIA H200 computes with bfloat16: trainer: {precision: bf16} is faster for networks of "
        "some size"
    )
    assert planned.hints == [hint] * hints
    found = [each for each in planned.warnings if "bf16" in each]
    said = "trainer.precision is bf16, and Tesla T4 has no units for it: it is slower there than 32"
    assert found == [f"{said}; write fp16 or 32"] * warnings


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (None, "a C++ compiler (g++), and there is none here"),
        ("icpx", "a C++ compiler (g++), and CXX names icpx, which is not there"),
    ],
)
def test_to_compile_needs_a_compiler(
    monkeypatch: pytest.MonkeyPatch, named: str | None, said: str
) -> None:
    pretend(monkeypatch)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.delenv("CXX", raising=False)
    if named is not None:
        monkeypatch.setenv("CXX", named)
    with pytest.raises(UserError) as caught:
        check_inputs(trained("compile: true"), HOME)
    assert str(caught.value) == (
        f"trainer.compile needs {said}; install one, or write compile: false"
    )
    check_inputs(trained("compile: false"), HOME)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name == "g++" else None)
    if named is None:
        check_inputs(trained("compile: true"), HOME)


def test_on_a_gpu_it_needs_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    from studies.inputs import training_ways

    pretend(monkeypatch, NEW)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(training_ways, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="needs the package triton on a GPU; pip install triton"):
        check_inputs(trained("compile: true"), HOME)
    check_inputs(trained("compile: true, accelerator: cpu"), HOME)
