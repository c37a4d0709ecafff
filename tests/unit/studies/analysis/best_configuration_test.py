"""The configuration to use, what to expect of it, and where its uncertainty comes from."""

import math
from dataclasses import replace

import pytest

from studies.analysis import compare, recommended
from studies.analysis.best_configuration import cross_plan
from studies.results import StudyResults
from studies.sentences.expectation import expectation, with_sampling
from studies.sentences.uncertainty import advice, sources
from studies.sentences.verdict_sentences import summary
from studies.study_file import splits_of
from tests.support.arms_made import TWO_ARMS, arms_study, crossed
from tests.support.made import study

ADAM = [0.95, 0.96, 0.94, 0.97, 0.95, 0.96]
SGD = [0.93, 0.945, 0.93, 0.95, 0.932, 0.94]
LONG = TWO_ARMS.replace("trials: 2,", "trials: 12,")


def with_cross_runs(values: dict[int, dict[int, float]]) -> StudyResults:
    results = arms_study({"adam": ADAM, "sgd": SGD})
    runs = [run for won, found in values.items() for run in crossed(results, "adam", won, found)]
    return study(results.spec, [*results.trials, *runs])


def test_without_runs_on_other_splits_the_best_winner_relative_to_its_split_is_used() -> None:
    validation = {"adam": [0.9, 0.99, 0.95, 0.9, 0.9, 0.9], "sgd": [0.8, 0.98, 0.8, 0.85, 0.9, 0.9]}
    results = arms_study({"adam": ADAM, "sgd": SGD}, validation=validation)
    assert recommended(results) is not None
    assert (recommended(results).trial.arm, recommended(results).trial.repeat) == (
        "adam",
        3,
    )  # 0.99 was easy
    assert recommended(results).value == pytest.approx(sum(ADAM) / 6)
    assert recommended(results).repeats == 6 and recommended(results).metric == "test/accuracy"


def test_validation_on_all_splits_decides_not_the_luck_of_the_own_one() -> None:
    others = {1: {r: 0.99 for r in range(2, 7)}, 4: {r: 0.5 for r in (1, 2, 3, 5, 6)}}
    results = with_cross_runs(others)
    assert recommended(results) is not None and recommended(results).trial.repeat == 1
    assert {run.phase for run in recommended(results).runs} == {"confirm", "cross"}
    assert len(recommended(results).runs) == 6


def test_a_winner_that_met_its_own_split_only_is_not_preferred_to_those_that_met_others() -> None:
    others = {1: {r: 0.9 for r in range(2, 7)}, 2: {r: 0.91 for r in (1, 3, 4, 5, 6)}}
    results = with_cross_runs(others)  # repeat 4 has the best value on its own split
    assert recommended(results) is not None and recommended(results).trial.repeat == 2


def test_runs_on_other_splits_read_no_test_part_and_change_no_verdict() -> None:
    before = compare(arms_study({"adam": ADAM, "sgd": SGD}))
    after = compare(with_cross_runs({1: {2: 0.99, 3: 0.99}, 4: {1: 0.5, 2: 0.5}}))
    assert before.pairs == after.pairs and before.arms[0].mean == after.arms[0].mean


def test_the_plan_takes_the_leading_arm_and_a_tenth_of_the_trainings_at_most() -> None:
    results = arms_study({"adam": ADAM, "sgd": SGD})
    planned = cross_plan(results, splits_of(results.spec))
    count = len(results.ended)
    assert {each.arm for each in planned} == {"adam"} and 0 < len(planned) <= 0.1 * count
    for each in planned:
        own = {r for r in range(1, 7) if (won := results.winner("adam", r)[0])
               and won.config_hash == each.configuration.hash}  # fmt: skip
        assert each.repeat not in own
    assert len({each.identity for each in planned}) == len(planned)


def test_one_candidate_needs_no_choice() -> None:
    text = TWO_ARMS.replace("repeats: 6", "repeats: 2")
    results = arms_study({"adam": ADAM[:2], "sgd": SGD[:2]}, text)
    assert cross_plan(results, splits_of(results.spec)) == []  # a tenth of 12 trainings is one


def test_what_to_expect_has_the_sampling_error_of_one_test_part() -> None:
    expected = expectation(arms_study({"adam": ADAM, "sgd": SGD}))
    assert expected is not None
    mean = sum(ADAM) / 6
    variance = sum((v - mean) ** 2 for v in ADAM) / 5 / 6
    share = (400 * mean + 2) / 404
    half = math.sqrt(2.5705818**2 * variance + 1.96**2 * share * (1 - share) / 404)
    assert expected.interval.estimate == pytest.approx(mean)
    assert expected.interval.high - mean == pytest.approx(half, rel=1e-6)
    assert "with the sampling error of a test part of 400 rows" in expected.words
    assert 'an estimate for "search, then take the winner"' in expected.words


def test_a_test_part_without_a_mistake_is_no_certainty() -> None:
    found, said = with_sampling("test/accuracy", [1.0] * 6, 30, "test")
    assert found.low < 0.95 and "of 30 rows" in said


def test_an_error_is_expected_to_be_positive() -> None:
    assert with_sampling("test/mae", [0.1, 2.0, 0.2], 30, "test")[0].low == 0.0


def test_the_configuration_to_use_is_of_the_arm_that_the_verdict_prefers() -> None:
    losses = TWO_ARMS.replace("val/accuracy", "val/loss")
    values = {"sgd": [0.1, 0.1, 0.11, 0.1, 0.1, 12], "adam": [0.5, 0.52, 0.5, 0.51, 0.5, 60]}
    results = arms_study(values, losses)
    found = compare(results)
    assert found.arms[0].arm == "sgd" and found.pairs[0].result.verdict.better == "a"
    assert recommended(results) is not None and recommended(results).trial.arm == "sgd"
    assert recommended(results).value == pytest.approx(found.arms[0].mean.estimate)
    expected = expectation(results)
    assert expected is not None and "the geometric mean of the 6 winners" in expected.words
    assert expected.interval.estimate == pytest.approx(recommended(results).value)


def test_one_lost_repeat_does_not_recommend_a_far_worse_arm() -> None:
    results = arms_study({"sgd": [None, 0.9, 0.9, 0.9, 0.91, 0.9], "adam": [0.2] * 6})
    assert recommended(results) is not None and recommended(results).trial.arm == "sgd"


def test_an_arm_that_left_early_makes_no_split_look_easy() -> None:
    text = TWO_ARMS.replace("repeats: 6", "repeats: auto").replace(
        "trainer:", "  - {name: momentum, lr: {min: 1e-3, max: 0.1}}\ntrainer:"
    )
    good = [0.9, 0.91, 0.9, 0.92, 0.9, 0.9]
    validation = {"adam": [*good, 0.97, 0.9], "sgd": [*good, 0.9, 0.91], "momentum": [0.03] * 6}
    results = arms_study(
        {
            "adam": [*good, 0.91, 0.9],
            "sgd": [v - 0.01 for v in good] + [0.9, 0.89],
            "momentum": [0.03] * 6,
        },
        text,
        validation=validation,
    )
    assert recommended(results) is not None
    assert (recommended(results).trial.arm, recommended(results).trial.repeat) == ("adam", 7)


def test_a_part_without_known_rows_says_that_its_sampling_error_is_left_out() -> None:
    found, said = with_sampling("test/accuracy", [0.9, 0.92, 0.91], None, "test")
    assert said == ", without the sampling error of the test part"
    assert found.high - found.low < 0.06


def test_more_rows_make_the_expectation_surer() -> None:
    wide = [with_sampling("test/accuracy", [0.9, 0.92], rows, "test")[0] for rows in (50, 5000)]
    assert wide[0].high - wide[0].low > wide[1].high - wide[1].low


def test_what_the_design_does_not_separate_is_named() -> None:
    results = arms_study({"adam": ADAM, "sgd": SGD})
    said = sources(results, compare(results))
    assert any("the training seed was not separated" in text for text in said)
    assert any("the luck of the split and that of the search were not separated" in t for t in said)
    seen = sources(*(r := with_cross_runs(
        {w: {s: ADAM[w - 1] - 0.01 * s for s in range(1, 7) if s != w} for w in (1, 2, 4)}
    ), compare(r)))  # fmt: skip
    assert any("3 winners of adam on 6 splits" in text for text in seen)


def test_advice_is_a_command_with_the_level_of_the_look_that_it_makes() -> None:
    results = arms_study({"adam": SGD, "sgd": [v - 0.02 * (i % 2) for i, v in enumerate(SGD)]})
    (said,) = advice(results, compare(results))
    assert "fairtune run made --home nowhere --set search.repeats=" in said
    assert said.count("judged at p <= 0.01") == 1
    new = "`fairtune run made --home nowhere --set study=made-auto --set search.repeats=auto`"
    assert said.endswith(new)


def test_the_nearest_of_several_open_pairs_is_named() -> None:
    more = "  - {name: momentum, lr: {min: 1e-3, max: 0.1}}\n"
    text = TWO_ARMS.replace("trainer:", more + "trainer:")
    worse = [v - 0.02 * (i % 2) for i, v in enumerate(SGD)]
    found = arms_study({"adam": SGD, "sgd": worse, "momentum": worse[::-1]}, text)
    compared = compare(found)
    nearest = min(
        (pair for pair in compared.pairs if pair.result.verdict.better == "none"),
        key=lambda pair: pair.repeats_needed or 1001,
    )
    (said,) = advice(found, compared)
    assert f"{nearest.a} and {nearest.b}, the nearest of 2 open pairs, apart 8 times in 10" in said
    recommending = [text for text in summary(compared) if "more repeats" in text]
    assert recommending and all("judged at p <= 0.01" in text for text in recommending)


def test_only_a_difference_that_was_seen_is_called_small() -> None:
    small = [v + 0.0001 * (1 + 30 * (-1) ** i) for i, v in enumerate(SGD)]
    results = arms_study({"adam": small, "sgd": SGD})
    (said,) = advice(results, compare(results))
    assert said == (
        "the differences observed are so small that more than 1,000 repeats would be needed to "
        "show them"
    )
    equal = arms_study({"adam": SGD, "sgd": SGD})
    one_row = arms_study({"adam": [v + 1 / 400 for v in SGD], "sgd": SGD})
    assert advice(equal, compare(equal)) == advice(one_row, compare(one_row)) == []


def test_of_lost_repeats_the_loss_is_the_reason() -> None:
    results = arms_study({"adam": [0.99] * 5 + [None], "sgd": SGD})
    (said,) = advice(results, compare(results))
    assert said == (
        "of 6 repeats were lost: adam 1; an arm that lost more than another is never called "
        "better, so see first why its trainings failed"
    )


def test_an_unfinished_study_says_once_how_it_goes_on() -> None:
    results = replace(arms_study({"adam": ADAM[:5], "sgd": SGD[:5]}), finished=False)
    compared = compare(results)
    assert advice(results, compared) == []
    assert len([text for text in compared.missing if "continues it" in text]) == 1


def test_scatter_of_what_is_compared_as_logarithms_is_a_factor() -> None:
    text = TWO_ARMS.replace("val/accuracy", "val/loss")
    results = arms_study({"adam": [0.2, 0.22, 0.19, 0.21, 0.2, 0.205], "sgd": [0.3] * 6}, text)
    said = sources(results, compare(results))
    assert "by a factor of 1.04 on the test part (one standard deviation)" in said[0]
    assert not any("(loss)" in each for each in said)


def test_scatter_is_of_the_metric_and_the_part_that_are_compared() -> None:
    results = arms_study({"adam": ADAM, "sgd": SGD})
    seen = [{**trial.best, "val/loss": 1 - (trial.value or 0)} for trial in results.trials]
    trials = [replace(t, best=best) for t, best in zip(results.trials, seen, strict=True)]
    other = replace(results, trials=trials)
    said = sources(other, compare(other, "val/loss"))
    assert "on the validation part" in said[0] and "points" not in " ".join(said)
    assert not any("the luck of the split and that of the search" in text for text in said)


def test_nothing_is_advised_where_everything_is_decided() -> None:
    results = arms_study({"adam": ADAM, "sgd": SGD})
    assert advice(results, compare(results)) == []
