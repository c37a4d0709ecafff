from .comparing import Finding, compare
from .comparison import ArmResult, Comparison, PairResult, winner
from .curves import ArmTuning, Curves
from .diagnostics import DesignWarning, design_warnings
from .overview import Listed, StudyRow, summary
from .recommendation import recommended
from .representative import choose, configuration_of

__all__ = [
    "ArmResult",
    "ArmTuning",
    "Comparison",
    "Curves",
    "DesignWarning",
    "Finding",
    "Listed",
    "PairResult",
    "StudyRow",
    "choose",
    "compare",
    "configuration_of",
    "design_warnings",
    "recommended",
    "summary",
    "winner",
]
