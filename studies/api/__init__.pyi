from .calls import check, compare, load, run
from .study import Best, Study, Verdict

__all__ = ["Best", "Study", "Verdict", "check", "compare", "load", "run"]
