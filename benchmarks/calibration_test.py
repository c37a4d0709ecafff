"""Verdicts about arms keep their promise where the truth is known, on recorded trainings."""

import math
from collections.abc import Callable
from types import ModuleType

import pytest

from studies.analysis import compare

TABLES = ("phoneme", "parkinsons_telemonitoring")
"""A table of shares of right answers and one of losses."""

Benchmark = Callable[[str], ModuleType]


@pytest.mark.slow
def test_equal_arms_are_rarely_told_apart_by_six_searches_and_often_by_one(
    benchmark: Benchmark,
) -> None:
    arms, load = benchmark("calibration_arms"), benchmark("tables").load
    repeated = [
        verdicts
        for name in TABLES
        for verdicts in arms.measure_equal(name, "random", arms.FIRST, 24)
    ]
    assert arms.tied(repeated, arms.FIRST) < 0.05
    told_apart = sum(verdicts.fixed != "none" for verdicts in repeated)
    assert told_apart / 48 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 48)

    once = [
        compare(arms.one_search(table, "random", 8, seed, seeds=8)).pairs[0]
        for table in map(load, TABLES)
        for seed in range(14)
    ]
    assert sum(pair.result.verdict.better != "none" for pair in once) / 28 > 0.25


def test_equal_arms_of_the_calibration_draw_different_configurations_and_seeds(
    benchmark: Benchmark,
) -> None:
    arms, table = benchmark("calibration_arms"), benchmark("tables").load("phoneme")
    results = arms.equal_arms(table, "random", 8, 0, repeats=4)
    left, right = (results.searched(arm, 1) for arm in arms.EQUAL)
    defaults = [trial.config_hash for trial in (left[0], right[0])]
    assert defaults[0] == defaults[1]
    assert left[0].seed == right[0].seed
    assert not {t.config_hash for t in left[1:]} & {t.config_hash for t in right[1:]}
    judged = arms.judge(results)
    assert judged.ties == [False] * 4


def test_a_row_with_too_many_ties_counts_for_nothing(benchmark: Benchmark) -> None:
    rows = benchmark("calibration_rows")
    kept = rows.false_better("equal arms", [True] * 6 + [False] * 94)
    assert kept.holds
    assert kept.interval == pytest.approx((0.0223, 0.1260), abs=1e-4)
    assert rows.false_better("equal arms", [True] * 15 + [False] * 85).holds is False
    tied = rows.false_better("equal arms", [False] * 100, ties=0.06)
    assert tied.holds is None
    assert "does not count" in tied.cells()


def test_pairs_of_a_table_line_up_and_start_at_the_defaults(benchmark: Benchmark) -> None:
    pairs, load = benchmark("calibration_pairs"), benchmark("tables").load
    assert sum(map(len, pairs.PAIRS.values())) == 48
    table = load("protein_structure")
    schedule = pairs.PAIRS["protein_structure"][1]
    cosine, constant = pairs.cells(table, schedule)
    assert cosine.values.shape == constant.values.shape == (62_208 // 2, 4)
    # relu, relu, batches of 32 (8 is the first), no dropout, a rate of 1e-3 and 64 units twice
    results = benchmark("calibration_arms").train(
        {**schedule.study(table, 1, 0), "search": {"method": "random", "trials": 1, "repeats": 1}},
        table.perform,
    )
    for arm, cells in (("cosine", cosine), ("constant", constant)):
        (trial,) = results.searched(arm, 1)
        assert math.log(trial.value) in cells.values[cells.default]
