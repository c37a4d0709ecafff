"""A callback for Lightning, under both of its names."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from studies.program import metric_name, report, report_test

if TYPE_CHECKING:
    from studies.engines.report import Report

NAMES = ("pytorch_lightning", "lightning.pytorch")


def lightning_callback(report: Report = report) -> Any:
    """A callback of a Lightning Trainer: it reports what a module has logged in an epoch.

    `val_accuracy` is `val/accuracy`; what an epoch did not log has no value in it. Metrics of
    `trainer.test` are those of the test part.

    Args:
        report: That of a trial function; without it, the callback reports as a program does.

    Example:
        `Trainer(callbacks=[lightning_callback()])`
    """
    kinds = tuple(import_module(name).Callback for name in _imported())
    return type("FairtuneCallback", (_Reporting, *kinds), {})(report)


def _imported() -> list[str]:
    """The Lightnings that a script has imported, else the one that is there."""
    found = [name for name in NAMES if name in sys.modules]
    return found or [name for name in NAMES if find_spec(name.partition(".")[0])][:1]


class _Reporting:
    """What the callback does; a Trainer takes it with the class of its own Lightning."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._epochs = 0
        self._before: dict[str, Any] = {}
        """What was logged before this epoch; Lightning keeps it among the metrics."""

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Note what older epochs have logged."""
        self._before = dict(trainer.callback_metrics)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Report the epoch, and end the training where that is the answer."""
        self._epochs += 1
        go_on = True
        if trainer.is_global_zero:
            go_on = self._report(self._epochs, _new(trainer.callback_metrics, self._before))
        if not trainer.strategy.broadcast(go_on):
            trainer.should_stop = True

    def on_test_end(self, trainer: Any, pl_module: Any) -> None:
        """Report the test of a program."""
        if self._report is report and trainer.is_global_zero:
            report_test(_new(trainer.callback_metrics, self._before))


def _new(metrics: dict[str, Any], before: dict[str, Any]) -> dict[str, float]:
    return {
        metric_name(name): float(value)
        for name, value in metrics.items()
        if value is not before.get(name)
    }
