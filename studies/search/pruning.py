"""Where pruning is decided: the study's pruner, after which epochs it is asked, what it says."""

from __future__ import annotations

import optuna

from studies.search.trial_store import AskedTrial
from studies.study_file import Spec
from studies.study_file.methods.pruners import PRUNERS


def build_pruner(spec: Spec) -> optuna.pruners.BasePruner:
    """The study file's pruner; its warm-up is kept by `may_prune`."""
    parameters = {k: v for k, v in spec.pruner.parameters.items() if k != "warmup"}
    pruner: optuna.pruners.BasePruner = PRUNERS[spec.pruner.name].build(
        spec.max_epochs, **parameters
    )
    return pruner


def may_prune(spec: Spec, asked: AskedTrial, epoch: int) -> bool:
    """Whether the pruner is asked after this epoch: past the warm-up, before the end, and never
    of a run on a fresh seed, since every seed counts."""
    if spec.pruner.name == "none" or asked.handle is None:
        return False
    return bool(spec.pruner.parameters["warmup"] < epoch < asked.configuration.reports)


def should_prune(asked: AskedTrial, epoch: int) -> bool:
    """What the pruner says after an epoch, the last one that was reported; another attempt that
    comes to the epoch again is answered as the first one was."""
    if epoch not in asked.answers:
        asked.answers[epoch] = asked.handle is not None and asked.handle.should_prune()
    return asked.answers[epoch]


def report_again(spec: Spec, asked: AskedTrial) -> None:
    """Give the pruner the epochs that a trial had before it was interrupted.

    It went on after all of them but the last: there the driver may have died before it could
    act on what the pruner said.
    """
    assert asked.handle is not None
    for epoch, value in sorted(asked.curve.items()):
        asked.answers.update(dict.fromkeys(asked.answers, False))
        asked.handle.report(value, epoch)
        if may_prune(spec, asked, epoch):
            should_prune(asked, epoch)
