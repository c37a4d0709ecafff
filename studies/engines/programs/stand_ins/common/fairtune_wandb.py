"""What `import wandb` finds, and `import trackio`, which has the same functions."""

from fairtune_runs import Config, Run, Runs  # noqa: F401
from fairtune_stand_in import any_attribute

_runs = Runs()


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
