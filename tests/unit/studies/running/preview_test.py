"""What `fairtune check` warns of and shows, on made-up studies."""

import re
import signal

import optuna
import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.errors import UserError
from studies.cli.study_files.check import trials_words
from studies.running.preview import plan, sample, verdicts_given
from studies.running.probe import probe, weight_counts
from studies.search.arm_search import build_sampler
from studies.statistics.arm_power import detectable_effect, noncentrality
from tests.support.made import ARMS, HOME, OPTIMIZERS, spec_of


@pytest.mark.parametrize(
    ("objective", "warned"),
    [
        ("{metric: val/loss, goal: maximize}", True),
        ("{metric: val/loss, goal: minimize}", False),
        ("{metric: val/loss}", False),
    ],
)
def test_a_goal_against_the_metrics_own_direction_is_worth_a_warning(
    objective: str, warned: bool
) -> None:
    warnings = plan(spec_of(OPTIMIZERS.replace("{metric: val/accuracy}", objective))).warnings
    wanted = "objective.goal is maximize, though a better val/loss is one that you minimize"
    assert (wanted in warnings) == warned


def test_a_number_of_seeds_that_allows_no_verdict_is_worth_a_warning() -> None:
    text = OPTIMIZERS.replace("seeds: 9", "seeds: 3")
    assert (
        "confirm.seeds is 3: no verdict is possible below 7 seeds with 3 arms"
        in plan(spec_of(text)).warnings
    )


def test_of_arms_fewer_repeats_than_allow_a_verdict_claim_nothing() -> None:
    text = ARMS.replace("repeats: 6", "repeats: 3").replace("seeds: 1", "seeds: 3")
    planned = plan(spec_of(text))
    assert (planned.repeats, planned.trials, planned.confirmations) == (3, 36, 27)
    assert planned.design[0] == (
        "claim: none about arms: 3 searches of each cannot tell the luck of a search from the arm; "
        "set search.repeats to 4 or more"
    )
    assert not any("seeds" in text for text in planned.warnings)


def said(text: str, about: str, earlier: int = 0) -> str:
    """What `check` says about one side of a design."""
    (found,) = [
        each.removeprefix(f"{about}: ")
        for each in plan(spec_of(text), earlier).design
        if each.startswith(f"{about}: ")
    ]
    return found


def test_a_sequential_comparison_says_after_how_many_searches_it_is_looked_at() -> None:
    assert said(ARMS.replace("repeats: 6", "repeats: auto"), "claim") == (
        "which arm is better when each is tuned, looked at after 6 and 8 searches of each; the "
        "winner of each search trains on 1 fresh seed"
    )


def test_a_search_that_is_read_at_a_budget_says_what_trains_and_what_it_shows() -> None:
    at = ARMS.replace("claim: arms", "claim: arms, at: 2").replace("top: 1, ", "")
    four = at.replace("trials: 4, repeats: 6", "trials: 8, repeats: 4, pruner: none")
    assert said(four, "claim") == (
        "which arm is better when each is tuned with 2 trials, read from 4 random searches of 8 "
        "trials each; the best 8 of each train on 1 fresh seed, and the defaults train beside"
    )
    one = at.replace("trials: 4, repeats: 6", "trials: 8, pruner: none")
    assert said(one, "power") == (
        f"a search of 8 trials read at 2, with 3 pairs of arms, shows a difference of "
        f"{noncentrality(4, 0.05 / 3):.1f} standard errors 8 times in 10"
    )


def test_which_rows_are_divided_anew_is_told_and_who_asked_where_none_are() -> None:
    assert "anew (train, validation and test), the same for all" in said(ARMS, "splits")
    fixed = ARMS.replace("data: digits", "data: {name: digits, split: fixed}")
    assert said(fixed, "splits").startswith("fixed (the file asks for it), so the luck")
    published = ARMS.replace("data: digits", "data: {name: mnist1d, split: fixed}")
    assert said(published, "splits").startswith("fixed (the file asks for it), so the luck")


def test_a_second_look_is_judged_more_strictly_and_a_third_is_warned_of() -> None:
    assert said(ARMS, "look", 1) == "a second look, judged at p <= 0.01, and the last one"
    effect = detectable_effect(6, alpha=0.01, pairs=3)
    assert f"a difference of {effect:.1f} standard" in said(ARMS, "power", 1)
    assert (
        "this study has given two verdicts: more repeats will give none and withdraw the last "
        "one; ask in a new study"
    ) in plan(spec_of(ARMS), 2).warnings
    assert verdicts_given(HOME, spec_of(ARMS)) == 0


def test_a_model_that_chooses_no_trial_is_worth_a_warning() -> None:
    text = ARMS.replace("method: random, trials: 4", "method: tpe, trials: 3")
    (warned,) = plan(spec_of(text)).warnings
    assert warned.startswith("tpe with 3 trials is random search: the defaults and random draws")
    assert said(text, "sampler") == (
        "tpe's model chooses none of the 3 trials of a search, which are random search"
    )
    assert plan(spec_of(text.replace("trials: 3", "trials: 8"))).warnings == []


def test_the_trials_of_all_searches_are_told_as_a_product() -> None:
    assert trials_words(plan(spec_of(ARMS))) == "72 (3 arms × 6 searches × 4 trials)"
    assert trials_words(plan(spec_of(OPTIMIZERS))) == "12 (3 arms × 4 trials)"
    epochs = plan(spec_of(OPTIMIZERS.replace("trials: 4", "epochs: 40")))
    assert trials_words(epochs) == "as the epochs allow"


def test_frozen_weights_are_weights_too() -> None:
    plain = {"data": "digits", "model": {"name": "squeezenet1_1", "image_size": 32}}
    total, trained = weight_counts(Configuration.resolve(plain)) or (0, 0)
    frozen = {**plain, "model": {**plain["model"], "freeze": "backbone"}}  # type: ignore[dict-item]
    counts = weight_counts(Configuration.resolve(frozen))
    assert total == trained > 500_000
    assert counts == (total, 513 * 10)  # the head reads 512 channels


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_samples_are_the_first_trials_that_the_study_will_have(method: str) -> None:
    spec = spec_of(OPTIMIZERS.replace("method: random", f"method: {method}"))
    sgd, momentum, adam = spec.arms
    default, first, second = sample(spec)
    assert default.optimizer.parameters["lr"] == sgd.space.default()["optimizer.lr"]
    for configuration, arm, number in ((first, momentum, 1), (second, adam, 2)):
        study = optuna.create_study(sampler=build_sampler(spec, number))
        assert configuration == Configuration.resolve(arm.space.suggest(study.ask()))


def test_samples_of_arms_may_choose_from_different_lists() -> None:
    lists = {"sgd": "[0.1, 0.2]", "momentum": "[0.3]", "adam": "[0.4, 0.5]"}
    text = OPTIMIZERS
    for name, values in lists.items():
        text = re.sub(
            f"name: {name}, lr: {{.*}}", f"name: {name}, lr: {{values: {values}}}}}", text
        )
    rates = [configuration.optimizer.parameters["lr"] for configuration in sample(spec_of(text))]
    assert rates[0] in (0.1, 0.2) and rates[1] == 0.3 and rates[2] in (0.4, 0.5)


def probed(method: str = "random") -> list[Configuration]:
    return sample(spec_of(f"""
study: probed
data: iris
model: {{name: mlp, hidden: [4]}}
optimizer: {{name: adam, lr: {{min: 0.001, max: 0.1}}}}
search: {{method: {method}, trials: 2}}
"""))  # fmt: skip


def test_a_training_that_takes_long_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGALRM)
    assert isinstance(probe(probed()), float)
    monkeypatch.setattr("studies.running.probe.PROBE_SECONDS", 1e-6)
    assert probe(probed()) == "two epochs were not over after 0 s"
    assert signal.getsignal(signal.SIGALRM) == before


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: no memory")])
def test_a_training_that_takes_too_much_memory_is_refused_in_a_sentence(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("lightning_modules.training.train.train", train)
    with pytest.raises(UserError, match="a training of mlp takes more memory than there is here"):
        probe(probed())


def test_what_is_wrong_with_a_training_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def train(*_: object, **__: object) -> None:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr("lightning_modules.training.train.train", train)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        probe(probed())
