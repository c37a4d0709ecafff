"""A callback for Keras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from studies.program import report

if TYPE_CHECKING:
    from studies.engines.report import Report


def keras_callback(report: Report = report) -> Any:
    """A callback of Keras's `fit`: `val_accuracy` is reported as `val/accuracy`, and `accuracy`,
    which is of the training part, as `train/accuracy`.

    Args:
        report: That of a trial function; without it, the callback reports as a program does.

    Example:
        `model.fit(x, y, validation_data=rows, callbacks=[keras_callback()])`
    """
    import keras

    class FairtuneCallback(keras.callbacks.Callback):  # type: ignore[misc]
        """Reports every epoch, and ends the training where that is the answer."""

        epochs = 0

        def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
            """Report the epoch."""
            self.epochs += 1
            metrics = {_name(name): float(value) for name, value in (logs or {}).items()}
            if not report(self.epochs, metrics):
                self.model.stop_training = True

    return FairtuneCallback()


def _name(name: str) -> str:
    if name == "learning_rate":
        return "optim/lr"
    return f"val/{name.removeprefix('val_')}" if name.startswith("val_") else f"train/{name}"
