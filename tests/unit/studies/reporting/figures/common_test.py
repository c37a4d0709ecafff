"""What all figures share."""

import math

from studies.reporting.figures.common import finite
from studies.reporting.figures.theme import arm_colours, named


def test_an_arm_has_the_same_colour_everywhere_and_colours_come_again() -> None:
    assert arm_colours(["a", "b"]) == [named("arm_0"), named("arm_1")]
    assert arm_colours([str(i) for i in range(9)])[7:] == arm_colours(["a", "b"])


def test_no_axis_has_infinity() -> None:
    assert [finite(x) for x in (0.5, math.inf, -math.inf, math.nan, None)] == [0.5] + 4 * [None]
