"""Matched draws: a random value depends on where it is drawn, not on what was drawn before it.

The value of a parameter is a quantile of its distribution, and the quantile is a hash of the
study's seed, the repeat, the trial's number and the parameter's path. So one more parameter in an
arm moves no other, and equal ranges at one path have equal values in all arms: arms differ in what
they are, not in their luck. Common random numbers reduce the variance of a comparison (Law,
Simulation Modeling and Analysis, 2015, chapter 11).

These samplers keep no state: a study that was interrupted goes on as if it had not been.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from lightning_modules.hashing import hash_number
from studies.study_file.space.open_values import steps_between, value_after


def salt_of(seed: int, repeat: int, number: int, extra: str = "") -> str:
    """What tells the draws of trial `number` from those of others; no arm is part of it, unless
    `extra` names one to switch matching off."""
    return f"{seed}/{repeat}/{number}" + (f"/{extra}" if extra else "")


def quantile(salt: str, name: str) -> float:
    """A number in [0, 1), uniform over salts and names: 53 bits of a SHA-256."""
    return (hash_number(f"{salt}/{name}", 8) >> 11) * 2.0**-53


def value_at(distribution: BaseDistribution, share: float) -> Any:
    """The value below which `share` in [0, 1) of the distribution lies.

    Integers, steps and choices are equally likely. Logarithmic integers are, as Optuna's own,
    rounded from log-uniform numbers between low - 1/2 and high + 1/2.
    """
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[_index(len(distribution.choices), share)]
    if isinstance(distribution, IntDistribution):
        return _integer_at(distribution, share)
    if isinstance(distribution, FloatDistribution):
        return _float_at(distribution, share)
    raise TypeError(f"there are no draws from a {type(distribution).__name__}")


def share_of(distribution: BaseDistribution, value: float) -> float:
    """The share below a number of a distribution, in [0, 1]: `value_at` gives the number back.

    Integers and steps lie in the middle of the shares that lead to them.
    """
    if isinstance(distribution, IntDistribution) and distribution.log:
        return _log_share(distribution.low - 0.5, distribution.high + 0.5, value)
    if not isinstance(distribution, IntDistribution | FloatDistribution):
        raise TypeError(f"a {type(distribution).__name__} has no order")
    low, high, step = distribution.low, distribution.high, distribution.step
    if distribution.log:
        return _log_share(low, high, value)
    if step is None:
        return (value - low) / (high - low)
    return (round((value - low) / step) + 0.5) / (round((high - low) / step) + 1)


def _integer_at(distribution: IntDistribution, share: float) -> int:
    low, high, step = distribution.low, distribution.high, distribution.step
    if distribution.log:
        return min(max(round(_log_uniform(low - 0.5, high + 0.5, share)), low), high)
    return low + step * _index((high - low) // step + 1, share)


def _float_at(distribution: FloatDistribution, share: float) -> float:
    low, high, step = distribution.low, distribution.high, distribution.step
    if distribution.log:
        value = _log_uniform(low, high, share)
    elif step is not None:
        value = value_after(low, step, _index(steps_between(low, high, step) + 1, share))
    else:
        value = low + share * (high - low)
    return min(max(value, low), high)


def _index(count: int, share: float) -> int:
    """The index of one of `count` equally likely choices, by a number in [0, 1)."""
    return min(int(share * count), count - 1)


def _log_uniform(low: float, high: float, share: float) -> float:
    return math.exp(math.log(low) + share * (math.log(high) - math.log(low)))


def _log_share(low: float, high: float, value: float) -> float:
    return (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))


@dataclass(frozen=True)
class MatchedRandomSampler(BaseSampler):
    """Random search with matched draws; `salt` is that of the trial, see `salt_of`."""

    salt: str

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Empty: every parameter is drawn by itself."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Empty: every parameter is drawn by itself."""
        return {}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """The value at the quantile that belongs to the parameter's name."""
        return value_at(param_distribution, quantile(self.salt, param_name))


@dataclass(frozen=True)
class StartupSampler(BaseSampler):
    """A model-based sampler whose random draws are matched.

    The first `n_startup` trials are drawn at random. From there the inner sampler models what it
    can. It has the same `n_startup_trials` and counts the finished trials itself, for under
    Hyperband `study.get_trials` shows a sampler those of one bracket only. What it leaves open is
    drawn at random too: everything while too few trials have finished, and parameters that no
    finished trial has had. A multivariate, grouped TPE leaves nothing else open.
    """

    inner: BaseSampler
    draws: MatchedRandomSampler
    n_startup: int

    def __str__(self) -> str:
        return str(self.inner)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """What the model may choose; nothing in the first trials."""
        if trial.number < self.n_startup:
            return {}
        return self.inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """What the model chooses; nothing in the first trials."""
        if trial.number < self.n_startup:
            return {}
        return self.inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Draw a value that is the same in all arms with this range."""
        return self.draws.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Call the same of the sampler inside."""
        self.inner.before_trial(study, trial)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Call the same of the sampler inside."""
        self.inner.after_trial(study, trial, state, values)

    def reseed_rng(self) -> None:
        """Passed on; the matched draws have no generator."""
        self.inner.reseed_rng()
