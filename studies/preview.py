"""What a study file will do, before anything is written: its plan, samples and a time estimate."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import optuna

from lightning_modules.configuration import Configuration
from lightning_modules.metrics import METRICS, goal_of, logged_metrics
from studies.arms import Arm, arms
from studies.confirmation import seeds_of
from studies.phases import Budget
from studies.placeholders import is_program, lacks_seed
from studies.samplers import MatchedRandomSampler, salt_of
from studies.spec import Spec
from studies.verdicts import seeds_for_a_verdict

SAMPLES = 3
PROBE_SECONDS = 20.0
KNOWN = {metric for task in METRICS for metric in logged_metrics(task)}
"""Metrics whose better direction is known."""


@dataclass(frozen=True)
class Plan:
    """The sizes of a study; `trials` is None where a budget in epochs decides."""

    arms: Sequence[str]
    trials: int | None
    confirmations: int
    epochs: int
    """Epochs at most, search and confirmation together."""
    grid_points: int | None
    warnings: Sequence[str]


def plan(spec: Spec) -> Plan:
    """The sizes of a study."""
    alternatives = arms(spec)
    grid = spec.sampler.name == "grid"
    points = sum(arm.space.grid_size() for arm in alternatives) if grid else None
    trials = points
    if not grid and spec.trials is not None:
        trials = spec.trials * len(alternatives)
    search = (spec.epochs or 0) * len(alternatives)
    if trials is not None:
        search = trials * spec.max_epochs
    confirmations = 0
    if spec.confirm is not None:
        confirmations = (
            len(alternatives) * spec.confirm.top * seeds_of(spec.confirm, len(arms(spec)))
        )
    return Plan(
        [arm.name for arm in alternatives],
        trials,
        confirmations,
        search + confirmations * spec.max_epochs,
        points,
        list(_warnings(spec, alternatives)),
    )


def _warnings(spec: Spec, alternatives: Sequence[Arm]) -> list[str]:
    found = []
    objective = spec.objective
    if objective.goal != goal_of(objective.metric) and objective.metric in KNOWN:
        found.append(
            f"objective.goal is {objective.goal}, though a better {objective.metric} is one that "
            f"you {goal_of(objective.metric)}"
        )
    for arm in alternatives:
        size = arm.space.size()
        of = f" of {arm.name}" if arm.name else ""
        if spec.sampler.name != "grid" and spec.trials is not None and size < spec.trials:
            found.append(
                f"the space{of} has {size:g} points and search.trials is {spec.trials}: repeated "
                "points reuse their result; `method: grid` trains each once"
            )
        if spec.epochs is not None and not Budget(None, spec.epochs, spec.max_epochs).allows(
            0, 0, 0
        ):
            found.append(
                f"search.epochs is {spec.epochs}, less than one training ({spec.max_epochs}): "
                "no trial will start"
            )
    if spec.confirm is not None and lacks_seed(spec.space.root):
        found.append(
            "the program is not told its seed: runs on fresh seeds would be equal, or differ by "
            "chance alone; add {seed} to model.command"
        )
    if spec.confirm is not None and len(alternatives) > 1:
        seeds, needed = (
            seeds_of(spec.confirm, len(alternatives)),
            seeds_for_a_verdict(math.comb(len(alternatives), 2)),
        )
        if seeds < needed:
            found.append(
                f"confirm.seeds is {seeds}: no verdict is possible below {needed} seeds with "
                f"{len(alternatives)} arms"
            )
    return list(dict.fromkeys(found))


def sample(spec: Spec) -> list[Configuration]:
    """A few configurations: the first arm's default, then the draws of trials 1 and 2 of the arms,
    as a random search or the start-up of a model makes them."""
    alternatives = arms(spec)
    found = []
    for number in range(SAMPLES):
        arm = alternatives[number % len(alternatives)]
        sampler = MatchedRandomSampler(salt_of(spec.seed, 1, number))
        study = optuna.create_study(sampler=sampler)
        if number == 0:
            study.enqueue_trial(arm.space.default())
        found.append(Configuration.resolve(arm.space.suggest(study.ask())))
    return found


def weight_counts(configuration: Configuration) -> tuple[int, int] | None:
    """The weights of the network, and those that are trained from the start; a program's are its
    own."""
    if is_program(configuration):
        return None
    from lightning_modules.building import build_data, build_module

    module = build_module(configuration, build_data(configuration))
    counts = [(each.numel(), each.requires_grad) for each in module.parameters()]
    return sum(n for n, _ in counts), sum(n for n, trained in counts if trained)


def probe(configurations: Sequence[Configuration]) -> float | None:
    """Seconds per epoch: the mean of the configurations' second epochs; None where all are
    programs, which are not run for this. One that has taken long is the last."""
    from lightning_modules.training import train

    seconds: list[float] = []
    began = time.perf_counter()

    def on_epoch(epoch: int, metrics: Mapping[str, float]) -> bool:
        if epoch == 2:
            seconds.append(metrics["time/epoch_s"])
        return True

    for configuration in configurations:
        if is_program(configuration) or (seconds and time.perf_counter() - began > PROBE_SECONDS):
            continue
        train(replace(configuration, trainer={**configuration.trainer, "epochs": 2}), 0, on_epoch)
    return fmean(seconds) if seconds else None
