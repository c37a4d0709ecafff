from .calls import check, compare, load, run
from .report import Report
from .study import Best, Study, Verdict

__all__ = ["Best", "Report", "Study", "Verdict", "check", "compare", "load", "run"]
