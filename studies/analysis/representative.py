"""Which trained networks are kept, and which of them stands for a study.

Where the best configuration has fresh runs, it is the one whose value is the median of them (of two
middle ones the worse): their mean is what one may expect of it. The run with the best value would
be the luckiest one, and no better on new data for that. On different splits values are compared
relative to what all arms' winners reach there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_modules.components import unknown
from lightning_modules.configuration import Configuration
from lightning_modules.errors import NothingCompletedError, UserError
from studies.analysis.best_configuration import recommended
from studies.home import Home
from studies.records import Trial
from studies.results import StudyResults
from studies.study_file import is_program
from studies.study_file.sections import StudyFile

KEPT_CHECKPOINTS = 3
NOT_KEPT = ("study", "description", "search", "compare", "confirm")
"""Keys of a study file that a study of one of its trials does not share."""


@dataclass(frozen=True)
class RepresentativeTrial:
    """The trial whose network stands for a study, and why it does."""

    trial: Trial
    seeds: int
    """Fresh seeds of the best configuration; 0 where it is not one of them."""
    is_median: bool = True
    is_requested: bool = False
    """Whether the user named it."""
    repeats: int = 1
    """Searches that every arm of the study has."""

    @property
    def words(self) -> str:
        """Which trial it is, and why."""
        name = f"{self.trial.key}, seed {self.trial.seed}"
        if self.repeats > 1:
            name += f", split {self.trial.split_seed} of repeat {self.trial.repeat}"
        if self.is_requested:
            return f"{name}, as asked"
        if self.seeds == 1:
            one = "run" if self.repeats > 1 else "seed"
            return f"{name}, the one fresh {one} of the best configuration"
        if self.seeds:
            which = "the median" if self.is_median else "the kept one nearest to the median"
            runs = "fresh runs" if self.repeats > 1 else "fresh seeds"
            return f"{name}, {which} of {self.seeds} {runs} of the best configuration"
        return f"{name}, the best trial of the search, not confirmed on fresh seeds"


def choose(results: StudyResults, key: str | None = None) -> RepresentativeTrial:
    """The trial that stands for a study, or the one called `key`.

    Of a confirmation it is the one nearest to the median whose checkpoint is in the home. Raises
    NothingCompletedError where no trial has completed, UserError where there is no trial `key`.
    """
    if key is not None:
        known = {trial.key: trial for trial in results.ended}
        if key not in known:
            raise UserError(f"{results.study}: {unknown('trial', key, known)}")
        return RepresentativeTrial(known[key], 0, is_requested=True, repeats=results.spec.repeats)
    best = recommended(results)
    if best is None:
        raise NothingCompletedError(f"{results.study}: no trial has completed yet")
    runs = _nearest_to_median(results)
    here = [run for run in runs if results.home.checkpoint(results.study, run.key).exists()]
    if not runs:
        return RepresentativeTrial(best.trial, 0, repeats=results.spec.repeats)
    chosen = (here or runs)[0]
    return RepresentativeTrial(chosen, len(runs), chosen is runs[0], repeats=results.spec.repeats)


def configuration_of(trial: Trial) -> Configuration:
    """A trial's configuration, with the split that it had."""
    configuration = Configuration.of(trial.configuration)
    if trial.split is None or is_program(configuration):
        return configuration
    return configuration.with_split(trial.split)


def file_of_one_trial(results: StudyResults, trial: Trial) -> dict[str, Any]:
    """A study file that trains the configuration of a trial once, with nothing searched."""
    spec = results.spec
    tree = {"study": f"{results.study}-best", **configuration_of(trial).shown()}
    if spec.trial_timeout is not None:
        tree["trainer"] = {**tree["trainer"], "trial_timeout": spec.trial_timeout}
    own = [key for key in StudyFile.model_fields if key in spec.tree and key not in NOT_KEPT]
    tree |= {key: spec.tree[key] for key in own}
    return {**tree, "search": {"method": "random", "trials": 1, "seed": spec.seed}}


def best_checkpoints(home: Home, results: StudyResults) -> list[tuple[str, Path]]:
    """The trial that stands for the study and the best few of the search, by key, with the files
    of their weights."""
    best = recommended(results)
    trials = ([best.trial] if best else []) + results.ranking
    keys = list(dict.fromkeys(trial.key for trial in trials))[:KEPT_CHECKPOINTS]
    if best:
        keys = list(dict.fromkeys([choose(results).trial.key, *keys]))
    files = [(key, home.checkpoint(results.study, key)) for key in keys]
    return [(key, file) for key, file in files if file.exists()]


def _nearest_to_median(results: StudyResults) -> list[Trial]:
    """The fresh runs of the best configuration, the median first, then those next to it."""
    best = recommended(results)
    runs = best.runs if best else ()
    order = sorted(range(len(runs)), key=lambda rank: abs(rank - len(runs) // 2))
    return [runs[rank] for rank in order]
