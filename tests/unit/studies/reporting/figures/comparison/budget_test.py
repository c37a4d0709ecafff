"""What more would show, and where the uncertainty comes from: the numbers of the two figures."""

import pytest

from studies.analysis import compare
from studies.analysis.budget_options import budget_options
from studies.analysis.variance_sources import variance_sources
from studies.reporting.figures.comparison.budget import budget_info, draw_budget
from studies.reporting.figures.comparison.sources import draw_sources, sources_info
from tests.support.states import states

STATES = states()


def test_every_option_is_a_point_in_the_unit_of_the_metric_and_today_is_marked() -> None:
    results = STATES["arms"]
    comparison = compare(results)
    options, info = budget_options(results, comparison), budget_info(results, comparison)
    assert info.unit == "points"
    assert list(info.data["gap"]) == pytest.approx([100 * option.gap for option in options])
    assert list(info.data["command"]) == [option.command for option in options]
    assert list(info.data.loc[info.data["today"], "repeats"]) == [results.spec.repeats]
    assert info.data["time"].iloc[0] == "today"
    assert all(time.startswith("+ ") for time in info.data["time"][1:])
    assert len(draw_budget(info).to_dict(validate=False)["layer"]) == 4


def test_differences_of_losses_are_percent() -> None:
    results = STATES["arms by losses"]
    info = budget_info(results, compare(results))
    assert info.unit == "%"
    for written, number in zip(info.data["shown"], info.data["gap"], strict=True):
        assert float(written.partition(" ")[0]) == pytest.approx(number, rel=0.01)


def test_the_parts_of_the_variance_add_up_and_are_those_of_the_sentences() -> None:
    results = STATES["arms"]
    comparison = compare(results)
    found = variance_sources(results, comparison)
    assert found is not None and found.crossed is not None and found.crossed.parts is not None
    parts, info = found.crossed.parts, sources_info(results, comparison)
    variances = [parts.sd_split**2, parts.sd_configuration**2, parts.residual**2]
    assert list(info.data["share"]) == pytest.approx([v / sum(variances) for v in variances])
    assert info.parts == tuple(info.data["part"])
    draw_sources(info).to_dict()


@pytest.mark.parametrize("name", STATES)
def test_a_study_in_any_state_has_shares_of_one_or_no_figure(name: str) -> None:
    results = STATES[name]
    comparison = compare(results)
    info = sources_info(results, comparison)
    assert info.empty or info.data["share"].sum() == pytest.approx(1)
    if variance_sources(results, comparison) is None:
        assert info.empty
        assert budget_info(results, comparison).empty
