from .code_versions import Codes, mixed_code
from .devices import Devices, mixed_devices
from .repeat_results import RepeatResult, compared_part, on_log_scale, on_test, value_of
from .resources import largest, memory_text, resource_words
from .study_results import StudyResults, exists, load_results, names, outcome_counts, read_results
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
    "Codes",
    "Devices",
    "RepeatResult",
    "StudyResults",
    "amount",
    "compared_part",
    "duration",
    "exists",
    "in_unit",
    "is_share",
    "largest",
    "level",
    "level_words",
    "load_results",
    "memory_text",
    "mixed_code",
    "mixed_devices",
    "names",
    "on_log_scale",
    "on_test",
    "outcome_counts",
    "plural",
    "read_results",
    "resource_words",
    "size",
    "value_of",
    "value_text",
]
