"""The table of samplers: Optuna's own, with random draws that are matched.

`build(seed, salt, **parameters)` gives the Optuna sampler of one trial: `seed` is that of its
model, `salt` that of its random draws (`matched_draws.salt_of`).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lightning_modules.components import Component, Flag, Number, Option
from studies.study_file.space.open_values import Range
from studies.study_file.space.search_space import Space

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

STARTUP = "n_startup_trials"
"""The parameter of every sampler with a model."""


@dataclass(frozen=True)
class Sampler(Component):
    """A sampler of the table: how it is built, and what is special about it."""

    reseed: bool = True
    """Whether every trial gets a seed of its own, so that a resumed search goes on as if it had
    not been stopped. False where the sampler keeps its place in a sequence itself."""
    models: str = ""
    """What it can model, where that is not every open value; it draws the others at random."""
    choices: bool = False
    """Whether that includes choices."""
    least: int = 1
    """How many open values its model needs."""
    independent: bool = False
    """Whether its points do not depend on earlier results (tuning curves have valid bands)."""


def _random(seed: int, salt: str) -> BaseSampler:
    from studies.study_file.methods.matched_draws import MatchedRandomSampler

    return MatchedRandomSampler(salt)


def _tpe(seed: int, salt: str, *, n_startup_trials: int, **parameters: Any) -> BaseSampler:
    from optuna.exceptions import ExperimentalWarning
    from optuna.samplers import TPESampler

    from studies.study_file.methods.matched_draws import MatchedRandomSampler, StartupSampler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        # group=True: conditional parameters are modelled together with the part they belong to.
        model = TPESampler(
            seed=seed,
            multivariate=True,
            group=True,
            n_startup_trials=n_startup_trials,
            **parameters,
        )
    return StartupSampler(model, MatchedRandomSampler(salt), n_startup_trials)


def _qmc(seed: int, salt: str, **parameters: Any) -> BaseSampler:
    from optuna.exceptions import ExperimentalWarning
    from optuna.samplers import QMCSampler

    from studies.study_file.methods.matched_draws import MatchedRandomSampler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return QMCSampler(
            seed=seed,
            independent_sampler=MatchedRandomSampler(salt),
            warn_independent_sampling=False,
            warn_asynchronous_seeding=False,
            **parameters,
        )


def _cmaes(seed: int, salt: str, *, n_startup_trials: int) -> BaseSampler:
    from studies.study_file.methods.cma_sampler import ReplayedCmaEsSampler
    from studies.study_file.methods.matched_draws import MatchedRandomSampler

    return ReplayedCmaEsSampler(seed, n_startup_trials, MatchedRandomSampler(salt))


def _gp(seed: int, salt: str, **parameters: Any) -> BaseSampler:
    from optuna.exceptions import ExperimentalWarning
    from optuna.samplers import GPSampler

    from studies.study_file.methods.matched_draws import MatchedRandomSampler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return GPSampler(
            seed=seed,
            independent_sampler=MatchedRandomSampler(salt),
            warn_independent_sampling=False,
            **parameters,
        )


def _startup(default: int) -> Number:
    return Number(default, "random trials before the model is used", low=0, integer=True)


SAMPLERS: dict[str, Sampler] = {
    "grid": Sampler(
        "every point of a finite grid exactly once, conditional alternatives included",
        _random,
    ),
    "random": Sampler(
        "independent random points",
        _random,
        source="Bergstra and Bengio 2012, jmlr.org/papers/v13/bergstra12a",
        independent=True,
    ),
    "tpe": Sampler(
        "tree-structured Parzen estimator, multivariate and grouped",
        _tpe,
        {
            STARTUP: _startup(10),
            "n_ei_candidates": Number(
                24, "candidates per suggestion", low=1, high=10**6, integer=True
            ),
        },
        source="Bergstra 2011; Watanabe 2023, arXiv:2304.11127",
    ),
    "qmc": Sampler(
        "quasi-random points that fill the space evenly (scrambled Sobol)",
        _qmc,
        {
            "qmc_type": Option("sobol", "the sequence", options=("sobol", "halton")),
            "scramble": Flag(True, "randomize the sequence"),
        },
        source="Bousquet 2017, arXiv:1706.03200",
        reseed=False,
        models="numbers that every trial has",
        independent=True,
    ),
    "cmaes": Sampler(
        "covariance matrix adaptation evolution strategy, for continuous spaces",
        _cmaes,
        {STARTUP: _startup(1)},
        source="Hansen 2016, arXiv:1604.00772",
        models="numbers that every trial has, and of two or more of them",
        least=2,
    ),
    "gp": Sampler(
        "Gaussian process with log expected improvement",
        _gp,
        {STARTUP: _startup(10)},
        source="Optuna's GPSampler",
        models="values that every trial has",
        choices=True,
    ),
}


def not_modelled(method: str, space: Space) -> list[str]:
    """The open values of a space that a method's model does not choose, by name: it draws them at
    random. Those that depend on a choice are in some trials only."""
    row = SAMPLERS[method]
    if not row.models:
        return []
    several = {name: node for name, node in space.parameters() if node.size() > 1}
    always = space.always()
    modelled = [
        name
        for name, node in several.items()
        if name in always and (row.choices or isinstance(node, Range))
    ]
    return [name for name in several if len(modelled) < row.least or name not in modelled]


def startup_for(sampler: str, trials: int, given: Mapping[str, Any]) -> int | None:
    """The `n_startup_trials` of a search of `trials`; None where the sampler has none.

    It is what the user has `given`, or else the table's default, of which a search of less than
    twice as many trials takes a third of its trials, so that the model has its say.
    """
    parameter = SAMPLERS[sampler].parameters.get(STARTUP)
    if parameter is None:
        return None
    if STARTUP in given:
        return int(given[STARTUP])
    default = int(parameter.default)
    return min(default, max(3, trials // 3)) if trials < 2 * default else default


def model_trials(sampler: str, trials: int, startup: int | None) -> int:
    """How many of `trials` a model chooses, where one is trained after the other and all end well.

    The first is the default, whatever `startup` says. Samplers without a model choose none.
    """
    if startup is None or STARTUP not in SAMPLERS[sampler].parameters:
        return 0
    return max(0, trials - max(1, startup))
