"""What a study file asks of its sampler that the sampler does not do, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from studies.study_file import SAMPLERS, Arm, Spec
from studies.study_file.methods.samplers import not_modelled


def sampler_warnings(spec: Spec) -> list[str]:
    """Open values that the sampler's model leaves to random draws."""
    found = [text for arm in spec.arms for text in _of_arm(spec, arm)]
    return list(dict.fromkeys(found))


def _of_arm(spec: Spec, arm: Arm) -> Iterator[str]:
    method, of = spec.sampler.name, f" of {arm.name}" if arm.name else ""
    if left := not_modelled(method, arm.space):
        yield (
            f"{method} draws {', '.join(left)}{of} at random: its model is of "
            f"{SAMPLERS[method].models} only; tpe models all of them"
        )
