"""The made-up trainings of the pruning benchmark are what it says of them."""

from collections.abc import Callable
from types import ModuleType

import pytest


def test_a_cosine_is_behind_at_first_and_ahead_in_the_end(
    benchmark: Callable[[str], ModuleType],
) -> None:
    curve = benchmark("pooled_pruning").curve
    pairs = [(curve("cosine", 1e-2, seed), curve("constant", 1e-2, seed)) for seed in range(50)]
    early, late = (
        sum(cosine[epoch] - constant[epoch] for cosine, constant in pairs) / len(pairs)
        for epoch in (5, -1)
    )
    assert early < -0.03
    assert late == pytest.approx(0.010, abs=0.002)
