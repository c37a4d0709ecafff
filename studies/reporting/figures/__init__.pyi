from .arm_style import ArmStyle
from .curves import best_so_far, learning_curves, searches, tuning_curves
from .intervals import differences, dots

__all__ = [
    "ArmStyle",
    "best_so_far",
    "differences",
    "dots",
    "learning_curves",
    "searches",
    "tuning_curves",
]
