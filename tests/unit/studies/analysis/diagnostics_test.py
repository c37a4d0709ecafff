"""Every design warning comes where it should, only there, and says what to change."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from studies.analysis import compare, design_warnings
from studies.records import Outcome, Trial
from studies.study_file import Spec
from tests.support.made import ARMS, OPTIMIZERS, confirmed, searched, spec_of, study, trial


def raised(trials: Sequence[Trial], kind: str, spec: Spec | None = None) -> list[str]:
    results = study(spec or spec_of(), trials)
    return [a.message for a in design_warnings(results, compare(results)) if a.kind == kind]


def test_a_best_trial_at_the_edge_of_its_range_asks_to_widen_it() -> None:
    spec = spec_of()
    assert raised([trial(spec, "sgd", 0, 0.9, lr=0.99)], "boundary") == [
        "the best trial lies at the upper edge of optimizer.lr (0.001 to 1): "
        "widen optimizer.lr upward"
    ]
    assert raised([trial(spec, "sgd", 0, 0.9, lr=0.03)], "boundary") == []


@pytest.mark.parametrize(
    ("lr", "way"),
    [
        (1.35e-3, "downward"),  # 4 % of the range, which is logarithmic and has three decades
        (1.48e-3, ""),  # 6 %
        (2.5e-3, ""),  # 13 %
        (0.4, ""),
        (0.67, ""),
        (0.74, "upward"),
    ],
)
def test_the_edge_of_a_range_is_its_last_twentieth(lr: float, way: str) -> None:
    messages = raised([trial(spec_of(), "sgd", 0, 0.9, lr=lr)], "boundary")
    assert [message.rpartition(" ")[2] for message in messages] == [way] * (way != "")


def test_three_of_the_best_five_at_an_edge_do_too() -> None:
    spec = spec_of()
    rates = [0.03, 0.0011, 0.0012, 0.0013, 0.05]
    trials = [trial(spec, "sgd", i, 0.9 - 0.01 * i, lr=lr) for i, lr in enumerate(rates)]
    assert raised(trials, "boundary") == [
        "3 of the best lie at the lower edge of optimizer.lr (0.001 to 1): "
        "widen optimizer.lr downward"
    ]
    assert raised([*trials[:2], trials[4]], "boundary") == []


def test_a_special_case_that_beats_its_general_optimizer_raises_the_inclusion_alarm() -> None:
    spec = spec_of()
    trials = searched(spec, {"sgd": 0.9, "momentum": 0.9, "adam": 0.9})
    high, low = [0.95] * 9, [0.90 - 0.001 * (i % 3) for i in range(9)]
    worse = [*trials, *confirmed(spec, "sgd", high), *confirmed(spec, "momentum", low)]
    (message,) = raised(worse, "inclusion")
    assert message.startswith(
        "the configuration found for it is worse than that for sgd, which is a special case of it, "
        "so its ranges or its budget may be too small"
    )
    better = [*trials, *confirmed(spec, "sgd", low), *confirmed(spec, "momentum", high)]
    assert raised(better, "inclusion") == []


def test_trainings_that_improve_to_the_end_ask_for_more_epochs() -> None:
    spec = spec_of()
    rising = {epoch: epoch / 10 for epoch in range(1, 11)}
    flat = {epoch: min(epoch, 6) / 10 for epoch in range(1, 11)}
    (message,) = raised([trial(spec, "sgd", 0, 0.9, curve=rising)], "still improving")
    assert message.endswith("raise trainer.epochs")
    assert raised([trial(spec, "sgd", 0, 0.9, curve=flat)], "still improving") == []
    stopped = trial(spec, "sgd", 0, 0.9, curve=rising, epochs=9)
    assert raised([stopped], "still improving") == []


def test_many_diverged_trainings_ask_for_smaller_steps() -> None:
    spec = spec_of()
    good = [trial(spec, "sgd", i, 0.9) for i in range(4)]
    bad = trial(spec, "sgd", 4, None, outcome=Outcome.diverged)
    (message,) = raised([*good, bad], "unstable")
    assert message.startswith("1 of 5 trainings diverged: lower optimizer.lr.max")
    assert raised([*good, trial(spec, "sgd", 5, 0.9), bad], "unstable") == []
    fixed = spec_of(OPTIMIZERS.replace("{min: 1e-3, max: 1.0, log: true}", "0.1"))
    (message,) = raised([*good, bad], "unstable", fixed)
    assert "lower optimizer.lr, or" in message


def test_repeated_configurations_say_that_the_space_is_used_up() -> None:
    spec = spec_of()
    trials = [trial(spec, "sgd", i, 0.9) for i in range(5)]
    twin = replace(trials[4], duplicate_of=0)
    (message,) = raised([*trials[:4], twin], "duplicates")
    assert message.startswith("1 of 5 trials repeat a configuration")
    assert raised(trials, "duplicates") == []


def test_pruning_is_accounted_for_per_arm() -> None:
    spec = spec_of()
    trials = [trial(spec, "sgd", 0, 0.9)]
    pruned = trial(spec, "sgd", 1, 0.5, outcome=Outcome.pruned, epochs=3)
    assert raised([*trials, pruned], "pruning") == [
        "1 of 2 trials were pruned (50%), which saved 7 epochs"
    ]
    assert raised(trials, "pruning") == []


def test_too_few_seeds_for_any_verdict_name_the_number_that_would_do() -> None:
    few = spec_of(OPTIMIZERS.replace("seeds: 9", "seeds: 5"))
    (message,) = raised(searched(few, {"sgd": 0.9}), "too few seeds", few)
    assert "no verdict is possible below 7 fresh seeds, and confirm.seeds is 5" in message
    assert raised(searched(spec_of(), {"sgd": 0.9}), "too few seeds") == []


def test_an_arm_that_chooses_on_the_seeds_that_judge_it_is_told() -> None:
    several = spec_of(OPTIMIZERS.replace("top: 1", "top: 3"))
    (message,) = raised(searched(several, {"sgd": 0.9}), "selection", several)
    assert "each arm's best of 3 configurations was chosen on the seeds" in message
    assert raised(searched(spec_of(), {"sgd": 0.9}), "selection") == []


def test_of_several_searches_their_winners_are_looked_at_not_the_trials_of_the_easiest_split() -> (
    None
):
    spec = spec_of(ARMS)
    edges = {1: (0.9, 0.03), 2: (0.5, 0.99), 3: (0.4, 0.98), 4: (0.3, 0.97)}
    trials = [
        trial(spec, "sgd", i, value - 0.01 * i, lr=lr, repeat=repeat)
        for repeat, (value, lr) in edges.items()
        for i in range(2)
    ]
    assert raised(trials, "boundary", spec) == [
        "the winners of 3 of 4 searches lie at the upper edge of optimizer.lr (0.001 to 1): "
        "widen optimizer.lr upward"
    ]
    assert raised(trials[:4], "boundary", spec) == []  # half of them
