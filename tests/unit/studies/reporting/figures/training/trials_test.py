"""One trial: its curves by name, and what it is compared with."""

from studies.reporting.figures.training.trials import (
    curve_names,
    curves_info,
    defaults_of,
    study_file,
)
from tests.support.made import spec_of, trial
from tests.support.states import states

SPEC = spec_of()
STATES = states()


def test_a_trial_is_compared_with_the_defaults_of_its_own_search_and_kept_on_its_split() -> None:
    results = STATES["arms"]
    third = next(t for t in results.search if (t.arm, t.repeat, t.number) == ("adam", 3, 0))
    assert (found := defaults_of(results, third)) and found.repeat == 3
    assert "split_seed: 1003" in study_file("made", third)


def test_metrics_are_drawn_by_name_however_their_part_is_written() -> None:
    curves = {
        "train/loss": {1: 0.5, 2: 0.4},
        "val_loss": {1: 0.6, 2: 0.5},
        "val_acc": {1: 0.7},
        "drift": {1: 3.0},
        "optim/lr": {1: 0.1},
    }
    assert curve_names([curves]) == ["loss", "acc", "drift", "optim/lr"]
    info = curves_info("loss", [(trial(SPEC, "sgd", 0, 0.9), curves)])
    assert list(zip(info.data["part"], info.data["value"], strict=True)) == [
        ("training", 0.5), ("training", 0.4), ("validation", 0.6), ("validation", 0.5),
    ]  # fmt: skip
    (drift,) = curves_info("drift", [(trial(SPEC, "sgd", 0, 0.9), curves)]).data["part"]
    assert drift == "logged"
