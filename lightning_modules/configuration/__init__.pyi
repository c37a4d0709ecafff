from .configuration import Configuration, Objective, Part, flatten
from .sections import COMMAND

__all__ = [
    "COMMAND",
    "Configuration",
    "Objective",
    "Part",
    "flatten",
]
