"""Callbacks for boosted trees, of which every round is an epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from studies.program import report

if TYPE_CHECKING:
    from studies.engines.report import Report


def xgboost_callback(report: Report = report) -> Any:
    """A callback of XGBoost: the `logloss` of the rows that `evals` calls `val` is `val/logloss`.

    Args:
        report: That of a trial function; without it, the callback reports as a program does.

    Example:
        `xgboost.train(parameters, train, evals=[(rows, "val")], callbacks=[xgboost_callback()])`
    """
    from xgboost.callback import TrainingCallback

    class FairtuneCallback(TrainingCallback):
        """Reports every round, and ends the training where that is the answer."""

        epochs = 0

        def after_iteration(
            self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, list[Any]]]
        ) -> bool:
            """Report the round; whether it is the last one."""
            self.epochs += 1
            metrics = {
                f"{rows}/{name}": _mean(values[-1])
                for rows, found in evals_log.items()
                for name, values in found.items()
            }
            return not report(self.epochs, metrics)

    return FairtuneCallback()


def lightgbm_callback(report: Report = report) -> Callable[[Any], None]:
    """A callback of LightGBM: the `binary_logloss` of the rows that `valid_names` calls `val` is
    `val/binary_logloss`.

    Args:
        report: That of a trial function; without it, the callback reports as a program does.

    Example:
        `lightgbm.train(parameters, train, valid_sets=[rows], valid_names=["val"],
        callbacks=[lightgbm_callback()])`
    """
    from lightgbm.callback import EarlyStopException

    def after_round(state: Any) -> None:
        found = state.evaluation_result_list
        metrics = {f"{rows}/{name}": float(value) for rows, name, value, *_ in found}
        if not report(state.iteration - state.begin_iteration + 1, metrics):
            raise EarlyStopException(state.iteration, found)

    return after_round


def _mean(value: Any) -> float:
    """The value of a round; of several folds a mean and its deviation are given."""
    return float(value[0] if isinstance(value, tuple) else value)
