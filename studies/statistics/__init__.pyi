from .intervals import Goal, Interval
from .levels import ALPHA, LOOKS, MIN_REPEATS, SECOND_LOOK_ALPHA
from .verdicts import seeds_for_a_verdict

__all__ = [
    "ALPHA",
    "LOOKS",
    "MIN_REPEATS",
    "SECOND_LOOK_ALPHA",
    "Goal",
    "Interval",
    "seeds_for_a_verdict",
]
