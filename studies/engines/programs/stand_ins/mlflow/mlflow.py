"""A stand-in for mlflow, which writes what is logged into a file of the trial's and sends
nothing."""

import types

from fairtune_stand_in import Anything, any_attribute, take_submodules, write

__path__ = []
__version__ = "3.99.0"
take_submodules(__name__)


def log_metric(key, value, step=None, *args, **named):
    """Log a number."""
    write({key: value}, step)


def log_metrics(metrics, step=None, *args, **named):
    """Log numbers together."""
    write(metrics, step)


class Metric(types.SimpleNamespace):
    """A number as it is logged with others."""

    def __init__(self, key, value, timestamp=None, step=None, *args, **named):
        super().__init__(key=key, value=value, step=step)


class Run(Anything):
    """A run, of which everything but its numbers goes nowhere."""

    info = types.SimpleNamespace(
        run_id="trial", run_uuid="trial", run_name="trial", experiment_id="0", artifact_uri=""
    )


class MlflowClient(Anything):
    """A client, of which everything but numbers goes nowhere."""

    def log_metric(self, run_id, key, value, timestamp=None, step=None, *args, **named):
        """Log a number."""
        write({key: value}, step)

    def log_batch(self, run_id, metrics=(), *args, **named):
        """Log numbers, each with its step."""
        for metric in metrics:
            write({metric.key: metric.value}, metric.step)

    def create_run(self, *args, **named):
        """Begin a run."""
        return Run()


def start_run(*args, **named):
    """Begin a run."""
    return Run()


def active_run():
    """The run."""
    return Run()


def __getattr__(name):
    return any_attribute(name)
