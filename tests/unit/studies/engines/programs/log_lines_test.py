"""Metrics from the lines of a log."""

from __future__ import annotations

import math

import pytest

from lightning_modules.errors import UserError
from studies.engines.programs import log_lines
from studies.engines.programs.log_lines import LogLines
from studies.engines.programs.written_epochs import Written

PATTERNS = {
    "epoch": r"[Ee]poch (\d+)",
    "val/accuracy": r"val_acc[:=] *([\d.]+)",
    "train/loss": r"\bloss[:=] *([\d.]+)",
}


def heard(line: str, **patterns: str) -> list[Written]:
    return list(LogLines(patterns or PATTERNS).heard(line))


def value(text: str, pattern: str = r"val_acc[:=] *([\d.]+)") -> float:
    (written,) = heard(text, value=pattern)
    return written.metrics["value"]


def test_a_line_may_hold_several_metrics_and_its_epoch() -> None:
    line = "Epoch 3/10  12s  loss: 0.25 - val_acc: 0.9312"
    assert heard(line) == [Written({"train/loss": 0.25, "val/accuracy": 0.9312}, 3)]
    assert heard("Epoch 0") == [Written({}, 0)]
    assert heard("loss=2") == [Written({"train/loss": 2})]
    assert heard("saving the model") == heard("val_acc: ?") == []


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1e-3", 0.001), ("2.5E+1", 25), ("93.1%", 0.931), ("nan", math.nan), ("inf", math.inf),
        ("-0.5", -0.5), ("0.5.", 0.5), ("0.5, next", 0.5), ("80ms", 80), ("-inf", -math.inf),
    ],
)  # fmt: skip
def test_a_group_of_digits_reads_the_whole_number(written: str, number: float) -> None:
    """`[\\d.]+` alone would find 1 in 1e-3, and nothing in nan."""
    assert value(f"val_acc: {written}") == pytest.approx(number, nan_ok=True)


@pytest.mark.parametrize("group", [r"(\S+)", r"([0-9.]+)", r"(\d+\.?\d*)", r"([-+\d.e]+)", "(.*)"])
def test_groups_of_all_kinds_read_the_same(group: str) -> None:
    assert value("val_acc: 1.5e-3", "val_acc: " + group) == 0.0015


def test_what_stands_around_a_number_stays_as_it_was_meant() -> None:
    assert value("Accuracy: 9876/10000 (99%)", r"\((\d+)%\)") == 99
    assert value("took 12s", r"took (\d+)s") == 12
    assert value("f(7) is 3", r"f\(\d+\) is (\d+)") == 3


def test_colours_are_no_part_of_a_line() -> None:
    assert value("\x1b[32mval_acc\x1b[0m: \x1b[1;31m0.93\x1b[0m") == 0.93


def test_of_a_very_long_line_the_beginning_is_read() -> None:
    assert value("val_acc: 0.5 " + "x" * 10**6) == 0.5
    assert heard("x" * 10**6 + " val_acc: 0.5") == []


@pytest.mark.parametrize("written", ["0,93", "1,234.5", "1,234"])
@pytest.mark.parametrize("group", [r"([\d.]+)", r"(\S+)", r"([\d.,]+)", r"(\d+)"])
def test_a_number_with_a_comma_is_not_read_in_part(written: str, group: str) -> None:
    with pytest.raises(UserError, match="as value"):
        value(f"val_acc: {written} (best)", "val_acc: " + group)


def test_numbers_in_a_list_are_read_by_themselves() -> None:
    assert value("val_acc: 0.5,0.6") == 0.5
    assert value("val_acc: 0.5, next") == 0.5


@pytest.mark.parametrize(
    ("line", "patterns"),
    [
        ("test acc: 0.1", {"val/accuracy": r"acc: ([\d.]+)", "test/accuracy": r"test acc: (\S+)"}),
        ("val_loss: 2", {"train/loss": r"loss: ([\d.]+)", "val/loss": r"val_loss: (.*)"}),
    ],
)
def test_a_number_is_of_one_metric(line: str, patterns: dict[str, str]) -> None:
    """Else the loss of the test part would be one of validation, and choose."""
    with pytest.raises(UserError, match=r"both read [0-9.]+ in the line"):
        heard(line, **patterns)
    exact = {name: "^" + pattern for name, pattern in patterns.items()}
    assert len(heard(line, **exact)[0].metrics) == 1


def test_what_is_no_number_is_said_with_its_metric() -> None:
    with pytest.raises(UserError, match="wrote 'high' as value, which is no number"):
        value("val_acc: high", r"val_acc: (\S+)")


def test_a_pattern_that_would_take_years_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The processor's time is limited, which a busy machine does not use up."""
    monkeypatch.setattr(log_lines, "SECONDS", 0.05)
    with pytest.raises(UserError, match=r"metrics\.patterns: took more than 0\.05 s for the lin"):
        value("a" * 60 + "!", r"(a+)+$")
    assert value("val_acc: 1") == 1
