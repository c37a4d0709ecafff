"""A comparison says what the confirmed trials allow, and what is missing."""

import pytest

from lightning_modules.errors import UserError
from studies.analysis import compare
from studies.records import Outcome
from studies.sentences.comparison_json import as_json
from studies.sentences.verdict_sentences import summary
from studies.study_file import Spec
from tests.support.made import COMPARE, OPTIMIZERS, confirmed, searched, study, trial
from tests.support.made import spec_of as spec_of_arms

SEEDS = range(9)
BEST = {"sgd": 0.93, "momentum": 0.97, "adam": 0.98}
CLOSE = [0.95 + 0.001 * (i % 3) for i in SEEDS]
LOW = [value - 0.03 - 0.002 * (i % 2) for i, value in enumerate(CLOSE)]


def spec_of(text: str = OPTIMIZERS) -> Spec:
    """One search of each arm; its winners on nine fresh seeds."""
    return spec_of_arms(text)


def clear_cut() -> list:
    spec = spec_of()
    trials = searched(spec, BEST)
    trials += confirmed(spec, "adam", CLOSE)
    trials += confirmed(spec, "momentum", [value - 1e-4 for value in reversed(CLOSE)])
    return trials + confirmed(spec, "sgd", LOW)


def test_arms_are_ranked_by_their_confirmed_mean_not_by_what_the_search_found() -> None:
    spec = spec_of()
    trials = searched(spec, {"sgd": 0.99, "momentum": 0.96, "adam": 0.95})
    for arm, shift in (("adam", 0.0), ("momentum", 0.01), ("sgd", 0.02)):
        trials += confirmed(spec, arm, [value - shift for value in CLOSE])
    found = compare(study(spec, trials))
    assert [arm.arm for arm in found.arms] == ["adam", "momentum", "sgd"]
    sgd = found.arms[2]
    assert sgd.search_best == 0.99
    assert sgd.selection_bias == pytest.approx(0.99 - sgd.mean.estimate)
    assert sgd.default == pytest.approx(0.96)
    assert sgd.test_mean == pytest.approx(sgd.mean.estimate - 0.01)


def test_a_clear_difference_is_called_better_in_words_and_a_small_one_is_not() -> None:
    found = compare(study(spec_of(), clear_cut()))
    said = summary(found)
    assert said[0] == ("no other configuration is better than those found for adam, momentum")
    better = [line for line in said if "beats" in line]
    assert len(better) == 2 and all("better in 9 of 9 seeds, one split" in b for b in better)
    start = "the configuration found for adam beats the one found for sgd by 3.09 points on the "
    start += "validation part, whose rows also chose both configurations (95 % interval"
    assert better[0].startswith(start)
    end = "One search per arm: this does not say that adam is better"
    assert better[0].endswith(end)
    even = "the configurations found for adam and momentum: no detectable difference"
    assert any(line.startswith(even) for line in said)


def test_a_metric_whose_goal_is_to_minimize_turns_the_ranking_round() -> None:
    found = compare(study(spec_of(), clear_cut()), "val/loss")
    assert found.goal == "minimize"
    assert found.arms[-1].arm == "sgd"
    assert {p.result.verdict.better for p in found.pairs if "sgd" in (p.a, p.b)} == {"a"}


def test_an_unknown_metric_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UserError, match="val/acuracy was not logged in made; did you mean val/"):
        compare(study(spec_of(), clear_cut()), "val/acuracy")


def test_failed_seeds_are_counted_and_a_failing_arm_is_not_called_better() -> None:
    spec = spec_of()
    trials = searched(spec, BEST) + confirmed(spec, "sgd", LOW)
    trials += confirmed(spec, "adam", [*CLOSE, None, None], lr=0.05)
    found = compare(study(spec, trials))
    adam = next(arm for arm in found.arms if arm.arm == "adam")
    assert (len(adam.confirmed), adam.failures) == (9, 2)
    pair = next(p for p in found.pairs if {p.a, p.b} == {"adam", "sgd"})
    assert pair.result.verdict.better == "none"
    assert pair.result.verdict.reasons == (
        "adam failed on 2 of the fresh seeds, the other on fewer",
    )
    assert any("adam: 2 of 9 runs on fresh seeds failed" in text for text in found.missing)


def test_the_reference_is_the_worst_arms_best_and_counts_epochs_until_it_was_reached() -> None:
    found = compare(study(spec_of(), searched(spec_of(), BEST)))
    assert found.reference == 0.93
    spent = {arm.arm: arm.epochs_to_reference for arm in found.arms}
    assert spent == {"sgd": 40, "momentum": 10, "adam": 10}


def test_without_a_comparison_or_a_confirmation_it_says_so() -> None:
    text = OPTIMIZERS.replace(f"{COMPARE}confirm: {{top: 1, seeds: 9}}\n", "")
    spec = spec_of(text.replace("  - {name: momentum, lr: {min: 1e-3, max: 1.0, log: true}}\n", ""))
    found = compare(study(spec, [trial(spec, "", 0, 0.9)]))
    assert found.missing[0].startswith("this study compares nothing: name a factor")
    assert "not confirmed on fresh seeds" in found.missing[1]
    assert found.pairs == []


def test_an_arm_without_a_completed_trial_and_an_unfinished_study_are_named() -> None:
    spec = spec_of()
    trials = searched(spec, {"momentum": 0.96, "adam": 0.98})
    trials += [trial(spec, "sgd", i, None, outcome=Outcome.diverged) for i in range(3)]
    found = compare(study(spec, trials, finished=False))
    assert "sgd: no trial has completed (3 diverged)" in found.missing
    assert any("11 of 12 trials of the search have ended" in text for text in found.missing)
    assert "adam: 9 of 9 fresh seeds are missing" in found.missing
    assert found.arms[-1].arm == "sgd"


def test_the_same_results_give_the_same_words_and_numbers() -> None:
    results = study(spec_of(), clear_cut())
    assert as_json(compare(results), {}) == as_json(compare(results), {})


def test_of_several_confirmed_configurations_the_best_mean_on_most_seeds_represents_the_arm() -> (
    None
):
    spec = spec_of(OPTIMIZERS.replace("top: 1", "top: 2"))
    trials = searched(spec, {"adam": 0.98})  # lr 0.05 is first, 0.04 second
    trials += confirmed(spec, "adam", [0.90] * 9)
    trials += confirmed(spec, "adam", [0.94] * 9, lr=0.04)
    adam = next(arm for arm in compare(study(spec, trials)).arms if arm.arm == "adam")
    assert adam.mean.estimate == pytest.approx(0.94)
    assert adam.winner is not None and adam.winner.params == {"optimizer.lr": 0.04}


def test_arms_without_fresh_seeds_are_ranked_by_the_best_of_their_search() -> None:
    spec = spec_of()
    found = compare(study(spec, searched(spec, {"sgd": 0.6, "momentum": 0.5, "adam": 0.8})))
    assert [arm.arm for arm in found.arms] == ["adam", "sgd", "momentum"]


def test_equal_seeds_are_told_and_are_no_wins() -> None:
    spec = spec_of()
    trials = searched(spec, BEST) + confirmed(spec, "adam", CLOSE)
    level = [value - (0.03 if i > 1 else 0.0) for i, value in enumerate(CLOSE)]
    trials += confirmed(spec, "sgd", level)
    (pair,) = compare(study(spec, trials)).pairs
    assert (pair.wins, pair.ties) == (7, 2)


def test_seeds_that_allow_no_verdict_are_not_called_no_difference() -> None:
    spec = spec_of(OPTIMIZERS.replace("seeds: 9", "seeds: 3"))
    trials = searched(spec, BEST)
    for arm, shift in (("adam", 0.0), ("momentum", 0.2), ("sgd", 0.5)):
        trials += confirmed(spec, arm, [value - shift for value in CLOSE[:3]])
    said = summary(compare(study(spec, trials)))
    assert said[0] == "no verdict is possible with 3 seeds: 7 at least are needed"
    assert (
        "the configurations found for adam and sgd: no detectable difference; 3 seeds allow no "
        "verdict, 7 at least do"
    ) in said


def test_a_winner_that_failed_more_often_is_named_as_the_reason() -> None:
    spec = spec_of(OPTIMIZERS.replace("seeds: 9", "seeds: 11"))
    values = [*CLOSE, 0.95, 0.951]
    trials = searched(spec, {"sgd": 0.93, "adam": 0.98})
    trials += confirmed(spec, "adam", [*values[:9], None, None])
    trials += confirmed(
        spec, "sgd", [value - 0.05 - 0.001 * (i % 2) for i, value in enumerate(values)]
    )
    said = summary(compare(study(spec, trials)))
    assert said[0].startswith(
        "the configurations found for adam and sgd: no detectable difference; adam failed on 2 of "
        "the fresh seeds"
    )


def test_arms_with_unequal_budgets_are_told() -> None:
    spec = spec_of()
    trials = searched(spec, {"sgd": 0.93, "momentum": 0.97}) + searched(spec, {"adam": 0.98}, 6)
    (said,) = [text for text in compare(study(spec, trials)).missing if "not fair" in text]
    assert said.startswith("the arms have had 4 to 6 trials of the search")
    assert not any(
        "not fair" in text for text in compare(study(spec, searched(spec, BEST))).missing
    )


def test_a_metric_of_another_task_is_refused() -> None:
    with pytest.raises(UserError, match="val/rmse was not logged in made"):
        compare(study(spec_of(), clear_cut()), "val/rmse")
