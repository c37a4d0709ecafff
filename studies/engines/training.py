"""What a worker does with a task: train it and say how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from lightning_modules.configuration import Configuration
from lightning_modules.user_code import imports
from studies.engines import Task
from studies.engines.programs.program import run_program
from studies.records import EpochReport, Outcome, TrialEnd
from studies.study_file import is_program
from studies.study_file.command_template import function_of, needs_its_function

PRELOAD = ("studies.engines.preload",)
"""The modules that a training needs; importing them takes seconds."""


def preload_for(configurations: Iterable[Configuration]) -> Sequence[str]:
    """The modules that workers of these configurations need; a program loads its own."""
    return () if all(is_program(each) for each in configurations) else PRELOAD


def train_task(task: Task, ask: Callable[[EpochReport], bool]) -> TrialEnd:
    """Train a task, or run its program, asking after every epoch whether to go on."""
    if name := function_of(task.configuration):
        raise needs_its_function(name)
    if is_program(task.configuration):
        return run_program(task, ask)
    imports.allow(task.allowed)
    # imported here: the driver names this function and must not wait for torch
    from lightning_modules.training.train import TrainingResult, train

    def on_epoch(epoch: int, metrics: Mapping[str, float]) -> bool:
        return ask(EpochReport(epoch, metrics))

    configuration = task.configuration
    if task.split is not None:
        configuration = configuration.with_split(task.split)
    result: TrainingResult = train(
        configuration,
        task.seed,
        on_epoch,
        checkpoint=Path(task.checkpoint) if task.checkpoint else None,
        resume_folder=Path(task.continuation) if task.continuation else None,
        evaluate_test=task.evaluate_test,
        weights=task.weights,
        files=Path(task.files) if task.files else None,
        loader_workers=task.loader_workers,
    )
    outcome, reason = Outcome.completed, ""
    if result.diverged:
        outcome, reason = Outcome.diverged, result.diverged
    elif result.stopped:
        outcome, reason = Outcome.pruned, f"stopped by the pruner after epoch {result.epochs}"
    return TrialEnd(
        outcome,
        reason=reason,
        epochs=result.epochs,
        best_epoch=result.best_epoch,
        best=dict(result.best),
        test=dict(result.test),
        seconds=result.seconds,
        data_hash=result.data_hash,
        weights_hash=result.weights_hash,
        device=result.device,
        rows=dict(result.rows),
        remark=result.remark,
    )
