"""CMA-ES that keeps no optimizer: it is built again from the finished trials.

Optuna's own sampler pickles its optimizer into the storage and unpickles what it finds there: who
can write there can run a program. Here the study notes in plain numbers by which trials each
generation ended, and these are told to a new optimizer again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from cmaes import CMA
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, CmaEsSampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState
from pydantic import TypeAdapter, ValidationError

from studies.study_file.methods.matched_draws import share_of, value_at

GENERATIONS = "cma:generations"
"""The attribute of a study that holds, for each generation, the number of its first trial and the
numbers of the trials that ended the generation before it."""
Generation = tuple[int, list[int]]
_FORM = TypeAdapter(list[Generation])


class ReplayedCmaEsSampler(CmaEsSampler):
    """Optuna's CMA-ES, whose optimizer is replayed for every trial instead of stored."""

    def __init__(self, seed: int, n_startup_trials: int, independent_sampler: BaseSampler) -> None:
        super().__init__(independent_sampler=independent_sampler, warn_independent_sampling=False)
        self.seed = seed
        self.n_startup_trials = n_startup_trials
        self.search: Study | None = None
        """The whole search; under Hyperband a sampler is shown one bracket of it."""

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """A point of the current generation; nothing in the first trials."""
        study = self.search or study
        completed = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if not search_space or len(completed) < self.n_startup_trials:
            return {}
        optimizer = _first_optimizer(len(search_space))
        sign = 1 if study.direction == StudyDirection.MINIMIZE else -1
        solutions = {
            each.number: (_point(each, search_space), sign * each.value)
            for each in completed
            if each.value is not None and each.params.keys() >= search_space.keys()
        }
        size = optimizer.population_size
        generations = _noted(study)
        for _, told in generations:
            if len(told) == size and solutions.keys() >= set(told):
                optimizer.tell([solutions[number] for number in told])
        if not generations:
            _note(study, [(trial.number, [])])
        else:
            ready = [number for number in solutions if number >= generations[-1][0]][:size]
            if len(ready) == size:
                optimizer.tell([solutions[number] for number in ready])
                _note(study, [*generations, (trial.number, ready)])
        optimizer.reseed_rng(self.seed)
        pairs = zip(search_space.items(), optimizer.ask().tolist(), strict=True)
        return {name: value_at(kind, share) for (name, kind), share in pairs}


def _first_optimizer(dimensions: int) -> CMA:
    """The optimizer before any result, as Optuna begins it: in the middle of a unit cube."""
    return CMA(
        mean=np.full(dimensions, 0.5),
        sigma=1 / 6,
        bounds=np.tile([0.0, 1.0], (dimensions, 1)),
        n_max_resampling=10 * dimensions,
    )


def _point(trial: FrozenTrial, space: dict[str, BaseDistribution]) -> np.ndarray:
    return np.array([share_of(kind, trial.params[name]) for name, kind in space.items()])


def _noted(study: Study) -> list[Generation]:
    """The generations that a study has noted; none where it holds something else."""
    try:
        return _FORM.validate_python(study.user_attrs.get(GENERATIONS, []))
    except ValidationError:
        return []


def _note(study: Study, generations: list[Generation]) -> None:
    study.set_user_attr(GENERATIONS, generations)
