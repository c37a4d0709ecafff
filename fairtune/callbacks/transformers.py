"""A callback for the Trainer of Hugging Face's transformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from studies import program

if TYPE_CHECKING:
    from studies.engines.report import Report

NO_METRICS = ("runtime", "samples_per_second", "steps_per_second", "epoch")
"""Ends of the names of what a Trainer measures beside the model."""


def transformers_callback(report: Report = program.report) -> Any:
    """A callback of Hugging Face's Trainer: every evaluation while it trains is an epoch.

    `eval_loss` is `val/loss`; the loss that was logged last before it is `train/loss`. Metrics of
    `trainer.predict` are those of the test part.

    Args:
        report: That of a trial function; without it, the callback reports as a program does.

    Example:
        `Trainer(..., callbacks=[transformers_callback()])`
    """
    from transformers import TrainerCallback

    is_program = report is program.report

    class FairtuneCallback(TrainerCallback):
        """Reports every evaluation, and ends the training where that is the answer."""

        epochs = 0

        def __init__(self) -> None:
            self.training = False
            self.logged: dict[str, float] = {}

        def on_train_begin(self, args: Any, state: Any, control: Any, **named: Any) -> None:
            """Evaluations are epochs from now on."""
            self.training = True

        def on_train_end(self, args: Any, state: Any, control: Any, **named: Any) -> None:
            """Evaluations are no epochs any more."""
            self.training = False

        def on_log(
            self, args: Any, state: Any, control: Any, logs: Any = None, **named: Any
        ) -> None:
            """Keep what is said of the training part."""
            names = {"loss": "train/loss", "learning_rate": "optim/lr"}
            self.logged |= {names[key]: logs[key] for key in names if key in (logs or {})}

        def on_evaluate(
            self, args: Any, state: Any, control: Any, metrics: Any = None, **named: Any
        ) -> None:
            """Report an evaluation."""
            if not (self.training and state.is_world_process_zero):
                return
            self.epochs += 1
            found = {**self.logged, **_of_part(metrics or {}, "eval_", "val/")}
            self.logged = {}
            if not report(self.epochs, found):
                control.should_training_stop = True

        def on_predict(
            self, args: Any, state: Any, control: Any, metrics: Any, **named: Any
        ) -> None:
            """Report the test of a program."""
            if is_program and state.is_world_process_zero:
                program.report_test(_of_part(metrics, "test_", "test/"))

    return FairtuneCallback()


def _of_part(metrics: Mapping[str, Any], before: str, after: str) -> dict[str, float]:
    return {
        f"{after}{name.removeprefix(before)}": float(value)
        for name, value in metrics.items()
        if not name.endswith(NO_METRICS)
    }
