from .best_configuration import recommended
from .comparing import StudyOutcome, compare
from .comparison import ArmResult, Comparison, PairResult, winner
from .curves import ArmTuning, Curves
from .diagnostics import DesignWarning, design_warnings, few_steps_warnings
from .overview import StudyEntry, StudyRow, summary
from .representative import choose, configuration_of, file_of_one_trial

__all__ = [
    "ArmResult",
    "ArmTuning",
    "Comparison",
    "Curves",
    "DesignWarning",
    "PairResult",
    "StudyEntry",
    "StudyOutcome",
    "StudyRow",
    "choose",
    "compare",
    "configuration_of",
    "design_warnings",
    "few_steps_warnings",
    "file_of_one_trial",
    "recommended",
    "summary",
    "winner",
]
