from .repeat_results import RepeatResult, on_log_scale, on_test, part_of, value_of
from .study_results import StudyResults, exists, load, names, outcome_counts, read
from .wording import (
    LARGEST_LOG,
    amount,
    duration,
    in_unit,
    is_share,
    level,
    level_words,
    plural,
    size,
    value_text,
)

__all__ = [
    "LARGEST_LOG",
    "RepeatResult",
    "StudyResults",
    "amount",
    "duration",
    "exists",
    "in_unit",
    "is_share",
    "level",
    "level_words",
    "load",
    "names",
    "on_log_scale",
    "on_test",
    "outcome_counts",
    "part_of",
    "plural",
    "read",
    "size",
    "value_of",
    "value_text",
]
