"""What lies on the axes of the report's figures."""

import math

from studies.reporting.figures.svg import focused_limits


def test_an_axis_holds_what_is_finite() -> None:
    assert focused_limits([1.0, math.inf, 2.0, math.nan]) == focused_limits([1.0, 2.0])
    low, high = focused_limits([math.inf])
    assert math.isfinite(low) and math.isfinite(high)
