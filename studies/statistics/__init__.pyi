from .goals import Goal, best_of, sign_of
from .intervals import Interval
from .levels import ALPHA, LOOKS, MIN_REPEATS, SECOND_LOOK_ALPHA
from .verdicts import seeds_for_a_verdict

__all__ = [
    "ALPHA",
    "LOOKS",
    "MIN_REPEATS",
    "SECOND_LOOK_ALPHA",
    "Goal",
    "Interval",
    "best_of",
    "seeds_for_a_verdict",
    "sign_of",
]
