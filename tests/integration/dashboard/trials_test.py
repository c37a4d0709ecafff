"""The pages of trials, on the records of a study whose high learning rates diverge."""

import math
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from unittest import mock

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from studies import results
from studies.cli import main
from studies.engines import Task
from studies.engines.inline import InlineEngine
from studies.home import Home
from studies.records import EpochReport, Outcome, TrialEnd
from studies.results import StudyResults
from studies.results.ranking import in_order

APP = str(Path(find_spec("dashboard").origin).with_name("app.py"))  # type: ignore[union-attr, arg-type]
HOSTILE = "<b>*x* $a$"
FAILING = f"""
study: failing
data: iris
model: {{name: mlp, hidden: [4]}}
optimizer:
  - {{name: sgd, lr: {{min: 1e-3, max: 100.0, log: true}}}}
  - {{name: adam, label: "{HOSTILE}", lr: {{min: 1e-4, max: 1e-1, log: true}}}}
trainer: {{epochs: 3}}
search: {{method: random, trials: 8, repeats: 2}}
compare: {{factor: optimizer, claim: arms}}
"""
PLAIN = """
study: plain
data: diabetes
model: {name: mlp, hidden: [4]}
optimizer: {name: sgd, lr: {min: 1e-3, max: 0.2, log: true}}
trainer: {epochs: 3}
objective: {metric: val/rmse}
search: {method: random, trials: 3}
"""
LOST = FAILING.replace("failing", "lost").replace("1e-3, max: 100.0", "1.0, max: 100.0")
LOST = LOST.replace("1e-4, max: 1e-1", "1.0, max: 100.0")
EPOCHS = 3
WORKS = 0.5
"""Learning rates above this diverge."""


class Inline(InlineEngine):
    """One slot, in this process."""

    def start(self) -> None: ...


def perform(task: Task, ask: Callable[[EpochReport], bool]) -> TrialEnd:
    """A training whose accuracy and error follow the learning rate alone."""
    rate = float(task.configuration.optimizer.parameters["lr"])
    if rate > WORKS:
        return TrialEnd(Outcome.diverged, "the training loss is no longer finite at step 1")
    best = {"val/accuracy": 0.9 + 0.1 * math.log10(rate), "val/loss": 1.0, "val/rmse": 1 / rate}
    for epoch in range(1, EPOCHS + 1):
        ask(EpochReport(epoch, best))
    return TrialEnd(Outcome.completed, epochs=EPOCHS, best_epoch=2, best=best)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a study some of whose trials fail, one without arms, and one that lost all."""
    folder = tmp_path_factory.mktemp("trials")
    place = folder / "home"
    with (
        mock.patch("studies.running.run_study.LocalEngine", lambda *_: Inline(perform)),
        mock.patch("studies.running.run_study.Mirroring"),  # pages read records alone
    ):
        for number, text in enumerate((FAILING, PLAIN, LOST)):
            file = folder / f"{number}.yaml"
            file.write_text(text)
            main(["run", str(file), "--home", str(place), "--quiet"])
    return Home.at(place)


@pytest.fixture(autouse=True)
def dashboard_home(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The home is the dashboard's; AppTest makes the app the main module."""
    monkeypatch.setenv("FAIRTUNE_HOME", str(home.path))
    before = sys.modules["__main__"]
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()
    sys.modules["__main__"] = before


@pytest.fixture
def failing(home: Home) -> StudyResults:
    return results.load_results(home, "failing")


def opened(view: str, study: str = "failing", **address: object) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=60).run()
    app.query_params["study"] = study
    for name, value in address.items():
        app.query_params[name] = value
    app.switch_page(f"views/{view}.py").run()
    assert (list(app.exception), list(app.error if view != "trial" else ())) == ([], [])
    return app


def table(app: AppTest, column: str) -> pd.DataFrame:
    """The first table that has a column."""
    return next(each.value for each in app.dataframe if column in each.value.columns)


def said(app: AppTest) -> str:
    texts = [
        each.value for kind in ("markdown", "caption", "warning") for each in getattr(app, kind)
    ]
    return "\n".join(texts)


def links(app: AppTest) -> dict[str, str]:
    """The address behind every link, by its label."""
    return {each.proto.label: each.proto.query_string for each in app.get("page_link")}


def worst(study: StudyResults) -> str:
    """The trial with the highest rate."""
    return max(study.search, key=lambda trial: trial.params["optimizer.lr"]).key


# --- the list -------------------------------------------------------------------------------------


def test_trials_are_listed_best_first_in_the_unit_of_their_metric(failing: StudyResults) -> None:
    app = opened("trials")
    listed = table(app, "curve")
    assert list(listed.columns)[:5] == ["outcome", "trial", "arm", "value", "curve"]
    assert list(listed["trial"]) == [t.key for t in in_order(failing.trials, failing.spec)]
    values = listed["value"].dropna()
    assert list(values) == sorted(values, reverse=True)
    assert values.iloc[0] == pytest.approx(100 * failing.ranking[0].value)  # type: ignore[operator]
    assert listed["outcome"].iloc[0] == "✓ completed"
    assert listed["outcome"].iloc[-1] == "✕ diverged"
    assert len(listed["curve"].iloc[0]) == 3


def test_of_an_error_the_smallest_comes_first_and_there_is_no_group() -> None:
    app = opened("trials", "plain")
    listed = table(app, "curve")
    assert list(listed["value"]) == sorted(listed["value"])
    assert "arm" not in listed.columns
    assert not [each for each in app.get("button_group") if each.proto.label == "Group"]


def test_filters_of_the_address_are_those_of_the_list() -> None:
    listed = table(opened("trials", arm="sgd", phase="search", repeat="2"), "curve")
    assert set(listed["arm"]) == {"sgd"}
    assert set(listed["phase"]) == {"search"}
    assert set(listed["repeat"]) == {2}


def test_groups_are_counted_and_described_without_a_verdict(failing: StudyResults) -> None:
    app = opened("trials", group="arm")
    groups = table(app, "interval").set_index("group")
    assert list(groups.index) == ["sgd", HOSTILE]
    for arm in groups.index:
        of_arm = [trial for trial in failing.trials if trial.arm == arm]
        done = [trial.value for trial in failing.ranked(of_arm)]
        lost = [trial for trial in of_arm if trial.outcome == Outcome.diverged]
        row = groups.loc[arm]
        assert (row["trials"], row["completed"], row["failed"]) == tuple(
            map(len, (of_arm, done, lost))
        )
        assert row["mean"] == pytest.approx(100 * sum(map(float, done)) / len(done))  # type: ignore[arg-type]
    assert "no verdict" in said(app)
    by_repeat = table(opened("trials", group="repeat", repeat="2"), "interval")
    assert list(by_repeat["group"]) == ["1", "2"]


def test_chosen_columns_are_in_the_address_and_stay_on_other_studies() -> None:
    app = opened("trials")
    usual = list(table(app, "trial").columns)
    app.multiselect(key="columns").set_value(["trial", "value"]).run()
    assert app.query_params["column"] == ["trial", "value"]
    assert list(table(app, "trial").columns) == ["outcome", "trial", "value"]
    app.switch_page("views/data.py").run()
    app.query_params["study"] = "plain"
    app.switch_page("views/trials.py").run()
    assert list(table(app, "trial").columns) == ["outcome", "trial", "value"]
    app.query_params["study"] = "failing"
    app.switch_page("views/trials.py").run()
    next(button for button in app.button if button.label == "Usual columns").click().run()
    assert list(table(app, "trial").columns) == usual
    assert "column" not in app.query_params


# --- the comparison -------------------------------------------------------------------------------


def test_picked_trials_are_compared_from_their_address_alone(failing: StudyResults) -> None:
    best, second, *_ = [trial.key for trial in failing.ranking]
    app = opened("trials", picked=[second, best])
    assert "Comparison of 2 trials" in [each.value for each in app.subheader]
    compared = table(app, best).set_index("")
    assert list(compared.columns) == [best, second]  # the best first
    assert {"val/accuracy", "optimizer.lr"} <= set(compared.index)
    assert "model.name" not in compared.index
    app.toggle(key="only").set_value(False).run()
    assert "model.name" in table(app, best)[""].to_list()
    next(button for button in app.button if button.label == "Clear").click().run()
    assert "picked" not in app.query_params
    assert not any(each.value.startswith("Comparison") for each in app.subheader)


def test_one_picked_trial_can_be_opened_and_one_that_is_not_there_is_named(
    failing: StudyResults,
) -> None:
    best = failing.ranking[0].key
    app = opened("trials", picked=[best, "*gone*"])
    assert f"study=failing&trial={best}" in links(app).values()
    assert r"names the trial \*gone\*, which is not there" in said(app)
    assert "Tick another trial" in said(app)


# --- failures -------------------------------------------------------------------------------------


def test_a_cause_of_failure_is_told_and_its_trials_can_be_listed(failing: StudyResults) -> None:
    app = opened("trials")
    searched = [trial for trial in failing.search if trial.arm == "sgd"]
    lost = [trial for trial in searched if trial.outcome == Outcome.diverged]
    assert f"**sgd: {len(lost)} of {len(searched)} diverged; all had optimizer.lr " in said(app)
    assert f"study=failing&trial={lost[0].key}" in links(app).values()
    next(button for button in app.button if button.label == "List all diverged").click().run()
    listed = table(app, "curve")
    assert sorted(listed["trial"]) == sorted(trial.key for trial in lost)
    assert app.query_params["arm"] in ("sgd", ["sgd"])


def test_where_no_trial_failed_nothing_is_said_of_failures() -> None:
    app = opened("trials", "plain")
    assert "Why trials failed" not in [each.value for each in app.subheader]


@pytest.mark.parametrize("view", ["trials", "answer"])
def test_a_study_that_lost_everything_says_why(view: str) -> None:
    app = opened(view, "lost")
    assert "Why trials failed" in [each.value for each in app.subheader]
    assert "16 of 16 diverged" in said(app)


# --- one trial and the data -----------------------------------------------------------------------


def test_a_trial_that_diverged_says_how_far_it_is_beyond_what_works(failing: StudyResults) -> None:
    key, best = worst(failing), failing.ranking[0].key
    app = opened("trial", trial=key)
    text = said(app)
    assert "times above the largest that worked" in text
    assert "Like this one: " in text
    found = links(app)
    assert found["Compare with the best"] == f"study=failing&picked={key}&picked={best}"
    assert found["List all diverged"] == "study=failing&phase=search&outcome=diverged&arm=sgd"
    assert any("study: failing-" in code.value for code in app.code)  # to copy
    assert [each.value for each in app.metric] == ["diverged"]


def test_a_run_on_a_fresh_seed_and_its_search_trial_lead_to_each_other(
    failing: StudyResults,
) -> None:
    fresh = next(trial for trial in failing.trials if trial.phase == "confirm")
    source = next(trial for trial in failing.search if trial.config_hash == fresh.config_hash)
    assert f"study=failing&trial={source.key}" in links(opened("trial", trial=fresh.key)).values()
    assert f"study=failing&trial={fresh.key}" in links(opened("trial", trial=source.key)).values()


def test_the_best_trial_is_compared_with_none(failing: StudyResults) -> None:
    app = opened("trial", trial=failing.ranking[0].key)
    assert "Compare with the best" not in links(app)
    assert [each.label for each in app.metric] == ["val/accuracy"]


def test_the_data_page_has_the_study_file_and_what_it_ran_on(failing: StudyResults) -> None:
    app = opened("data")
    assert failing.spec.text.strip() in [code.value for code in app.code]
    packages = table(app, "package")
    assert dict(zip(packages["package"], packages["version"], strict=True)) == failing.versions
    downloads = [each.proto.label for each in app.get("download_button")]
    assert downloads == ["The study file", "The study's report"]
