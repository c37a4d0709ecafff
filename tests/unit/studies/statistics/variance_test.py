"""Components of variance are those of hand-computed tables and of simulated ones."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.statistics.variance import TwoWay, pooled_sd, two_way


def table(rows: list[list[float | None]]) -> dict[tuple[str, int], float]:
    """{(configuration, split): value} of rows by configuration; None is a missing cell."""
    return {
        (f"c{i}", j): value
        for i, row in enumerate(rows)
        for j, value in enumerate(row)
        if value is not None
    }


def simulated(
    rng: np.random.Generator, sds: tuple[float, float, float], shape: tuple[int, int], share: float
) -> TwoWay:
    configuration = rng.normal(0, sds[0], (shape[0], 1))
    split = rng.normal(0, sds[1], (1, shape[1]))
    y = configuration + split + rng.normal(0, sds[2], shape)
    kept = rng.random(shape) < share
    return two_way(
        table(
            [
                [float(v) if k else None for v, k in zip(*r, strict=True)]
                for r in zip(y, kept, strict=True)
            ]
        )
    )


def test_the_pooled_sd_weighs_groups_by_their_degrees_of_freedom() -> None:
    assert pooled_sd([[1, 3], [10, 11, 12], [7]]) == pytest.approx(math.sqrt((2 + 2) / 3))
    assert pooled_sd([[5, 5], [1]]) == 0.0
    assert math.isnan(pooled_sd([[1], [2], []])) and math.isnan(pooled_sd([]))
    with pytest.raises(ValueError, match="values must be finite"):
        pooled_sd([[1, math.inf]])


def test_a_balanced_table_by_hand() -> None:
    # configuration means 2, 5; split means 1.5, 3.5, 5.5; residuals ±0.5 in splits 1 and 3
    found = two_way(table([[0.5, 2, 3.5], [2.5, 5, 7.5]]))
    assert found.residual == pytest.approx(math.sqrt(1.0 / 2))
    assert found.sd_configuration == pytest.approx(math.sqrt((13.5 - 0.5) / 3))
    assert found.sd_split == pytest.approx(math.sqrt((8 - 0.5) / 2))
    assert (found.configurations, found.splits, found.count) == (2, 3, 6)


def test_an_additive_table_leaves_no_residual_even_with_holes() -> None:
    found = two_way(table([[0, 1, 5], [10, 11, None], [None, 21, 25]]))
    assert found.residual == pytest.approx(0, abs=1e-9)
    assert found.sd_configuration > 8 and found.sd_split > 1.5


def test_what_is_not_estimable_is_nan() -> None:
    def sds(rows: list[list[float | None]]) -> tuple[float, float, float]:
        found = two_way(table(rows))
        return (found.sd_configuration, found.sd_split, found.residual)

    for rows in ([], [[1]], [[1, 2, 3]], [[1], [2]], [[1, 2], [None, 3]], [[1, None], [None, 2]]):
        assert all(math.isnan(sd) for sd in sds(rows)), rows
    assert two_way({}).count == 0
    blocks = two_way(table([[1, 2, None], [2, 4, None], [None, None, 9]]))
    assert math.isfinite(blocks.residual) and math.isfinite(blocks.sd_split)


def test_a_component_below_zero_is_zero() -> None:
    found = two_way(table([[1, -1], [-1, 1]]))
    assert (found.sd_configuration, found.sd_split) == (0.0, 0.0)
    assert found.residual == pytest.approx(2.0)


@pytest.mark.parametrize("share", [1.0, 0.6])
def test_variances_are_recovered_without_bias_with_cells_missing_too(share: float) -> None:
    rng = np.random.default_rng(0)
    found = [simulated(rng, (2.0, 1.0, 0.5), (8, 6), share) for _ in range(400)]
    for name, true in (("sd_configuration", 2.0), ("sd_split", 1.0), ("residual", 0.5)):
        variances = np.array([getattr(f, name) ** 2 for f in found])
        error = variances.std() / math.sqrt(len(variances))
        assert variances.mean() == pytest.approx(true**2, abs=3 * error), name


cells = st.integers(-20, 20).map(lambda tenths: tenths / 10)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.none() | cells, min_size=4, max_size=4), min_size=1, max_size=5))
def test_shifts_scales_and_a_transposed_table(rows: list[list[float | None]]) -> None:
    values = table(rows)
    found = two_way(values)
    doubled = two_way({key: 2 * value + 7 for key, value in values.items()})
    turned = two_way({(str(j), int(c[1:])): value for (c, j), value in values.items()})
    for name, other in (
        ("sd_configuration", "sd_split"),
        ("sd_split", "sd_configuration"),
        ("residual", "residual"),
    ):
        sd = getattr(found, name)
        assert getattr(doubled, name) == pytest.approx(2 * sd, nan_ok=True, abs=1e-6)
        assert getattr(turned, other) == pytest.approx(sd, nan_ok=True, abs=1e-6)
