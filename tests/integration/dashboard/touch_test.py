"""Picked trials and brushed ranges, as the address tells them."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from studies import results
from studies.analysis import StudyEntry, overview
from studies.home import Home
from tests.support.states import states

APP = str(Path(find_spec("dashboard").origin).with_name("app.py"))  # type: ignore[union-attr, arg-type]
STUDY = states()["finished"]
COUNT = len(STUDY.search)


@pytest.fixture(autouse=True)
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The study is in the dashboard's home without being written there."""
    main = sys.modules["__main__"]
    study = replace(STUDY, home=Home.at(tmp_path / "home"))
    listed = [StudyEntry(study.study, study.spec.factors, datetime(2026, 1, 1), "token")]
    monkeypatch.setenv("FAIRTUNE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(results, "exists", lambda _: True)
    monkeypatch.setattr(overview, "study_entries", lambda _: listed)
    monkeypatch.setattr(results, "load_results", lambda *_: study)
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()
    sys.modules["__main__"] = main


def opened(view: str, **address: str | list[str]) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params["study"] = STUDY.study
    for name, value in address.items():
        app.query_params[name] = value
    app.switch_page(f"views/{view}.py").run()
    assert not app.exception and not app.error
    return app


def said(app: AppTest) -> str:
    return "\n".join(each.value for kind in (app.markdown, app.caption) for each in kind)


def test_a_range_filters_figures_and_one_button_shows_all() -> None:
    rates = sorted(trial.params["optimizer.lr"] for trial in STUDY.search)
    middle = rates[len(rates) // 2]
    inside = sum(trial.params["optimizer.lr"] <= middle for trial in STUDY.search)
    app = opened("parameters", within=f"optimizer.lr:0:{middle}")
    assert 0 < inside < COUNT
    assert f"{inside} of {COUNT} trials within optimizer.lr 0 to " in said(app)
    app.button(key="show all trials").click().run()
    assert f"All {COUNT} trials" in said(app)
    assert "within" not in app.query_params


@pytest.mark.parametrize(
    "text",
    ["nonsense", "optimizer.lr:nan:1", "optimizer.lr:0:1e999", "<script>alert(1)</script>:0:1"],
)
def test_a_range_that_makes_no_sense_is_ignored_with_a_sentence(text: str) -> None:
    app = opened("parameters", within=text)
    assert "The address has a range that this study does not know. It is ignored." in said(app)
    assert f"All {COUNT} trials" in said(app)


def test_picked_trials_stand_in_the_sidebar() -> None:
    first, second = (trial.key for trial in STUDY.search[:2])
    app = opened("timeline", picked=[first])
    assert [each.value for each in app.sidebar.subheader] == ["Picked trials"]
    assert app.sidebar.dataframe[0].value["is"].iloc[1] == "completed"
    app = opened("timeline", picked=[first, second, "<b>nobody</b>"])
    assert list(app.sidebar.dataframe[0].value["trial"]) == [first, second]
    assert "This study does not have 1 trial of the address." in said(app)
    app.button(key="clear picked trials").click().run()
    assert not app.sidebar.subheader
