"""What the selection benchmark says of all tables together."""

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest


def test_the_median_of_the_regret_ratios_is_not_moved_by_one_table(
    benchmark: Callable[[str], ModuleType],
) -> None:
    module = benchmark("selection")
    measured = [
        module.Regrets(table, "tpe", 1.0, [1.0, 1.0], [ratio, ratio], [0, 0], 0.0)
        for table, ratio in (("car", 0.8), ("kc1", 0.9), ("segment", 64.0))
    ]
    summary = module.summarize("tpe", measured, np.random.default_rng(0))
    assert summary.median_ratio.estimate == pytest.approx(0.9)
    assert summary.mean_ratio.estimate == pytest.approx((0.8 * 0.9 * 64) ** (1 / 3))
