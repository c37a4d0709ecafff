"""An interval is told from its smaller to its larger bound, whichever arm wins."""

import re
from dataclasses import replace

import pytest

from studies.analysis import compare
from studies.sentences.comparison_json import as_json
from studies.sentences.verdict_sentences import summary
from tests.support.arms_made import TWO_ARMS, arms_study
from tests.support.made import OPTIMIZERS, confirmed, searched, spec_of, study

TWO = OPTIMIZERS.replace("  - {name: momentum, lr: {min: 1e-3, max: 1.0, log: true}}\n", "")
INTERVAL = re.compile(r"interval (-?[\d.]+)(?: points?)? to (-?[\d.]+)")
HIGH = [0.95 + 0.001 * (i % 3) for i in range(9)]
LOW = [value - 0.03 - 0.002 * (i % 2) for i, value in enumerate(HIGH)]


def bounds(said: str) -> tuple[float, float]:
    found = INTERVAL.search(said)
    assert found, said
    return float(found[1]), float(found[2])


@pytest.mark.parametrize("metric", ["val/accuracy", "val/loss"])
@pytest.mark.parametrize(("better", "worse"), [("sgd", "adam"), ("adam", "sgd")])
def test_the_interval_between_configurations_rises_whichever_wins_and_where_less_is_better(
    better: str, worse: str, metric: str
) -> None:
    spec = spec_of(TWO)
    trials = searched(spec, {"sgd": 0.95, "adam": 0.95})
    trials += confirmed(spec, better, HIGH) + confirmed(spec, worse, LOW)
    (said, *_) = summary(compare(study(spec, trials), metric))
    by = {"val/accuracy": "3.09 points", "val/loss": "0.0309"}[metric]
    assert f"found for {better} beats the one found for {worse} by {by}" in said
    low, high = bounds(said)
    assert 0 < low < float(by.split()[0]) < high


@pytest.mark.parametrize("better", ["sgd", "adam"])
def test_the_interval_between_arms_rises_whichever_wins_and_where_less_is_better(
    better: str,
) -> None:
    worse = {"sgd": "adam", "adam": "sgd"}[better]
    losses = [0.30, 0.32, 0.29, 0.33, 0.31, 0.30]
    higher = [value + 0.1 + 0.01 * (i % 2) for i, value in enumerate(losses)]
    text = TWO_ARMS.replace("val/accuracy", "val/loss")
    for scale in ("scale: raw", "scale: log"):
        changed = text.replace("val/loss}", f"val/loss, {scale}}}")
        (said, *_) = summary(compare(arms_study({better: losses, worse: higher}, changed)))
        assert said.startswith(f"{better} beats {worse} when each is tuned")
        low, high = bounds(said)
        assert 0 < low < high


def test_devices_that_differ_between_the_arms_are_said_after_the_verdict() -> None:
    spec = spec_of(TWO)
    trials = [replace(trial, device="H200") for trial in searched(spec, {"sgd": 0.9, "adam": 0.9})]
    trials += [replace(trial, device="H200") for trial in confirmed(spec, "sgd", HIGH)]
    same = [replace(trial, device="H200") for trial in confirmed(spec, "adam", LOW)]
    other = [replace(trial, device="A100") for trial in same]
    assert "device" not in " ".join(summary(compare(study(spec, trials + same))))
    compared = compare(study(spec, trials + other))
    assert "and the arms of 9 seeds on different ones" in summary(compared)[-1]
    told = as_json(compared, {})
    assert told["seeds_on_several_devices"] == 9 and told["devices"]["A100"] == {"adam": 9}
