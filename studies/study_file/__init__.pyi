from .command_template import is_program
from .fresh_seeds import confirm_seeds, pair_count
from .loading import resolve
from .methods.samplers import SAMPLERS
from .space.arms import Arm
from .space.open_values import Choice, Range
from .space.search_space import Alternatives
from .spec import Spec
from .splits import Splits, splits_of

__all__ = [
    "SAMPLERS",
    "Alternatives",
    "Arm",
    "Choice",
    "Range",
    "Spec",
    "Splits",
    "confirm_seeds",
    "is_program",
    "pair_count",
    "resolve",
    "splits_of",
]
