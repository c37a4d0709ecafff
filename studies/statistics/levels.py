"""The levels and looks of a verdict about arms: fixed before a study starts, and recorded with it.

Sources: Pocock 1977 for equal levels at every look; Holm 1979 divides each of them over the pairs.
"""

from __future__ import annotations

ALPHA = 0.05
"""The share of studies of equal arms in which any pair may be told apart."""
MIN_REPEATS = 4
"""Repeats below which nothing is said about arms, whatever the seeds."""
REPEATS = 6
"""Repeats where a file that compares arms does not say how many."""
LOOKS = (6, 8)
"""Repeats after which a sequential comparison (`search.repeats: auto`) is looked at. A look at 4
told 6.2 % of arms of different shape and equal quality apart (benchmarks/calibration.py)."""
LOOK_ALPHA = 0.0224
"""The level of each look. Of equal pairs with normal differences they tell 3.6 % apart."""
FUTILE = 0.5
"""p above which a pair is closed at the first look: it will not be told apart."""
SECOND_LOOK_ALPHA = 0.01
"""The level of a study that was extended once after its verdict; there is no third look."""
