"""A trial that is a Python function of the user's: `def trial(configuration, report): ...`."""

from __future__ import annotations

import inspect
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cloudpickle

from lightning_modules.configuration import COMMAND
from lightning_modules.configuration.sections import FUNCTION
from lightning_modules.errors import UserError
from studies.engines import Task
from studies.engines.report import Report
from studies.engines.reported_epochs import ReportedEpochs
from studies.inputs.function_identity import function_identity
from studies.inputs.identities import OF_FUNCTION
from studies.program import metric_name
from studies.records import EpochReport, Outcome, TrialEnd
from studies.study_file.command_template import WHOLE

TrialFunction = Callable[[dict[str, Any], Report], Mapping[str, float] | None]
"""Trains one configuration, reports every epoch, and returns the metrics of the test part, if it
has any. The configuration also holds `seed`, `split` and `checkpoint`, the file where the weights
of the best epoch may be kept."""


class StopTrial(Exception):
    """Ends a trial that goes on although it was told to stop."""


def name_of(function: TrialFunction) -> str:
    """What a function is called in a record: `train.trial`."""
    module = getattr(function, "__module__", "") or "__main__"
    return f"{module}.{getattr(function, '__qualname__', type(function).__qualname__)}"


def command_of(function: TrialFunction) -> list[str]:
    """The command that stands for a function in a study file."""
    return [FUNCTION, name_of(function), f"{{{WHOLE}}}"]


def identity(function: TrialFunction) -> Mapping[str, str]:
    """What a function computes, by its name."""
    return {f"{OF_FUNCTION}{name_of(function)}": function_identity(function)}


@dataclass(frozen=True)
class PickledFunction:
    """Performs tasks in a worker by a function that was pickled with all that it needs."""

    pickled: bytes

    @classmethod
    def of(cls, function: TrialFunction) -> PickledFunction:
        """Raises UserError where a function refers to something that cannot be pickled."""
        try:
            return cls(cloudpickle.dumps(function))
        except Exception as error:
            raise UserError(
                f"the function {name_of(function)} cannot be sent to a worker process ({error}); "
                'open what it needs inside of it, or train in this process with engine="inline"'
            ) from error

    @cached_property
    def function(self) -> TrialFunction:
        """The function, loaded once in a process."""
        loaded: TrialFunction = cloudpickle.loads(self.pickled)
        return loaded

    def __call__(self, task: Task, ask: Callable[[EpochReport], bool]) -> TrialEnd:
        """Train a task, asking after every epoch whether to go on."""
        _limit_threads(int(task.configuration.trainer["threads"]))
        return run_function(self.function, task, ask)


def run_function(
    function: TrialFunction, task: Task, ask: Callable[[EpochReport], bool]
) -> TrialEnd:
    """Call a function for a task, asking after every epoch whether to go on.

    Raises UserError where it does not report as it should.
    """
    began, reported = time.perf_counter(), ReportedEpochs(task.configuration, "the function")
    stopped, raised = False, None

    def report(epoch: int, metrics: Mapping[str, float] | None = None, /, **named: float) -> bool:
        nonlocal stopped, raised
        if raised is not None:
            raise raised  # the function goes on although it was told
        if stopped:
            raise StopTrial
        try:
            metrics = {**(metrics or {}), **{metric_name(key): named[key] for key in named}}
            row = reported.epoch({"epoch": epoch, "metrics": _plain(metrics)})
            stopped = not ask(row) or bool(reported.diverged)
        except Exception as error:
            raised = error
            raise
        return not stopped

    try:
        test = function(_configuration(task), report)
    except StopTrial:
        test = None
    if raised is not None:
        raise raised
    if reported.diverged:
        return reported.end(Outcome.diverged, reported.diverged, began, task)
    if stopped:
        reason = f"stopped by the pruner after epoch {len(reported.epochs)}"
        return reported.end(Outcome.pruned, reason, began, task)
    if not reported.epochs:
        raise UserError(f"the function {name_of(function)} reported no epoch")
    if test is not None:
        if not isinstance(test, Mapping):
            form = 'nothing or the metrics of the test part, such as {"accuracy": 0.9}'
            raise UserError(f"the function {name_of(function)} returned {test!r}; return {form}")
        reported.take_test(_plain(test))
    return reported.end(Outcome.completed, "", began, task)


def require_trial_function(function: Any) -> None:
    """Raise UserError for what cannot be called as `trial(configuration, report)`."""
    if not callable(function):
        raise UserError(f"trial must be a function trial(configuration, report), got {function!r}")
    name = name_of(function)
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise UserError(f"trial: {name} must be a plain function, without async and yield")
    try:
        inspect.signature(function).bind({}, None)
    except TypeError:
        raise UserError(f"trial: {name} must take two arguments, (configuration, report)") from None
    except ValueError:
        pass  # nobody knows what it takes


def _configuration(task: Task) -> dict[str, Any]:
    """What a function is given: plain values that it may change."""
    tree = task.configuration.to_dict()
    tree["model"] = {key: value for key, value in tree["model"].items() if key != COMMAND}
    return {
        **tree,
        "seed": task.seed,
        "split": task.split or 0,
        "checkpoint": task.checkpoint,
    }


def _limit_threads(threads: int) -> None:
    """As far as it can be done from outside: for libraries that are not loaded yet, and torch."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(threads)


def _plain(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics as Python's numbers: a function may report those of numpy or torch."""
    return {name: getattr(value, "item", lambda v=value: v)() for name, value in metrics.items()}
