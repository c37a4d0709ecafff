"""How metrics that a program writes for others become epochs."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pytest

from lightning_modules.errors import UserError
from studies.engines.programs.written_epochs import (
    CountedEpochs,
    Epochs,
    NumberedEpochs,
    Written,
    number_of,
)

GOAL = "val/loss"


def made(epochs: Epochs, pieces: Iterable[tuple[float | None, dict[str, float]]]) -> list[object]:
    """The epochs that are over by these pieces, a number and what stands with it each."""
    found: list[object] = []
    for at, metrics in pieces:
        found += epochs.add(Written(metrics, at))
    return [*found, *epochs.rest()]


@pytest.mark.parametrize("first", [0, 1, 7])
def test_numbered_epochs_count_from_whatever_they_begin_at(first: int) -> None:
    pieces: list[tuple[float | None, dict[str, float]]] = []
    for epoch in range(3):
        pieces += [(first + epoch, {}), (None, {"train/loss": 9}), (None, {GOAL: epoch})]
    wanted = [{"train/loss": 9, GOAL: epoch} for epoch in range(3)]
    assert made(NumberedEpochs(GOAL), pieces) == wanted


def test_of_a_metric_that_is_written_again_in_an_epoch_the_last_value_counts() -> None:
    pieces = [(0, {GOAL: 5.0}), (0, {GOAL: 4.0}), (1, {GOAL: 3.0}), (1, {GOAL: 2.0})]
    assert made(NumberedEpochs(GOAL), pieces) == [{GOAL: 4}, {GOAL: 2}]


def test_an_epoch_without_the_objective_is_a_gap_but_for_the_last() -> None:
    pieces = [(0, {"train/loss": 1.0}), (1, {GOAL: 1.0}), (2, {"train/loss": 2.0})]
    assert made(NumberedEpochs(GOAL), pieces) == [{"train/loss": 1}, {GOAL: 1}]


def test_steps_with_gaps_are_epochs_and_fractions_are_of_the_epoch_that_goes_on() -> None:
    assert len(made(NumberedEpochs(GOAL), [(at, {GOAL: 1.0}) for at in (0, 250, 500)])) == 3
    pieces = [(0.5, {"loss": 2.0}), (1.0, {GOAL: 1.0}), (1.5, {"loss": 1.0}), (2.0, {GOAL: 0.5})]
    assert made(NumberedEpochs(GOAL), pieces) == [{"loss": 2, GOAL: 1}, {"loss": 1, GOAL: 0.5}]


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ([(4, {GOAL: 1.0}), (1, {GOAL: 1.0})], "the program wrote epoch 1 after epoch 4, as one"),
        ([(None, {GOAL: 1.0})], "wrote val/loss before the number of any epoch; leave the epoch"),
        ([(math.nan, {GOAL: 1.0})], "the program wrote epoch nan, which is no number"),
        ([(math.inf, {GOAL: 1.0})], "the program wrote epoch inf, which is no number"),
    ],
)
def test_what_no_number_of_epochs_can_be_made_of_is_said(
    pieces: list[tuple[float | None, dict[str, float]]], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        made(NumberedEpochs(GOAL), pieces)


def test_without_numbers_every_value_of_the_objective_is_an_epoch() -> None:
    pieces = [(None, {"loss": 3.0}), (None, {"loss": 2.0}), (None, {GOAL: 1.0}), (None, {GOAL: 0})]
    assert made(CountedEpochs(GOAL), pieces) == [{"loss": 2, GOAL: 1}, {GOAL: 0}]


def test_what_has_the_objectives_step_is_of_its_epoch_before_it_or_after() -> None:
    pieces = [(0, {"lr": 1.0}), (9, {GOAL: 5.0}), (9, {"loss": 4.0}), (12, {"lr": 2.0})]
    pieces += [(20, {GOAL: 3.0}), (20, {"loss": 2.0})]
    wanted = [{"lr": 1, GOAL: 5, "loss": 4}, {"lr": 2, GOAL: 3, "loss": 2}]
    assert made(CountedEpochs(GOAL), pieces) == wanted


def test_what_has_no_step_is_of_the_next_objective() -> None:
    pieces = [(0, {GOAL: 5.0}), (None, {"loss": 4.0}), (1, {GOAL: 3.0}), (None, {"loss": 2.0})]
    assert made(CountedEpochs(GOAL), pieces) == [{GOAL: 5}, {"loss": 4, GOAL: 3}]


def test_a_file_of_a_metric_that_runs_ahead_changes_no_epoch() -> None:
    ahead = [(step, {"loss": float(step)}) for step in range(4)]
    pieces = [*ahead, *((step, {GOAL: 1.0}) for step in range(4))]
    losses = [{"loss": step, GOAL: 1} for step in range(4)]
    assert made(CountedEpochs(GOAL), pieces) == losses


def test_what_comes_after_its_epoch_is_over_is_left_out() -> None:
    pieces = [(0, {GOAL: 1.0}), (5, {GOAL: 1.0}), (0, {"late": 1.0})]
    assert made(CountedEpochs(GOAL), pieces) == [{GOAL: 1}, {GOAL: 1}]


@pytest.mark.parametrize("steps", [(5, 3), (5, 6, 5)])
def test_an_objective_whose_steps_go_back_is_said(steps: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=f"wrote step {steps[-1]} after step"):
        made(CountedEpochs(GOAL), [(step, {GOAL: 1.0}) for step in steps])


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.93", 0.93), ("1e-3", 0.001), ("-2.5E+2", -250), (".5", 0.5), ("5.", 5), ("12", 12),
        ("93.1%", 0.931), ("93.1 %", 0.931), (" 0.5,", 0.5), ("inf", math.inf), ("-Inf", -math.inf),
        ("+infinity", math.inf),
    ],
)  # fmt: skip
def test_numbers_are_read_as_programs_write_them(text: str, number: float) -> None:
    assert number_of(text, "x") == pytest.approx(number)


def test_nan_is_a_number_and_words_are_none() -> None:
    assert math.isnan(number_of("nan", "x")) and math.isnan(number_of("-NaN", "x"))
    for text in ("", "high", "0,93", "0.9.1", "nano", "1e", "--", "0x10"):
        with pytest.raises(UserError, match="as val/loss, which is no number"):
            number_of(text, "val/loss")
