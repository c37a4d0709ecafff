"""What may be expected of a training that is done again on this machine."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from lightning_modules.training.nondeterminism import remark_of
from studies.cli.models.reproduce import place_like
from studies.devices import discovery
from studies.devices.discovery import Gpu
from studies.engines.places import Place
from studies.inputs.environment import hardware, versions
from studies.models.expectation import Likeness, expectation
from studies.records import Outcome, Search, Trial, TrialEnd
from studies.results import StudyResults
from tests.support.made import OPTIMIZERS, spec_of, study
from tests.support.record_made import trial_of

SEARCH = Search(1, "kept", "adam", 1, "search", None, "minimize")
H200 = "NVIDIA H200"


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "gpus", lambda: [Gpu("GPU-1", H200, 1), Gpu("GPU-2", H200, 1)])
    monkeypatch.setattr(discovery, "driver", lambda: {"driver": "580.65", "cuda": "13.0"})


def recorded(**changed: str) -> StudyResults:
    """A study of this machine and its packages, but for what is named."""
    noted = {**versions(), **hardware()}
    noted |= {key.replace("_", ":", 1): value for key, value in changed.items()}
    found = study(spec_of(OPTIMIZERS), [])
    parts = {
        kind: {key.partition(":")[2]: each for key, each in noted.items() if key.startswith(kind)}
        for kind in ("version", "hardware")
    }
    return replace(found, versions=parts["version"], hardware=parts["hardware"])


def trained(device: str) -> Trial:
    return replace(trial_of(SEARCH), device=device, outcome=Outcome.completed)


def expected(
    found: StudyResults, before: str, now: str, changed: Sequence[str] = (), remark: str = ""
) -> tuple[Likeness | None, str]:
    end = TrialEnd(Outcome.completed, device=now, remark=remark)
    said = expectation(found, trained(before), end, list(changed))
    return said.likeness, said.because


def test_the_gpus_of_the_machine_are_noted_with_driver_and_cuda() -> None:
    noted = hardware()
    assert noted["hardware:gpus"] == "2 × NVIDIA H200"
    assert (noted["hardware:driver"], noted["hardware:cuda"]) == ("580.65", "13.0")


def test_a_machine_without_gpus_notes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "gpus", list)
    assert not {"hardware:gpus", "hardware:driver", "hardware:cuda"} & hardware().keys()


@pytest.mark.parametrize("device", [H200, "cpu"])
def test_the_same_machine_and_versions_give_the_same_bits(device: str) -> None:
    assert expected(recorded(), device, device) == (Likeness.identical, "")
    other = recorded(version_optuna="1.0", hardware_memory="1 GiB", hardware_cores="1")
    assert expected(other, device, device) == (Likeness.identical, "")


@pytest.mark.parametrize(("before", "now"), [(H200, "cpu"), ("cpu", H200), (H200, "NVIDIA L4")])
def test_another_device_lets_expect_equal_numbers(before: str, now: str) -> None:
    why = f"recorded on {before}, trained on {now}: numbers repeat to the last bit on one model of "
    assert expected(recorded(version_torch="1.0"), before, now) == (
        Likeness.equal,
        f"{why}device only",
    )


def test_another_processor_matters_on_the_cpu_alone() -> None:
    found, here = recorded(hardware_processor="Abacus"), hardware()["hardware:processor"]
    why = f"recorded on Abacus, trained on {here}: numbers repeat to the last bit on one model of "
    assert expected(found, "cpu", "cpu") == (Likeness.equal, f"{why}processor only")
    assert expected(found, H200, H200) == (Likeness.identical, "")


def test_another_torch_matters_everywhere_and_another_cuda_on_gpus() -> None:
    torch = versions()["version:torch"]
    why = "numbers repeat to the last bit with the same versions only"
    older = f"recorded with torch 2.0, trained with torch {torch}: {why}"
    for device in (H200, "cpu"):
        assert expected(recorded(version_torch="2.0"), device, device) == (Likeness.equal, older)
    found = recorded(hardware_cuda="12.4")
    other = f"recorded with cuda 12.4, trained with cuda 13.0: {why}"
    assert expected(found, H200, H200) == (Likeness.equal, other)
    assert expected(found, "cpu", "cpu") == (Likeness.identical, "")


def test_an_operation_that_is_not_deterministic_is_the_reason() -> None:
    remark = remark_of({"cumsum_cuda_kernel"})
    assert expected(recorded(), H200, H200, remark=remark) == (Likeness.equal, remark)
    other = "the network answers every row alike"
    assert expected(recorded(), H200, H200, remark=other) == (Likeness.identical, "")


def test_of_other_inputs_nothing_can_be_expected() -> None:
    assert expected(recorded(), H200, "cpu", ["seed was 1, is 2"]) == (None, "seed was 1, is 2")


def test_what_was_not_recorded_does_not_count() -> None:
    found = replace(recorded(), versions={}, hardware={})
    assert expected(found, "", "cpu") == (Likeness.identical, "")


@pytest.mark.parametrize(
    ("recorded_on", "accelerator", "kind", "visible"),
    [
        ("NVIDIA L4", "auto", "NVIDIA L4", "GPU-2"),
        (H200, "gpu", H200, "GPU-1"),
        ("NVIDIA V100", "auto", H200, "GPU-1"),
        ("cpu", "auto", "cpu", ""),
        ("cpu", "cpu", "cpu", ""),
    ],
)
def test_a_training_is_done_again_on_the_kind_that_it_had(
    recorded_on: str, accelerator: str, kind: str, visible: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = [Gpu("GPU-1", H200, 1), Gpu("GPU-2", "NVIDIA L4", 1)]
    monkeypatch.setattr(discovery, "gpus", lambda: two)
    assert place_like(recorded_on, accelerator) == Place(kind, visible)
