"""An epoch of a few steps is worth a word, before anything is trained and after."""

from dataclasses import replace

import pytest

from studies.analysis import DesignWarning, compare, design_warnings
from studies.results.epoch_steps import few_steps
from studies.running.preview import plan, training_rows
from tests.support.made import OPTIMIZERS, spec_of, study, trial


def sized(batch_size: str, data: str = "digits") -> str:
    return OPTIMIZERS.replace("data: digits", f"data: {{name: {data}, batch_size: {batch_size}}}")


ONE = (
    "an epoch has only 1 step: data.batch_size 64, on 40 rows of digits that train; with 4 it has "
    "ten"
)


@pytest.mark.parametrize(
    ("batch_size", "rows", "said"),
    [
        ("64", 40, [ONE]),
        (
            "{values: [8, 32]}",
            100,
            ["an epoch has only 4 steps: the largest data.batch_size, 32, on 100 rows of digits "
             "that train; with 10 it has ten"],
        ),
        (
            "{min: 4, max: 16}",
            16,
            ["an epoch has only 1 step: the largest data.batch_size, 16, on 16 rows of digits that "
             "train; with 1 it has ten"],
        ),
        (
            "4",
            6,
            ["an epoch has only 2 steps: data.batch_size 4, on 6 rows of digits that train; more "
             "rows are needed, or many trainer.epochs"],
        ),
        (
            "10",
            91,  # the last row joins the batch before it
            ["an epoch has only 9 steps: data.batch_size 10, on 91 rows of digits that train; with "
             "9 it has ten"],
        ),
        ("10", 92, []),
        ("4", 40, []),
        ("full", 40, []),
    ],
)  # fmt: skip
def test_the_batch_size_that_gives_ten_steps_is_named(
    batch_size: str, rows: int, said: list[str]
) -> None:
    assert few_steps(spec_of(sized(batch_size)), {"digits": rows}) == said


def test_data_of_which_nobody_knows_the_rows_is_passed_over() -> None:
    assert few_steps(spec_of(sized("64")), {}) == []


def test_it_is_said_once_of_all_arms_and_trials() -> None:
    spec = spec_of(sized("64"))
    trials = [
        replace(trial(spec, arm, number, 0.9), rows={"train": 40 + number})
        for arm in ("sgd", "adam")
        for number in range(3)
    ]
    results = study(spec, trials)
    raised = [each for each in design_warnings(results, compare(results)) if "step" in each.kind]
    assert raised == [DesignWarning("few steps", "", ONE)]


def test_the_rows_that_train_are_counted_before_anything_is_trained() -> None:
    spec = spec_of(sized("{values: [16, 64]}", "iris"))
    assert training_rows(spec) == {"iris": 90}
    assert plan(spec, rows={"iris": 90}).warnings == [
        "an epoch has only 2 steps: the largest data.batch_size, 64, on 90 rows of iris that "
        "train; with 9 it has ten"
    ]


@pytest.mark.parametrize(
    ("rows", "trainer", "said"),
    [
        (
            400,
            "accumulate: 8",
            ["an epoch has only 5 steps: data.batch_size 10, with trainer.accumulate 8, on 400 "
             "rows of digits that train; without accumulate it has 40"],
        ),
        (
            40,
            "accumulate: 2",
            ["an epoch has only 2 steps: data.batch_size 10, with trainer.accumulate 2, on 40 rows "
             "of digits that train; with 4 it has ten, without accumulate"],
        ),
        (400, "accumulate: 4", []),
        (400, "max_steps: 3", []),
    ],
)  # fmt: skip
def test_steps_are_those_of_the_optimizer(rows: int, trainer: str, said: list[str]) -> None:
    text = sized("10").replace("{epochs: 10}", f"{{epochs: 10, {trainer}}}")
    assert few_steps(spec_of(text), {"digits": rows}) == said
