"""A stand-in for wandb, which writes what is logged into a file of the trial's."""

from fairtune_runs import Config, Run, Runs  # noqa: F401
from fairtune_stand_in import any_attribute, take_submodules

__path__ = []
__version__ = "0.99.0"
_runs = Runs()
take_submodules(__name__)


def init(*args, config=None, **named):
    """Begin a run."""
    return _runs.init(*args, config=config, **named)


def log(*args, **named):
    """Log numbers."""
    _runs.current().log(*args, **named)


def agent(*args, **named):
    """Train one trial of a sweep."""
    _runs.agent(*args, **named)


def finish(*args, **named):
    """End the run."""
    _runs.finish(*args, **named)


def __getattr__(name):
    if name == "run":
        return _runs.run
    if name in ("config", "summary"):
        return getattr(_runs.current(), name)
    return any_attribute(name)
