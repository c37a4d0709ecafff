"""Learning rates as planned and as logged."""

from dataclasses import replace

import pytest

from lightning_modules.errors import UserError
from studies.records import Trial
from studies.reporting.figures.training.rates import planned, rates_info, rates_of
from studies.results import StudyResults
from tests.support.made import spec_of, study
from tests.support.states import SCHEDULES, trials_of


def test_a_plan_is_in_shares_of_the_rate_and_begins_at_epoch_one() -> None:
    step = planned("step", {"name": "step", "step_size": 1, "gamma": 0.5}, epochs=2, lr=0.1)
    info = rates_info([step], ["step"])
    first, second = info.data.iloc[0], info.data.iloc[-1]
    assert (first["epoch"], first["share"]) == (1.0, 1.0)
    assert (second["share"], second["rate"]) == (0.5, 0.05)
    assert len(info.data) == 40
    assert len(planned("long", {"name": "cosine"}, epochs=1000).planned) == 2000


def test_on_a_logarithmic_axis_what_is_zero_is_left_out() -> None:
    line = planned("line", {"name": "linear"}, epochs=2)
    assert rates_info([line], ["line"], log=True).data["rate"].min() > 0


def test_a_wrong_parameter_is_said() -> None:
    with pytest.raises(UserError, match="did you mean gamma"):
        planned("step", {"name": "step", "gama": 1}, epochs=2)


def _plateau() -> tuple[StudyResults, Trial]:
    spec = spec_of(SCHEDULES)
    results = study(spec, trials_of(spec))
    return results, next(t for t in results.trials if t.arm == "plateau")


def test_plateau_is_planned_from_what_the_training_reached() -> None:
    results, trial_ = _plateau()
    patience = trial_.configuration["schedule"]["patience"]
    never = {epoch: 0.5 for epoch in range(1, 5)}
    found = rates_of(results, replace(trial_, curve=never), {1: 0.3})
    steps = len(found.planned) // 4
    shares = [rate / found.lr for rate in found.planned[::steps]]
    drops = [1.0, 1.0, 0.1, 0.01] if patience == 0 else [1.0, 1.0, 1.0, 0.1]
    assert shares == pytest.approx(drops)
    assert found.logged == {1: 0.3}
