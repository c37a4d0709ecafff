"""The loop around `partial_fit` of scikit-learn's estimators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from studies.program import report

if TYPE_CHECKING:
    from studies.engines.report import Report

Model = TypeVar("Model")


def partial_fit(
    model: Model,
    train: tuple[Any, Any],
    validation: tuple[Any, Any],
    epochs: int,
    *,
    batch_size: int | None = None,
    seed: int = 0,
    metrics: Callable[[Model], Mapping[str, float]] | None = None,
    report: Report = report,
) -> Model:
    """Train an estimator that has `partial_fit` for some epochs, and report each of them.

    Reported are `train/accuracy` and `val/accuracy` of a classifier, `train/r2` and `val/r2` of a
    regressor.

    Args:
        model: The estimator; it is trained on.
        train: Inputs and targets, one row for each.
        validation: The same of the rows that judge it.
        epochs: Passes over the training part.
        batch_size: Rows of each call of `partial_fit`; all unless given.
        seed: Of the order of the rows, which is another in every epoch.
        metrics: Gives metrics of its own of the model after an epoch, beside these.
        report: That of a trial function; without it, it is reported as a program does.

    Returns:
        The estimator.
    """
    import numpy as np
    from sklearn.base import is_classifier

    inputs, targets = train[0], np.asarray(train[1])
    rows, size = len(targets), batch_size or len(targets)
    random = np.random.default_rng(seed)
    fit, score = model.partial_fit, model.score  # type: ignore[attr-defined]
    named = {"classes": np.unique(targets)} if is_classifier(model) else {}
    measure = "accuracy" if named else "r2"
    for epoch in range(1, epochs + 1):
        order = random.permutation(rows)
        for start in range(0, rows, size):
            batch = order[start : start + size]
            fit(_rows(inputs, batch), targets[batch], **named)
        found = {f"train/{measure}": score(*train), f"val/{measure}": score(*validation)}
        if not report(epoch, {**found, **(metrics(model) if metrics else {})}):
            break
    return model


def _rows(inputs: Any, places: Any) -> Any:
    """Rows of an array or of a table of pandas."""
    return inputs.iloc[places] if hasattr(inputs, "iloc") else inputs[places]
