from .comparing import StudyOutcome, compare
from .comparison import ArmResult, Comparison, PairResult, winner
from .curves import ArmTuning, Curves
from .diagnostics import Alarm, alarms
from .overview import StudyEntry, StudyRow, summary
from .recommendation import recommended
from .representative import choose, configuration_of

__all__ = [
    "Alarm",
    "ArmResult",
    "ArmTuning",
    "Comparison",
    "Curves",
    "PairResult",
    "StudyEntry",
    "StudyOutcome",
    "StudyRow",
    "alarms",
    "choose",
    "compare",
    "configuration_of",
    "recommended",
    "summary",
    "winner",
]
