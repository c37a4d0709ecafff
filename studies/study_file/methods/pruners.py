"""The table of pruners, Optuna's own: `build(epochs, **parameters)` gives one, `epochs` being the
longest training."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from lightning_modules.components import Component, Number, Parameter

if TYPE_CHECKING:
    from optuna.pruners import BasePruner


def _none(epochs: int) -> BasePruner:
    from optuna.pruners import NopPruner

    return NopPruner()


def _median(epochs: int, **parameters: Any) -> BasePruner:
    from optuna.pruners import MedianPruner

    return MedianPruner(n_warmup_steps=0, **parameters)


def _percentile(epochs: int, **parameters: Any) -> BasePruner:
    from optuna.pruners import PercentilePruner

    return PercentilePruner(n_warmup_steps=0, **parameters)


def _successive_halving(epochs: int, **parameters: Any) -> BasePruner:
    from optuna.pruners import SuccessiveHalvingPruner

    return SuccessiveHalvingPruner(**parameters)


def _hyperband(epochs: int, **parameters: Any) -> BasePruner:
    from optuna.pruners import HyperbandPruner

    return HyperbandPruner(max_resource=epochs, **parameters)


def _patient(epochs: int, **parameters: Any) -> BasePruner:
    from optuna.exceptions import ExperimentalWarning
    from optuna.pruners import PatientPruner

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return PatientPruner(None, **parameters)


def _threshold(epochs: int, **parameters: Any) -> BasePruner:
    from optuna.pruners import ThresholdPruner

    return ThresholdPruner(n_warmup_steps=0, **parameters)


WARMUP: dict[str, Parameter] = {
    "warmup": Number(0, "epochs of every trial that are never pruned", low=0, integer=True)
}
_STARTUP_TRIALS = Number(5, "completed trials before the first is pruned", low=0, integer=True)
_MIN_RESOURCE = Number(1, "epochs before the first decision", low=1, integer=True)

PRUNERS: dict[str, Component] = {
    "none": Component("every trial is trained to its end", _none),
    "median": Component(
        "stops a trial whose best value so far is worse than the median at that epoch",
        _median,
        {**WARMUP, "n_startup_trials": _STARTUP_TRIALS},
        source="Golovin 2017 (Google Vizier)",
    ),
    "percentile": Component(
        "keeps the given percentage of trials at every epoch",
        _percentile,
        {
            **WARMUP,
            "percentile": Number(25.0, "percentage that goes on", low=0, high=100, open="both"),
            "n_startup_trials": _STARTUP_TRIALS,
        },
    ),
    "successive_halving": Component(
        "keeps the best 1/reduction_factor at each rung, asynchronously",
        _successive_halving,
        {
            **WARMUP,
            "min_resource": _MIN_RESOURCE,
            "reduction_factor": Number(3, "what a rung divides by", low=2, integer=True),
            "min_early_stopping_rate": Number(0, "rungs left out", low=0, high=100, integer=True),
        },
        source="Li 2020, arXiv:1810.05934",
    ),
    "hyperband": Component(
        "several successive halvings that start at different epochs",
        _hyperband,
        {
            **WARMUP,
            "min_resource": _MIN_RESOURCE,
            "reduction_factor": Number(3, "what a rung divides by", low=2, integer=True),
        },
        source="Li 2018, arXiv:1603.06560",
    ),
    "patient": Component(
        "stops a trial that has not improved for `patience` epochs",
        _patient,
        {
            **WARMUP,
            "patience": Number(3, "epochs without improvement", low=0, integer=True),
            "min_delta": Number(0.0, "what counts as improvement", low=0),
        },
    ),
    "threshold": Component(
        "stops a trial whose value leaves the bounds",
        _threshold,
        {
            **WARMUP,
            "lower": Number(None, "lowest value that may go on"),
            "upper": Number(None, "highest value that may go on"),
        },
    ),
}
