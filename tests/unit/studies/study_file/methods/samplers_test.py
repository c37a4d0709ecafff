"""Matched draws: uniform, within bounds, and unmoved by what else is drawn."""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState
from scipy.stats import chisquare, kstest, spearmanr

from studies.search.arm_search import build_sampler
from studies.study_file import SAMPLERS
from studies.study_file.methods.matched_draws import (
    MatchedRandomSampler,
    quantile,
    salt_of,
    share_of,
    value_at,
)
from studies.study_file.methods.samplers import model_trials, startup_for
from tests.support.made import spec_of

SALTS = [salt_of(seed, repeat, n) for seed in range(10) for repeat in (1, 2) for n in range(200)]
BY_CHANCE = 1e-3
"""How improbable a sample of fixed salts may be; a wrong distribution is far below."""
SPACE: dict[str, BaseDistribution] = {
    "lr": FloatDistribution(1e-4, 1.0, log=True),
    "momentum": FloatDistribution(0.0, 0.99),
    "width": IntDistribution(4, 64),
}
Draw = dict[str, Any]


def draws(distribution: BaseDistribution, name: str = "lr") -> list[Any]:
    return [value_at(distribution, quantile(salt, name)) for salt in SALTS]


# --- the distribution of one draw


def test_a_quantile_is_a_hash_that_never_changes() -> None:
    """SHA-256 of 0/1/5/optimizer.lr: a study of today is repeated by a release of tomorrow."""
    assert salt_of(0, 1, 5) == "0/1/5"
    assert salt_of(0, 1, 5, "adam") == "0/1/5/adam"
    assert quantile("0/1/5", "optimizer.lr") == 0.9313988994575644


def test_quantiles_are_uniform_and_those_of_two_names_have_nothing_to_do_with_each_other() -> None:
    lr, width = ([quantile(salt, name) for salt in SALTS] for name in ("lr", "width"))
    for shares in (lr, width):
        assert all(0 <= share < 1 for share in shares)
        assert kstest(shares, "uniform").pvalue > BY_CHANCE
    assert abs(spearmanr(lr, width).statistic) < 3.3 / math.sqrt(len(SALTS))
    assert abs(spearmanr(lr[1:], lr[:-1]).statistic) < 3.3 / math.sqrt(len(SALTS))


def test_numbers_are_uniform_on_their_scale() -> None:
    assert kstest(draws(FloatDistribution(-2, 6)), "uniform", (-2, 8)).pvalue > BY_CHANCE
    logarithms = [math.log10(value) for value in draws(FloatDistribution(1e-4, 1.0, log=True))]
    assert kstest(logarithms, "uniform", (-4, 4)).pvalue > BY_CHANCE


@pytest.mark.parametrize(
    ("distribution", "values"),
    [
        (IntDistribution(1, 4), [1, 2, 3, 4]),
        (IntDistribution(-3, 12, step=5), [-3, 2, 7, 12]),
        (FloatDistribution(0.1, 0.5, step=0.1), [0.1, 0.2, 0.3, 0.4, 0.5]),
        (FloatDistribution(0.0, 0.9, step=0.3), [0.0, 0.3, 0.6, 0.9]),
        (CategoricalDistribution(["relu", None, 1, 2.5]), ["relu", None, 1, 2.5]),
    ],
)
def test_integers_steps_and_choices_are_equally_likely(
    distribution: BaseDistribution, values: list[Any]
) -> None:
    drawn = draws(distribution)
    rounded = [round(value, 9) if isinstance(value, float) else value for value in drawn]
    counts = Counter(rounded)
    assert set(counts) == set(values)
    assert chisquare([counts[value] for value in values]).pvalue > BY_CHANCE


def test_logarithmic_integers_have_the_share_of_their_half_units() -> None:
    counts = Counter(draws(IntDistribution(1, 8, log=True)))
    edges = [math.log(value + 0.5) for value in range(9)]
    expected = [(b - a) / (edges[-1] - edges[0]) * len(SALTS) for a, b in itertools.pairwise(edges)]
    assert chisquare([counts[value] for value in range(1, 9)], expected).pvalue > BY_CHANCE


numbers = st.floats(-1e6, 1e6)
positive = st.floats(1e-8, 1e6)
floats = st.one_of(
    st.tuples(numbers, numbers).map(lambda ends: FloatDistribution(min(ends), max(ends))),
    st.tuples(positive, positive).map(lambda x: FloatDistribution(min(x), max(x), log=True)),
    st.builds(
        lambda low, step, count: FloatDistribution(low, round(low + step * count, 9), step=step),
        st.integers(-50, 50).map(lambda tenths: tenths / 10),
        st.sampled_from([0.1, 0.25, 0.3, 2.0]),
        st.integers(0, 40),
    ),
)
integers = st.one_of(
    st.builds(
        lambda low, count, step: IntDistribution(low, low + step * count, step=step),
        st.integers(-(10**6), 10**6),
        st.integers(0, 10**6),
        st.integers(1, 7),
    ),
    st.builds(
        lambda low, width: IntDistribution(low, low + width, log=True),
        st.integers(1, 10**6),
        st.integers(0, 10**6),
    ),
)
distributions = st.one_of(
    floats, integers, st.integers(1, 9).map(lambda n: CategoricalDistribution([*range(n)]))
)
shares = st.one_of(st.floats(0, 1, exclude_max=True), st.sampled_from([0.0, 1 - 2.0**-53]))


@given(distributions, shares)
def test_every_value_belongs_to_its_distribution(
    distribution: BaseDistribution, share: float
) -> None:
    value = value_at(distribution, share)
    again = distribution.to_external_repr(distribution.to_internal_repr(value))
    assert again == value
    if isinstance(distribution, FloatDistribution | IntDistribution):
        assert distribution.low <= value <= distribution.high
        if distribution.step is not None:
            steps = (value - distribution.low) / distribution.step
            assert steps == pytest.approx(round(steps), abs=1e-8)


@given(distributions)
def test_the_first_and_the_last_value_can_be_drawn(distribution: BaseDistribution) -> None:
    first, last = value_at(distribution, 0.0), value_at(distribution, 1 - 2.0**-53)
    if isinstance(distribution, CategoricalDistribution):
        assert (first, last) == (distribution.choices[0], distribution.choices[-1])
    elif isinstance(distribution, FloatDistribution | IntDistribution):
        assert first == pytest.approx(distribution.low, rel=1e-9, abs=1e-9)
        assert last == pytest.approx(distribution.high, rel=1e-9, abs=1e-9)


@given(st.one_of(floats, integers).filter(lambda each: not each.single()), shares)
def test_the_share_of_a_value_leads_back_to_it(
    distribution: FloatDistribution | IntDistribution, share: float
) -> None:
    value = value_at(distribution, share)
    again = share_of(distribution, value)
    assert 0 <= again <= 1
    wide = distribution.high - distribution.low
    assert value_at(distribution, again) == pytest.approx(value, rel=1e-9, abs=1e-12 * wide)


# --- draws of a trial


def draw(space: Mapping[str, BaseDistribution], salt: str) -> Draw:
    study = optuna.create_study(sampler=MatchedRandomSampler(salt))
    return dict(study.ask(dict(space)).params)


spaces = st.dictionaries(st.sampled_from("abcdefgh"), distributions, min_size=1, max_size=5)


@settings(deadline=None, max_examples=60)
@given(spaces, spaces, st.integers(0, 2**32 - 1), st.integers(0, 50))
def test_one_more_parameter_moves_no_other(
    space: dict[str, BaseDistribution],
    more: dict[str, BaseDistribution],
    seed: int,
    number: int,
) -> None:
    salt = salt_of(seed, 1, number)
    few, many = draw(space, salt), draw({**more, **space}, salt)
    assert few == {name: many[name] for name in space}


COMPARED = """
study: compared
data: digits
model:
  - {name: mlp, hidden: {values: [[4], [8]]}, dropout: {min: 0, max: 0.5}}
  - {name: mlp, label: smooth, hidden: [8], activation: {values: [tanh, gelu]}}
regularization: {label_smoothing: {min: 0.0, max: 0.2}}
optimizer:
  - {name: sgd, lr: {min: 1e-3, max: 1.0, log: true}}
  - {name: momentum, lr: {min: 1e-3, max: 1.0, log: true}, momentum: {min: 0.5, max: 0.99}}
search: {method: METHOD, trials: 20}
compare: {factor: optimizer}
"""


@pytest.mark.parametrize("method", ["random", "tpe", "cmaes", "gp"])
def test_equal_ranges_have_equal_draws_in_all_arms(method: str) -> None:
    spec = spec_of(COMPARED.replace("METHOD", method))
    sgd, momentum = spec.arms
    own: list[float] = []
    for number in range(1, 8):
        drawn = []
        for arm in (sgd, momentum):
            study = optuna.create_study(sampler=build_sampler(spec, number))
            trial = study.ask()
            arm.space.suggest(trial)
            drawn.append(dict(trial.params))
        own.append(drawn[1].pop("optimizer.momentum"))
        assert drawn[0] == drawn[1]
        assert "optimizer.lr" in drawn[0]
    assert len(set(own)) == 7


def test_repeats_differ_and_matching_can_be_switched_off() -> None:
    spec = spec_of(COMPARED.replace("METHOD", "random"))

    def rate(number: int, *more: Any) -> float:
        study = optuna.create_study(sampler=build_sampler(spec, number, *more))
        return study.ask().suggest_float("optimizer.lr", 0, 1)

    assert rate(3) == rate(3, 1) == rate(3, 1, "")
    assert len({rate(3), rate(4), rate(3, 2), rate(3, 1, "sgd"), rate(3, 1, "momentum")}) == 5


# --- searches


def build(method: str, number: int, **given: Any) -> optuna.samplers.BaseSampler:
    row = SAMPLERS[method]
    seed = 1000 + number if row.reseed else 1000
    sampler: optuna.samplers.BaseSampler = row.build(
        seed, salt_of(7, 1, number), **{**row.defaults(), **given}
    )
    return sampler


def quadratic(params: Mapping[str, Any]) -> float:
    return float(sum((float(value) - 0.3) ** 2 for value in params.values()))


Suggest = Callable[[optuna.Trial], None]


def plain(trial: optuna.Trial) -> None:
    trial.suggest_float("x", -1, 1)
    trial.suggest_float("y", 0, 2)


def conditional(trial: optuna.Trial) -> None:
    trial.suggest_float("x", -1, 1)
    if trial.suggest_categorical("deep", [0, 1]):
        trial.suggest_int("layers", 1, 8, log=True)
    else:
        trial.suggest_float("width", 0.1, 1.0, step=0.1)


def search(
    study: optuna.Study,
    method: str,
    trials: int,
    suggest: Suggest = plain,
    value: Callable[[Mapping[str, Any]], float] = quadratic,
    **given: Any,
) -> list[Draw]:
    """Search until there are so many trials, every one with a sampler built for it alone."""
    for number in range(len(study.trials), trials):
        study.sampler = build(method, number, **given)
        trial = study.ask()
        suggest(trial)
        study.tell(trial, value(trial.params))
    return [dict(trial.params) for trial in study.trials]


def matched(numbers: range, suggest: Suggest = plain) -> list[Draw]:
    found = []
    for number in numbers:
        trial = optuna.create_study(sampler=build("random", number)).ask()
        suggest(trial)
        found.append(dict(trial.params))
    return found


@pytest.mark.parametrize("method", ["tpe", "gp", "cmaes"])
def test_a_search_starts_with_matched_draws_and_then_listens_to_results(method: str) -> None:
    def opposite(params: Mapping[str, Any]) -> float:
        return -quadratic(params)

    trials = 9 if method == "gp" else 16  # cmaes listens after a generation of six
    one = search(optuna.create_study(), method, trials, n_startup_trials=5)
    other = search(optuna.create_study(), method, trials, value=opposite, n_startup_trials=5)
    drawn = matched(range(trials))
    assert one[:5] == other[:5] == drawn[:5]
    for number in range(5, trials):
        assert one[number]["x"] != drawn[number]["x"]
        assert one[number]["y"] != drawn[number]["y"]
    last = zip(one[-4:], other[-4:], strict=True)
    assert sum(a != b for a, b in last) >= 3  # tpe may draw the same from its prior


def test_tpe_comes_nearer_than_its_start_up() -> None:
    params = search(optuna.create_study(), "tpe", 40)
    distances = [quadratic(each) for each in params]
    assert sum(distances[-10:]) < sum(distances[:10]) / 3


def test_trials_that_run_side_by_side_start_up_until_enough_have_finished() -> None:
    study = optuna.create_study()
    for number in range(8):  # none of them has finished
        study.sampler = build("tpe", number, n_startup_trials=3)
        plain(study.ask())
    assert [dict(trial.params) for trial in study.trials] == matched(range(8))


@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.PRUNED])
def test_brackets_of_hyperband_start_up_together(state: TrialState) -> None:
    """Under Hyperband a sampler's study shows one bracket of about four."""
    study = optuna.create_study(pruner=optuna.pruners.HyperbandPruner(max_resource=81))
    for number in range(12):
        study.sampler = build("tpe", number, n_startup_trials=6)
        trial = study.ask()
        plain(trial)
        trial.report(quadratic(trial.params), 1)
        trial.should_prune()
        value = quadratic(trial.params) if state == TrialState.COMPLETE else None
        study.tell(trial, value, state)
    params = [dict(trial.params) for trial in study.trials]
    drawn = matched(range(12))
    assert params[:6] == drawn[:6]
    assert all(a != b for a, b in zip(params[6:], drawn[6:], strict=True))


@pytest.mark.parametrize("method", ["tpe", "gp", "cmaes"])
def test_a_parameter_that_no_trial_has_had_is_a_matched_draw(method: str) -> None:
    study = optuna.create_study()
    search(study, method, 8, n_startup_trials=4)
    study.sampler = build(method, 8, n_startup_trials=4)
    trial = study.ask()
    plain(trial)
    new = trial.suggest_float("new", 0, 1)
    assert trial.params["x"] != matched(range(8, 9))[0]["x"]
    assert new == quantile(salt_of(7, 1, 8), "new")


@pytest.mark.parametrize("method", ["gp", "cmaes"])
def test_what_the_model_cannot_hold_is_a_matched_draw(method: str) -> None:
    """Conditional parameters are outside the relative space of both."""
    params = search(optuna.create_study(), method, 8, conditional, n_startup_trials=4)
    for number, each in enumerate(params):
        salt = salt_of(7, 1, number)
        if each["deep"]:
            distribution: BaseDistribution = IntDistribution(1, 8, log=True)
            assert each["layers"] == value_at(distribution, quantile(salt, "layers"))
        else:
            distribution = FloatDistribution(0.1, 1.0, step=0.1)
            assert each["width"] == value_at(distribution, quantile(salt, "width"))


def test_tpe_models_the_parameters_of_a_branch_that_it_has_seen() -> None:
    params = search(optuna.create_study(), "tpe", 24, conditional, n_startup_trials=6)
    drawn = [each["width"] for each in matched(range(24), wide)]
    modelled = [
        (each["width"], drawn[number])
        for number, each in enumerate(params)
        if number >= 6 and not each["deep"]
    ]
    assert len(modelled) >= 5
    assert sum(a != b for a, b in modelled) > len(modelled) / 2  # ten steps: some meet by chance


def wide(trial: optuna.Trial) -> None:
    trial.suggest_float("width", 0.1, 1.0, step=0.1)


@pytest.mark.parametrize("suggest", [plain, conditional])
@pytest.mark.parametrize("method", ["random", "tpe", "qmc", "cmaes", "gp"])
def test_a_search_goes_on_as_if_it_had_not_been_interrupted(method: str, suggest: Suggest) -> None:
    given = {"n_startup_trials": 4} if method in ("tpe", "gp", "cmaes") else {}
    storages = [optuna.storages.InMemoryStorage() for _ in range(2)]
    before, trials = (6, 9) if method == "gp" else (9, 16)
    study = optuna.create_study(storage=storages[0], study_name="search")
    search(study, method, before, suggest, **given)
    optuna.copy_study(from_study_name="search", from_storage=storages[0], to_storage=storages[1])
    whole = search(study, method, trials, suggest, **given)
    resumed = optuna.load_study(study_name="search", storage=storages[1])
    assert len(resumed.trials) == before
    assert search(resumed, method, trials, suggest, **given) == whole
    assert len({str(each) for each in whole}) == trials


# --- how long a start-up is


@pytest.mark.parametrize(
    ("sampler", "trials", "given", "startup", "modelled"),
    [
        ("tpe", 20, {}, 10, 10),
        ("tpe", 100, {}, 10, 90),
        ("tpe", 19, {}, 6, 13),
        ("tpe", 8, {}, 3, 5),
        ("tpe", 2, {}, 3, 0),
        ("gp", 12, {}, 4, 8),
        ("tpe", 8, {"n_startup_trials": 10}, 10, 0),
        ("tpe", 8, {"n_startup_trials": 0, "n_ei_candidates": 9}, 0, 7),  # the first is the default
        ("cmaes", 1, {}, 1, 0),
        ("cmaes", 30, {}, 1, 29),
        ("random", 20, {}, None, 0),
        ("grid", 20, {}, None, 0),
        ("qmc", 20, {}, None, 0),
    ],
)
def test_a_short_search_has_a_short_start_up(
    sampler: str, trials: int, given: dict[str, Any], startup: int | None, modelled: int
) -> None:
    assert startup_for(sampler, trials, given) == startup
    assert model_trials(sampler, trials, startup) == modelled
