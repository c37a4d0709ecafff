"""The dashboard's pages in every state of a study, and who may talk to its server."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import data, rendering
from dashboard.page import preparing, selectors
from dashboard.page.messages import escape
from lightning_modules.data.preparation.summary import summarize
from studies import results
from studies.analysis import StudyEntry, overview
from studies.cli import main
from studies.home import Home
from studies.records import Outcome
from studies.reporting.figures.common import Picture
from studies.results import StudyResults
from studies.servers.running_ui import Answer
from tests.support.accounts import FAIRTUNE
from tests.support.states import NAMES, annotated, states

VIEWS = ("overview", "answer", "parameters", "trials", "trainings", "timeline", "data", "trial")
VIEWS += ("optimizers", "schedules", "regularization", "compare")
APP = str(Path(find_spec("dashboard").origin).with_name("app.py"))  # type: ignore[union-attr, arg-type]
STATES = states()
Shows = Callable[[StudyResults], None]


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """AppTest makes the app the main module, which every new worker process would then run."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The dashboard's home, which nobody has made yet."""
    monkeypatch.setenv("FAIRTUNE_HOME", str(tmp_path / "home"))
    st.cache_resource.clear()
    yield tmp_path / "home"
    st.cache_resource.clear()


@pytest.fixture(autouse=True)
def valid_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every picture is valid Vega-Lite, which pages do not check again."""
    draw = rendering.vega_lite

    def validated(picture: Picture) -> dict[str, Any]:
        picture.to_dict()
        return draw(picture)

    monkeypatch.setattr(rendering, "vega_lite", validated)


@pytest.fixture
def shows(home: Path, monkeypatch: pytest.MonkeyPatch) -> Shows:
    """Puts one study into the dashboard's home without writing it there."""

    def show(study: StudyResults) -> None:
        study = replace(study, home=Home.at(home))
        listed = [StudyEntry(study.study, study.spec.factors, datetime(2026, 1, 1), "token")]
        monkeypatch.setattr(results, "exists", lambda _: True)
        monkeypatch.setattr(overview, "study_entries", lambda _: listed)
        monkeypatch.setattr(results, "load_results", lambda *_: study)
        monkeypatch.setattr(data, "histories", lambda *_: {})

    return show


def opened(*views: str) -> AppTest:
    """The dashboard after a visit of some pages."""
    app = AppTest.from_file(APP, default_timeout=60).run()
    for view in views:
        app.switch_page(f"views/{view}.py").run()
    return app


def each_page() -> Iterator[tuple[str, AppTest]]:
    """Every page, opened one after another."""
    app = AppTest.from_file(APP, default_timeout=60)
    for view in VIEWS:
        yield view, app.switch_page(f"views/{view}.py").run() if view != "overview" else app.run()


def texts(app: AppTest) -> list[str]:
    """Everything on the page that went through Markdown."""
    kinds = ("markdown", "caption", "info", "warning", "error", "subheader", "header", "title")
    return [element.value for kind in kinds for element in getattr(app, kind)]


def all_of(app: AppTest) -> str:
    return " ".join([*texts(app), *(table.value.to_string() for table in app.dataframe)])


# --- every page in every state --------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_every_page_says_something_in_every_state(state: str, shows: Shows) -> None:
    shows(STATES[state])
    for view, app in each_page():
        assert (view, [error.message for error in app.exception]) == (view, [])
        assert (view, [error.value for error in app.error]) == (view, [])
        assert len(all_of(app)) > 40, view


def test_a_home_without_studies_says_what_to_run_first(home: Path) -> None:
    for _ in ("no folder", "an empty folder"):
        for view, app in each_page():
            assert (view, [error.message for error in app.exception]) == (view, [])
            assert not app.error
            assert "yet. Start one in a terminal" in app.info[0].value
            assert app.code[0].value.startswith("fairtune run ")
        home.mkdir(exist_ok=True)


def test_a_broken_record_is_one_sentence(home: Path) -> None:
    record = Home.at(home).record("broken")
    record.parent.mkdir(parents=True)
    record.write_bytes(b"no database at all")
    for view, app in each_page():
        assert (view, [error.message for error in app.exception]) == (view, [])
        if view == "overview":
            (warning,) = app.warning
            assert warning.value.startswith("broken: ")
            assert "to start the study anew" in warning.value


def test_what_a_person_wrote_is_shown_as_text(shows: Shows) -> None:
    shows(STATES["hostile"])
    for view, app in each_page():
        for text in texts(app):
            assert not re.search(r"(?<!\\)<", text), view
            assert "**bold**" not in text, view
            assert "[x](" not in text, view
            assert not re.search(r"(?<!\\)\$a", text), view
            assert ":smile:" not in text, view
        assert not any(element.allow_html for element in app.markdown), view
        if view in ("overview", "optimizers", "compare", "trials"):
            assert NAMES[0] in all_of(app).replace("\\", ""), view


# --- what single pages say ------------------------------------------------------------------------


def test_the_overview_has_a_row_for_a_study_and_finds_it(shows: Shows) -> None:
    shows(STATES["finished"])
    app = opened()
    (question,) = app.get("page_link")
    found = question.proto.label, question.proto.page, question.proto.query_string
    assert found == ("made", "optimizers", "study=made")
    said = all_of(app)
    assert "The configuration found for adam is better than every other one" in said
    # 0.52 + 0.002 × the mean of 1 to 9
    assert "the configuration found for adam; expect val/accuracy 53.00 % (" in said
    assert "made · 39 completed trials · " in said
    assert ":blue-badge[finished]" in said
    app.text_input[0].set_value("ADAM random").run()
    assert not app.get("page_link")
    app.text_input[0].set_value("ADAM val/accuracy").run()
    assert app.query_params["find"] == "ADAM val/accuracy"
    assert len(app.get("page_link")) == 1


def named(found: StudyResults, home: Home, study: str) -> StudyResults:
    """The same results under another name."""
    return replace(found, home=home, spec=replace(found.spec, study=study))


def test_the_overview_begins_with_what_runs_and_shows_more_when_asked(
    shows: Shows, monkeypatch: pytest.MonkeyPatch
) -> None:
    shows(STATES["running"])
    (made,) = overview.study_entries(Home.at(Path()))
    many = [replace(made, study=f"study-{number:02}") for number in range(12)]
    monkeypatch.setattr(overview, "study_entries", lambda _: many)
    monkeypatch.setattr(
        results, "load_results", lambda home, study: named(STATES["running"], home, study)
    )
    driven = {"study-11": "process 1 on another machine"}
    monkeypatch.setattr(Home, "driver", lambda _, study: driven.get(study))
    app = opened()
    links = [each.proto.query_string for each in app.get("page_link")]
    assert links == ["study=study-11", *(f"study=study-{number:02}" for number in range(9))]
    badges = [text for text in texts(app) if "-badge[" in text]
    assert badges == [":green-badge[running]", *[":orange-badge[interrupted]"] * 9]
    assert app.get("progress")[0].proto.text == "15% of the budget"
    commands = [code.value for code in app.code]
    assert len(commands) == 9 and all(each.startswith("fairtune run ") for each in commands)
    app.button[0].click().run()
    assert len(app.get("page_link")) == 12
    assert app.query_params["shown"] == "20"


@pytest.mark.parametrize(
    ("factor", "view"),
    [("finished", "optimizers"), ("schedules", "schedules"), ("regularization", "regularization")],
)
def test_the_page_of_a_factor_states_the_verdict(factor: str, view: str, shows: Shows) -> None:
    shows(STATES[factor])
    app = opened(view)
    best = STATES[factor].arms[-1]
    said = f"#### The configuration found for {best} is better than every other one; the one found"
    assert any(text.startswith(said.replace("_", r"\_")) for text in texts(app))
    assert len(app.get("vega_lite_chart")) >= 6


ABOUT_ARMS = re.compile(
    r"\b(adam|momentum|sgd) (beats|wins|leads|outperforms|is better|is worse|is ahead|comes first)"
)


def test_of_one_search_of_each_arm_no_page_says_that_an_arm_is_better(shows: Shows) -> None:
    shows(STATES["finished"])
    for view, app in each_page():
        text = re.sub(r"this does not say that \w+ is better", "", all_of(app))
        text = re.sub(r"found for \w+ (beats|is better)", "", text)
        assert (view, ABOUT_ARMS.findall(text)) == (view, [])
    assert "Pairs of configurations" in texts(opened("compare"))


def test_of_repeated_searches_a_page_says_which_arm_is_better_and_what_to_expect(
    shows: Shows,
) -> None:
    shows(STATES["arms"])
    app = opened("compare")
    said = texts(app)
    sentence = "#### adam is better than every other arm when each is tuned with 4 trials; momentum"
    assert any(text.startswith(sentence) for text in said)
    assert "Arms, by the mean of their winners" in said
    assert "Differences between the arms, by repeat" in said
    assert any("What to expect: test/accuracy" in text for text in said)


def test_without_a_verdict_a_page_says_why(shows: Shows) -> None:
    shows(STATES["arms without a verdict"])
    app = opened("compare")
    assert any(text.startswith("#### No verdict: 2 searches of each arm") for text in texts(app))
    assert ABOUT_ARMS.findall(all_of(app)) == []


def test_searches_are_looked_at_one_by_one(shows: Shows) -> None:
    shows(STATES["arms"])
    app = opened("timeline")
    assert "What every search found" in texts(app)
    app.selectbox(key="search").select("2 of 6").run()
    assert not app.exception
    said = "Single trials are those of search 2 of every arm, on split 1002; "
    assert any(text.startswith(said) for text in texts(app))
    assert any(text.startswith("12 trials of the search, 12 completed") for text in texts(app))


def test_a_trial_tells_its_repeat_and_its_split(shows: Shows) -> None:
    shows(STATES["arms"])
    app = AppTest.from_file(APP, default_timeout=60).run()
    app.query_params["trial"] = "adam-r2-cross-1"
    app.switch_page("views/trial.py").run()
    about = "arm adam, a winner of another repeat on this split, repeat 2 of 6"
    assert any(text.startswith(about) for text in texts(app))


def test_a_trial_tells_what_it_took_of_the_machine(shows: Shows) -> None:
    results = STATES["finished"]
    system = {"system/memory": 812.0, "system/gpu_memory": 3174.4, "system/gpu_utilization": 64.0}
    first, *others = results.trials
    shows(replace(results, trials=[replace(first, system=system), *others]))
    app = AppTest.from_file(APP, default_timeout=60).run()
    words = "peak memory 812 MiB; GPU 3.1 GiB, 64 % busy"
    for key, told in ((first.key, True), (others[0].key, False)):
        app.query_params["trial"] = key
        app.switch_page("views/trial.py").run()
        assert (words in texts(app)) == told


def test_a_selector_of_many_trials_lists_some_and_takes_the_name_of_any(
    shows: Shows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "LISTED", 3)
    shows(STATES["finished"])
    app = opened("trial")
    assert len(app.selectbox(key="trial").options) == 3
    app.query_params["trial"] = "sgd-confirm-8"
    app.run()
    assert "sgd-confirm-8" in [header.value for header in app.header]
    assert app.selectbox(key="trial").value == "sgd-confirm-8"
    app.query_params["trial"] = "gone"
    app.run()
    (error,) = app.error
    assert error.value == (
        "The address of this page names the trial gone, which is not there. Choose another one on "
        "the left."
    )
    assert not app.header  # no other trial is shown in its place
    app.selectbox(key="trial").select("adam-search-1").run()
    assert "adam-search-1" in [header.value for header in app.header]
    assert app.query_params["trial"] == "adam-search-1"


def test_a_loss_can_be_put_on_a_logarithmic_axis_and_a_share_cannot(shows: Shows) -> None:
    shows(STATES["arms by losses"])
    app = opened("timeline")
    assert not any('"type": "log"' in chart.proto.spec for chart in app.get("vega_lite_chart"))
    app.toggle(key="log").set_value(True).run()
    assert not app.exception
    assert any('"type": "log"' in chart.proto.spec for chart in app.get("vega_lite_chart"))
    st.cache_resource.clear()
    shows(STATES["arms"])
    assert not [toggle for toggle in opened("timeline").toggle if toggle.key == "log"]


def test_a_figure_is_drawn_once_until_the_study_changes(
    shows: Shows, monkeypatch: pytest.MonkeyPatch
) -> None:
    shows(STATES["finished"])
    drawn: list[Picture] = []
    draw = rendering.vega_lite

    def counted(picture: Picture) -> dict[str, Any]:
        drawn.append(picture)
        return draw(picture)

    monkeypatch.setattr(rendering, "vega_lite", counted)
    app = opened("compare")
    first = len(drawn)
    assert first >= 6
    app.run()
    assert len(drawn) == first
    assert len(app.get("vega_lite_chart")) == first
    changed = [
        replace(each, token="another token") for each in overview.study_entries(Home.at(Path()))
    ]
    monkeypatch.setattr(overview, "study_entries", lambda _: changed)
    monkeypatch.setattr(overview, "change_token", lambda _: "changed")
    app.run()
    assert len(drawn) == 2 * first


def test_what_was_prepared_is_what_the_first_page_uses(
    shows: Shows, monkeypatch: pytest.MonkeyPatch
) -> None:
    shows(STATES["finished"])
    preparing.PAGE_OPENED.clear()
    loaded: list[str] = []
    monkeypatch.setattr(
        results, "load_results", lambda home, study: loaded.append(study) or STATES["finished"]
    )
    preparing.prepare()
    assert loaded == ["made"]
    assert len(opened("compare").get("vega_lite_chart")) >= 6
    assert loaded == ["made"]
    assert preparing.PAGE_OPENED.is_set()


def test_the_table_of_trials_tells_repeats_and_splits_where_there_are_several(
    shows: Shows,
) -> None:
    shows(STATES["arms"])
    columns = list(opened("trials").dataframe[0].value.columns)
    assert {"repeat", "split"} <= set(columns)
    shows(STATES["finished"])
    st.cache_resource.clear()
    assert "repeat" not in opened("trials").dataframe[0].value.columns


def test_what_the_data_became_is_told_as_text(shows: Shows) -> None:
    parts = {part: [np.zeros((2, 3)), np.array([0, 1])] for part in ("train", "validation", "test")}
    told = summarize("*rows*.csv", parts, 2, ("<b>ill</b>", "well"), warnings=["look *here*"])
    shows(replace(STATES["finished"], data=[told]))
    app = opened("data")
    rows, classes = (
        next(each.value for each in app.dataframe if name in each.value.columns)
        for name in ("part", "class")
    )
    assert list(rows["rows"]) == [2, 2, 2]
    assert list(classes["class"]) == ["<b>ill</b>", "well"]
    assert list(classes["share"]) == [0.5, 0.5]
    assert r"**\*rows\*.csv**" in texts(app)
    assert r"look \*here\*" in [warning.value for warning in app.warning]


def test_an_address_opens_a_study_a_metric_and_arms(shows: Shows) -> None:
    shows(STATES["finished"])
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params.update({"study": "made", "metric": "val/loss", "arm": ["adam", "sgd"]})
    app.run()
    app.switch_page("views/optimizers.py").run()
    assert app.selectbox(key="metric").value == "val/loss"
    assert app.multiselect(key="arm").value == ["sgd", "adam"]
    app.selectbox(key="metric").select("val/accuracy").run()
    assert "metric" not in app.query_params  # the objective, which is meant unless another is named
    app.switch_page("views/compare.py").run()
    assert app.multiselect(key="arm").value == ["sgd", "adam"]


def test_an_address_of_an_unknown_study_says_so(shows: Shows) -> None:
    shows(STATES["finished"])
    app = AppTest.from_file(APP, default_timeout=60).run()
    app.query_params["study"] = "*gone*"
    app.switch_page("views/compare.py").run()
    (error,) = app.error
    assert r"names the study \*gone\*, which is not there. Choose" in error.value
    assert not app.subheader


def test_an_address_of_a_study_that_does_not_compare_a_factor_says_so(
    shows: Shows, monkeypatch: pytest.MonkeyPatch
) -> None:
    shows(STATES["finished"])
    (made,) = overview.study_entries(Home.at(Path()))
    other = replace(made, study="other", factors=("schedule",))
    monkeypatch.setattr(overview, "study_entries", lambda _: [made, other])
    app = AppTest.from_file(APP, default_timeout=60).run()
    app.query_params["study"] = "other"
    app.switch_page("views/optimizers.py").run()
    assert "names the study other, which compares no optimizer. Choose" in app.error[0].value


def test_an_address_of_unknown_arms_and_trials_to_compare_says_so(shows: Shows) -> None:
    shows(STATES["finished"])
    app = opened("trials")
    app.query_params["picked"] = "adam-search-99"
    app.run()
    assert "adam-search-99, which is not there; did you mean adam-search-" in app.warning[0].value
    app = AppTest.from_file(APP, default_timeout=60).run()
    app.query_params["arm"] = ["adam", "gone"]
    app.switch_page("views/compare.py").run()
    assert "names the arms gone, which is not there." in app.warning[0].value
    assert app.multiselect(key="arm").value == ["adam"]


def test_a_page_without_its_factor_says_which_study_has_it(shows: Shows) -> None:
    shows(STATES["finished"])
    app = opened("schedules")
    assert app.code[0].value.startswith("fairtune run schedules --home ")
    assert "Preview" in [header.value for header in app.header]  # needs no study


def test_the_preview_takes_parameters_and_complains_of_wrong_ones(home: Path) -> None:
    app = opened("schedules")
    app.multiselect(key="previewed").set_value(["step"]).run()
    app.number_input(key="step.step_size").set_value(3).run()
    assert app.code[-1].value == "schedule: {name: step, step_size: 3}"
    app.number_input(key="step.step_size").set_value(-3).run()
    assert [error.value for error in app.error] == [
        r"schedule step\_size: must be an integer \>= 1, got -3"
    ]


def test_a_running_study_is_drawn_again_until_it_ends(
    shows: Shows, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shows(STATES["running"])
    runs = ["process 1 on another machine"]
    monkeypatch.setattr(Home, "driver", lambda *_: runs[0] if runs else None)
    app = opened("optimizers")
    assert ":green-badge[running]" in texts(app)
    assert len(app.get("progress")) == 1
    app.switch_page("views/timeline.py").run()
    assert "Tuning curves are drawn when the study has ended: they take seconds." in texts(app)
    app.switch_page("views/optimizers.py").run()
    runs.clear()
    shows(STATES["finished"])
    st.cache_resource.clear()
    app.run()
    assert ":blue-badge[finished]" in texts(app)
    assert not app.get("progress")
    assert not app.exception


@pytest.mark.parametrize(
    ("view", "run"), [("compare", "made"), ("timeline", "made"), ("trial", "made/adam-search-3")]
)
def test_a_page_shows_notes_and_tags_and_the_commands_that_change_them(
    view: str, run: str, shows: Shows, home: Path
) -> None:
    shows(annotated(STATES["finished"]))
    app = opened()
    app.query_params["trial"] = "adam-search-3"
    app = app.switch_page(f"views/{view}.py").run()
    note = escape(NAMES[0])
    assert [text for text in texts(app) if text.startswith(note)]
    assert any(f"seen by = {note}" in text for text in texts(app))
    commands = [code.value for code in app.code if code.value.startswith("fairtune ")]
    assert f"fairtune note {run} 'TEXT' --home {home}" in commands
    assert f"fairtune tag {run} KEY=VALUE --home {home}" in commands


@pytest.mark.parametrize(
    ("answer", "said", "command"),
    [
        (Answer.none, "No MLflow UI answers at `http://127.0.0.1:5000`. This opens one:", ""),
        (Answer.unknown, "is of another home. This opens one of this home:", " --port 5001"),
        (Answer.other, "is no MLflow UI. This opens one beside it:", " --port 5001"),
    ],
)
def test_where_no_mlflow_ui_has_the_run_the_command_that_opens_it_is_shown(
    answer: Answer, said: str, command: str, shows: Shows, home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    asked: list[str] = []
    monkeypatch.setattr(data, "ask", lambda address, _: (asked.append(address), answer)[1])
    finished = STATES["finished"]
    trials = [replace(each, run_id=f"run-{each.key}") for each in finished.trials]
    shows(replace(finished, trials=trials))
    app = opened("trial")
    assert any(said in text for text in texts(app))
    assert f"fairtune ui --home {home}{command}" in [code.value for code in app.code]
    app.run()
    assert asked == ["http://127.0.0.1:5000"]  # not at every redraw


@pytest.mark.parametrize("answer", [Answer.known, Answer.token])
def test_a_trial_links_to_its_run_where_the_mlflow_ui_has_it(
    answer: Answer, shows: Shows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "ask", lambda *_: answer)
    finished = STATES["finished"]
    shows(replace(finished, trials=[replace(each, run_id="abc") for each in finished.trials]))
    app = opened("trial")
    (link,) = app.get("link_button")
    assert link.proto.url == "http://127.0.0.1:5000/#/runs/abc?workflowType=machine_learning"
    with_token = any("it has a token" in text for text in texts(app))
    assert with_token == (answer == Answer.token)


def test_a_trial_says_its_rank_its_relatives_and_its_seed_is_no_large_number(shows: Shows) -> None:
    shows(STATES["finished"])
    app = opened("trial")
    assert any(text.startswith("1st of 4 completed trials of its search") for text in texts(app))
    links = [each.proto for each in app.get("page_link")]
    assert any(link.label.startswith("worse: ") for link in links)
    assert any("seed " in caption.value for caption in app.caption)
    assert "Seed" not in [metric.label for metric in app.metric]


def test_a_trial_that_failed_says_what_can_be_done(shows: Shows, home: Path) -> None:
    finished = STATES["finished"]
    first, *others = finished.trials
    shows(replace(finished, trials=[replace(first, outcome=Outcome.error), *others]))
    app = AppTest.from_file(APP, default_timeout=60).run()
    app.query_params["trial"] = first.key
    app.switch_page("views/trial.py").run()
    assert any(text.startswith("Mend what the reason") for text in texts(app))
    commands = [code.value for code in app.code]
    assert f"fairtune reset made --failed --home {home}" in commands
    assert f"fairtune run made --home {home}" in commands


# --- the server -----------------------------------------------------------------------------------


@contextmanager
def serving(home: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`fairtune dashboard` on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = [FAIRTUNE, "dashboard", "--home", str(home), "--port", str(port), "--no-token"]
    with subprocess.Popen(
        argv, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as server:
        try:
            deadline = time.monotonic() + 60
            while not _answers(port) and time.monotonic() < deadline:
                time.sleep(0.1)
            yield server, port
        finally:
            if server.poll() is None:
                server.send_signal(signal.SIGTERM)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def upgrade(port: int, host: str, origin: str | None) -> int:
    """The status with which the server answers to a WebSocket, over which all data goes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Host": host, "Connection": "Upgrade", "Upgrade": "websocket"}
    headers |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    headers |= {} if origin is None else {"Origin": origin}
    with closing(connection):
        connection.request("GET", "/_stcore/stream", headers=headers)
        with connection.getresponse() as answer:
            return answer.status


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_server_talks_to_this_machine_only_and_ends_cleanly(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    with serving(tmp_path) as (server, port):
        own = f"127.0.0.1:{port}"
        assert upgrade(port, own, f"http://{own}") == 101
        assert upgrade(port, f"localhost:{port}", f"http://localhost:{port}") == 101
        assert upgrade(port, own, "http://evil.example") == 403
        assert upgrade(port, own, "null") == 403
        assert upgrade(port, f"evil.example:{port}", f"http://evil.example:{port}") == 403
        assert upgrade(port, "evil.example", None) == 403
        os.kill(server.pid, number)
        out, err = server.communicate(timeout=30)
        assert server.returncode == code
        assert f"Dashboard of {tmp_path}: http://{own}  (Ctrl-C ends it)" in out
        assert "Traceback" not in err
    assert not _answers(port)


def test_a_port_in_use_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["dashboard", "--home", str(tmp_path), "--port", str(port)]) == 2
    assert capsys.readouterr().err == (
        f"fairtune: port {port} is taken; choose another with --port\n"
    )
