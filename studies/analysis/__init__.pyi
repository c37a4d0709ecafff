from .comparing import Finding, compare
from .comparison import ArmResult, Comparison, PairResult, winner
from .curves import ArmTuning, Curves
from .diagnostics import Alarm, alarms
from .overview import Listed, StudyRow, summary
from .recommendation import recommended
from .representative import choose, configuration_of

__all__ = [
    "Alarm",
    "ArmResult",
    "ArmTuning",
    "Comparison",
    "Curves",
    "Finding",
    "Listed",
    "PairResult",
    "StudyRow",
    "alarms",
    "choose",
    "compare",
    "configuration_of",
    "recommended",
    "summary",
    "winner",
]
