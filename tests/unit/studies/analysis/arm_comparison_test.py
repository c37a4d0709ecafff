"""What repeats allow to be said of arms, in numbers and in words."""

import math
import re
from dataclasses import replace

import pytest
from scipy import stats

from studies.analysis import compare
from studies.results import plural, size
from studies.results.study_results import Look
from studies.results.wording import with_article
from studies.sentences import verdicts
from studies.sentences.comparison_json import as_json
from studies.sentences.verdict_sentences import summary
from tests.support.arms_made import TWO_ARMS, arms_study

ADAM = [0.95, 0.96, 0.94, 0.97, 0.955, 0.965]
SGD = [0.93, 0.945, 0.93, 0.95, 0.932, 0.94]
LOSSES = TWO_ARMS.replace("val/accuracy", "val/loss")


def test_a_verdict_is_the_paired_t_test_of_the_test_parts_and_says_so() -> None:
    found = compare(arms_study({"adam": ADAM, "sgd": SGD}))
    (pair,) = found.pairs
    known = stats.ttest_rel(ADAM, SGD)
    assert found.metric == "test/accuracy" and found.design.part == "test"
    assert (pair.a, pair.result.verdict.better) == ("adam", "a")
    assert pair.result.p == pytest.approx(known.pvalue)
    assert pair.result.difference.estimate == pytest.approx(sum(ADAM) / 6 - sum(SGD) / 6)
    assert verdicts(found) == [
        "adam beats sgd when each is tuned with 2 trials: by 1.88 points on the test part (95 % "
        "interval 1.31 to 2.46; 6 searches on 6 splits of these rows)"
    ]


def test_validation_does_not_decide_where_every_split_has_a_test_part() -> None:
    worse = {"adam": [value - 0.05 for value in SGD], "sgd": SGD}
    found = compare(arms_study({"adam": ADAM, "sgd": SGD}, validation=worse))
    assert found.pairs[0].result.verdict.better == "a" and found.pairs[0].a == "adam"
    assert found.arms[0].search_best == pytest.approx(sum(worse["adam"]) / 6)


def test_a_fixed_split_is_judged_by_validation_and_named() -> None:
    text = TWO_ARMS.replace("data: digits", "data: {name: digits, split: fixed}")
    found = compare(arms_study({"adam": ADAM, "sgd": SGD}, text))
    assert (found.metric, found.design.part, found.design.splits) == (
        "val/accuracy", "validation", 1,
    )  # fmt: skip
    assert "on the validation part (95 % interval" in verdicts(found)[0]
    assert verdicts(found)[0].endswith("6 searches on one split)")


@pytest.mark.parametrize("repeats", [1, 2, 3])
def test_below_four_repeats_nothing_is_said_of_arms_whatever_the_difference(repeats: int) -> None:
    text = TWO_ARMS.replace("repeats: 6", f"repeats: {repeats}")
    found = compare(arms_study({"adam": [0.99] * repeats, "sgd": [0.1] * repeats}, text))
    assert {pair.result.verdict.better for pair in found.pairs} == {"none"}
    (said,) = verdicts(found)
    assert (
        said.startswith("no verdict: ") and f"add {plural(4 - repeats, 'repeat')} or more" in said
    )


def test_a_study_that_has_not_ended_as_planned_has_no_verdict() -> None:
    found = compare(arms_study({"adam": ADAM[:5], "sgd": SGD[:5]}))
    assert found.design.searches == 5
    assert found.pairs[0].result.verdict.better == "none"
    assert "5 of 6 repeats have ended, and the verdict was planned for all" in verdicts(found)[0]


def test_losses_are_compared_as_logarithms_and_effects_are_ratios() -> None:
    adam = [0.2, 0.22, 0.19, 0.21, 0.2, 0.205]
    found = compare(arms_study({"adam": adam, "sgd": [1.25 * v for v in adam]}, LOSSES))
    assert found.design.logarithms
    assert found.pairs[0].result.difference.estimate == pytest.approx(math.log(0.8))
    assert "by a loss that is 20 % lower on the test part" in verdicts(found)[0]
    assert found.arms[0].mean.estimate == pytest.approx(math.exp(sum(map(math.log, adam)) / 6))


def test_no_sentence_about_logarithms_has_two_units() -> None:
    sgd = [0.2, 0.22, 0.19, 0.21, 0.2, 0.205]
    adam = [v * f for v, f in zip(sgd, (0.5, 1.4, 0.6, 1.1, 0.9, 1.2), strict=True)]
    (said,) = verdicts(compare(arms_study({"adam": adam, "sgd": sgd}, LOSSES)))
    assert re.fullmatch(
        r"adam and sgd: no detectable difference; observed: adam's loss \S+ % lower on the test "
        r"part \(6 searches on 6 splits of these rows, which would show \S+ % or more 8 times in "
        r"10\); if that is the true difference, about \d+ more repeats, judged at p "
        r"<= 0\.01, would be needed",
        said,
    )


def test_no_loss_is_said_to_be_a_hundred_percent_lower() -> None:
    rows = [1e-4, 1.1e-4, 0.9e-4, 1e-4, 1.2e-4, 1e-4]
    found = compare(arms_study({"adam": rows, "sgd": [5.0, 4.9, 5.1, 5.0, 5.2, 5.0]}, LOSSES))
    (said,) = verdicts(found)
    assert "by a loss that is more than 99.9 % lower" in said
    assert "interval more than 99.9 to more than 99.9 %" in said


def test_a_budget_in_epochs_and_a_grid_are_told() -> None:
    found = compare(arms_study({"adam": ADAM, "sgd": SGD}))
    of_epochs = replace(found, design=replace(found.design, trials=None, epochs=120))
    of_grid = replace(found, design=replace(found.design, trials=None))
    assert "when each is tuned with 120 epochs each: " in verdicts(of_epochs)[0]
    assert "when each is tuned over the whole grid: " in verdicts(of_grid)[0]


def test_units_of_errors_stand_behind_their_numbers_and_have_their_article() -> None:
    assert size("val/rmse", -7.46) == "7.46 (rmse)"
    assert size("val/loss", 0.00236, "12 seeds") == "0.00236 (loss; 12 seeds)"
    assert size("val/accuracy", 0.012) == "1.20 points"
    assert [with_article(n) for n in ("rmse", "loss", "accuracy", "r2")] == [
        "an rmse", "a loss", "an accuracy", "an r2",
    ]  # fmt: skip


def test_the_interval_of_a_ratio_is_that_of_the_better_arm() -> None:
    adam = [0.2, 0.22, 0.19, 0.21, 0.2, 0.205]
    sgd = [v * f for v, f in zip(adam, (1.2, 1.3, 1.25, 1.22, 1.28, 1.26), strict=True)]
    found = compare(arms_study({"sgd": sgd, "adam": adam}, LOSSES))
    low, high = found.pairs[0].result.difference.low, found.pairs[0].result.difference.high
    ends = sorted(100 * -math.expm1(end) for end in (low, high))
    assert f"interval {ends[0]:.3g} to {ends[1]:.3g} %" in verdicts(found)[0]
    assert 0 < ends[0] < 20 < ends[1]


def test_values_that_have_no_logarithm_are_compared_as_they_are_and_that_is_said() -> None:
    adam = [0.0, 0.2, 0.2, 0.2, 0.2, 0.2]
    found = compare(arms_study({"adam": adam, "sgd": [0.3] * 6}, LOSSES))
    assert not found.design.logarithms
    assert any("a value of test/loss is not positive" in text for text in found.missing)


def test_accuracy_is_never_compared_as_logarithms_unless_asked() -> None:
    assert not compare(arms_study({"adam": ADAM, "sgd": SGD})).design.logarithms
    text = TWO_ARMS.replace("metric: val/accuracy}", "metric: val/accuracy, scale: log}")
    assert compare(arms_study({"adam": ADAM, "sgd": SGD}, text)).design.logarithms


def test_a_lost_repeat_is_shown_in_no_mean_and_its_arm_is_never_better() -> None:
    found = compare(arms_study({"adam": [0.99] * 5 + [None], "sgd": SGD}))
    adam = next(arm for arm in found.arms if arm.arm == "adam")
    assert adam.lost == (6,) and len(adam.confirmed) == 5
    assert found.pairs[0].result.verdict.better == "none"
    assert found.lost == {"adam": (6,)} and as_json(found, {})["lost"] == {"adam": [6]}
    assert any("adam: lost 1 of 6 repeats (6)" in text for text in found.missing)


def test_an_arm_that_comes_to_nothing_is_worse_by_the_sign_test() -> None:
    found = compare(arms_study({"adam": [None] * 6, "sgd": SGD}))
    (pair,) = found.pairs
    assert pair.test == "sign test" and pair.result.p == pytest.approx(2**-5)
    assert verdicts(found)[0].startswith(
        "sgd beats adam when each is tuned with 2 trials: adam came to nothing in 6 of 6 repeats "
        "and sgd in 0 (sign test over repeats"
    )


def test_equal_differences_are_no_certainty_one_row_is_the_least() -> None:
    close = [value + 1 / 400 for value in SGD]
    one_row = compare(arms_study({"adam": close, "sgd": SGD})).pairs[0].result
    assert one_row.verdict.better == "none"
    assert one_row.difference.high - one_row.difference.estimate >= 1 / 400 - 1e-12
    clear = compare(arms_study({"adam": [v + 0.02 for v in SGD], "sgd": SGD})).pairs[0].result
    assert clear.verdict.better == "a" and clear.difference.low < clear.difference.estimate


def test_an_extension_is_a_second_look_and_a_third_gives_no_verdict() -> None:
    results = arms_study({"adam": ADAM, "sgd": SGD})
    looked = Look(4, 2, None, 1)
    second = compare(replace(results, looks=[looked, Look(6, 2, None, 1)]))
    assert second.design.level == 0.01 and second.design.looks == (4, 6)
    assert "99 % interval" in verdicts(second)[0]
    assert "second look, judged at p <= 0.01" in verdicts(second)[0]
    third = compare(replace(results, looks=[looked, Look(5, 2, None, 1), Look(6, 2, None, 1)]))
    assert third.pairs[0].result.verdict.better == "none"
    assert "extended after two verdicts" in verdicts(third)[0]


def test_more_trials_or_seeds_after_a_verdict_are_another_look_too() -> None:
    results = arms_study({"adam": ADAM, "sgd": SGD})
    assert compare(replace(results, looks=[Look(6, 1, None, 1)])).design.level == 0.01


def test_a_sequential_comparison_decides_at_its_first_look_and_carries_it() -> None:
    text = TWO_ARMS.replace("repeats: 6", "repeats: auto")
    found = compare(arms_study({"adam": ADAM, "sgd": SGD}, text))
    (pair,) = found.pairs
    assert pair.look == 6 and pair.result.verdict.better == "a"
    assert found.design.level == 0.0224 and found.design.looks == (6,)
    assert "97.76 % interval" in verdicts(found)[0]
    assert "decided at the look after 6" in verdicts(found)[0]


def test_one_of_many_pairs_is_told_and_the_undecided_are_merged() -> None:
    names = ["momentum", "nesterov", "adamw", "rmsprop"]
    more = "".join(f"  - {{name: {name}, lr: {{min: 1e-3, max: 0.1}}}}\n" for name in names)
    text = TWO_ARMS.replace("trainer:", more + "trainer:")
    close = {name: [v + 0.003 * ((i + j) % 3) for i, v in enumerate(ADAM)]
             for j, name in enumerate(["adam", "sgd", *names])}  # fmt: skip
    said = verdicts(compare(arms_study(close, text)))
    assert said[0] == "no arm is detectably better than another"
    assert said[1].startswith("none of the 15 pairs is decided; the largest difference observed is")
    assert len(said) == 2


def test_against_restricts_the_family_to_the_pairs_with_one_arm() -> None:
    more = "  - {name: momentum, lr: {min: 1e-3, max: 0.1}}\n"
    text = TWO_ARMS.replace("trainer:", more + "trainer:").replace(
        "claim: arms", "claim: arms, against: sgd"
    )
    found = compare(arms_study({"adam": ADAM, "sgd": SGD, "momentum": ADAM[::-1]}, text))
    assert {frozenset((pair.a, pair.b)) for pair in found.pairs} == {
        frozenset(("adam", "sgd")),
        frozenset(("momentum", "sgd")),
    }


def test_no_sentence_for_students_speaks_of_scatter_that_wins_seeds() -> None:
    found = compare(arms_study({"adam": SGD, "sgd": SGD[::-1]}))
    assert not any("three of four" in text for text in summary(found))


def test_arms_are_in_the_order_of_the_repeats_that_all_of_them_have() -> None:
    text = TWO_ARMS.replace("repeats: 6", "repeats: auto").replace(
        "trainer:", "  - {name: momentum, lr: {min: 1e-3, max: 0.1}}\ntrainer:"
    )
    hard = [0.5, 0.52]  # two splits that an arm which left early has not met
    values = {
        "adam": [*ADAM, *hard],
        "momentum": [*[value - 0.001 * (i % 3) for i, value in enumerate(ADAM)], *hard],
        "sgd": [value - 0.1 - 0.001 * (i % 2) for i, value in enumerate(ADAM)],
    }
    found = compare(arms_study(values, text))
    assert found.arms[-1].arm == "sgd"
    assert found.arms[-1].mean.estimate > found.arms[0].mean.estimate  # by its easier splits


def test_another_metric_is_compared_where_it_was_logged() -> None:
    results = arms_study({"adam": ADAM, "sgd": SGD})
    found = compare(results, "val/loss")
    assert (found.metric, found.design.part) == ("val/loss", "validation")


def test_a_run_that_says_nothing_of_the_test_part_moves_no_verdict_to_validation() -> None:
    results = arms_study({"adam": ADAM, "sgd": SGD})
    silent = [
        replace(trial, test={}) if trial.key == "sgd-r6-confirm-0000" else trial
        for trial in results.trials
    ]
    found = compare(replace(results, trials=silent))
    assert found.metric == "test/accuracy" and found.lost == {"sgd": (6,)}
