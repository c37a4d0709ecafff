"""How like a recorded training another one can be expected to be: to the last bit only where it is
done with the same inputs, on the same model of device and with the same versions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from lightning_modules.training.nondeterminism import is_nondeterministic
from studies.inputs.environment import hardware, versions
from studies.records import Trial, TrialEnd
from studies.results import StudyResults

VERSIONS = ("torch", "torchvision", "pytorch-lightning", "numpy")
"""The packages that compute."""
OF_GPU = ("driver", "cuda")
"""What of the machine decides, beside its model, how a GPU computes."""


class Likeness(StrEnum):
    """How like the recorded training the new one is."""

    identical = "identical"
    equal = "equal"
    different = "different"


@dataclass(frozen=True)
class Expectation:
    """What may be expected of a training that is done again."""

    likeness: Likeness | None
    """None where it has other inputs, so that nothing can be expected."""
    because: str = ""
    """Why it is not to be identical; empty where it is."""


def expectation(
    results: StudyResults, trial: Trial, end: TrialEnd, changed: list[str]
) -> Expectation:
    """What may be expected of a trial that was trained again with the end `end`; `changed` are the
    inputs that it no longer has."""
    if changed:
        return Expectation(None, changed[0])
    why = next(_reasons(results, trial, end), "")
    return Expectation(Likeness.equal if why else Likeness.identical, why)


def _reasons(results: StudyResults, trial: Trial, end: TrialEnd) -> Iterator[str]:
    """Why the numbers need not repeat to the last bit, the weightiest reason first."""
    here = hardware()
    if trial.device and end.device and trial.device != end.device:
        yield _recorded_on(trial.device, end.device, "device")
    before, now = results.hardware.get("processor"), here["hardware:processor"]
    if trial.device == end.device == "cpu" and before not in (None, now):
        yield _recorded_on(before or "", now, "processor")
    then = {f"version:{name}": results.versions.get(name) for name in VERSIONS}
    if end.device != "cpu":
        then |= {f"hardware:{name}": results.hardware.get(name) for name in OF_GPU}
    today = versions() | here
    for key, value in then.items():
        if value is not None and key in today and today[key] != value:
            name = key.partition(":")[2]
            yield (
                f"recorded with {name} {value}, trained with {name} {today[key]}: numbers repeat "
                "to the last bit with the same versions only"
            )
    if is_nondeterministic(end.remark):
        yield end.remark


def _recorded_on(before: str, now: str, what: str) -> str:
    return (
        f"recorded on {before}, trained on {now}: numbers repeat to the last bit on one model of "
        f"{what} only"
    )
