"""How many fresh seeds a study asks for."""

from __future__ import annotations

import math

from studies.study_file.spec import Spec


def pair_count(spec: Spec) -> int:
    """The pairs of arms that are compared: all of them, or those with one arm."""
    count = len(spec.arms)
    return count - 1 if spec.design.against is not None else math.comb(count, 2)


def confirm_seeds(spec: Spec) -> int:
    """How many fresh seeds; where the file leaves it open, the smallest number at which a verdict
    between configurations is possible at all after Holm's correction, plus two."""
    if spec.design.seeds is not None:
        return spec.design.seeds
    from studies.statistics import seeds_for_a_verdict  # scipy takes half a second

    return seeds_for_a_verdict(max(1, pair_count(spec))) + 2
