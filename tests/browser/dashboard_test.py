"""A visit of the dashboard, as a person makes it, in Debian's Chromium."""

import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest
import requests
from playwright.sync_api import Dialog, Locator, Page, expect
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from studies.cli import main
from studies.home import Home
from tests.conftest import MakeHome
from tests.support.accounts import FAIRTUNE, Runs, serving, set_options
from tests.support.states import NAMES, labelled

pytestmark = pytest.mark.slow

FIRST_ROW = 52
"""Pixels from the top of a table to the middle of its first row."""
BOX, NAME = 16, 160
"""Pixels from the left of a table to the box of a row, and to the name of a trial."""
ROW = 35
"""Pixels of a row."""
STUDY = "quickstart-optimizers"
QUESTION = "Does momentum or Adam beat plain gradient descent on handwritten digits?"
TINY = ["trainer.epochs=2", "search.trials=1", "search.pruner=none", "confirm.seeds=2"]
ONE_SEARCH = [*TINY, "compare.claim=configurations", "search.repeats=1"]
TWO_SEARCHES = [*TINY, "compare.claim=arms", "search.repeats=2"]
LONG = ["search.trials=400", "confirm=null"]
SLOW = 60_000
"""Milliseconds for what another process does."""


@contextmanager
def dashboard(home: Home, log: Path) -> Iterator[str]:
    """A dashboard of a home that answers, and its address; what it says goes to the log."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    argv = [FAIRTUNE, "dashboard", "--home", str(home.path), "--port", port, "--no-token"]
    patience = Retry(total=None, connect=200, backoff_factor=0.1, backoff_max=0.5)
    with (
        log.open("w") as file,
        subprocess.Popen(argv, stdout=file, stderr=file) as process,
        requests.Session() as session,
    ):
        session.mount("http://", HTTPAdapter(max_retries=patience))
        try:
            assert session.get(f"http://127.0.0.1:{port}/_stcore/health").ok
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@contextmanager
def quiet(page: Page, log: Path) -> Iterator[None]:
    """Nothing goes wrong in the browser, nor in the server; no script of somebody's runs."""
    said: list[str] = []

    def alarm(dialog: Dialog) -> None:
        said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    listeners = {
        "console": lambda message: message.type == "error" and said.append(message.text),
        "pageerror": lambda error: said.append(str(error)),
        "dialog": alarm,
    }
    for event, listener in listeners.items():
        page.on(event, listener)  # type: ignore[call-overload]
    try:
        yield
    finally:
        for event, listener in listeners.items():
            page.remove_listener(event, listener)
        page.goto("about:blank")  # a page that is open asks for its server again and again
    assert said == []
    assert not re.search(r"Traceback|Error|Exception", log.read_text())


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def click_first_row(page: Page, x: int) -> None:
    """Click into the first row of the table, which is a picture to the browser."""
    canvas = page.get_by_test_id("stDataFrame").locator("canvas").first
    expect(canvas).to_be_visible()
    canvas.click(position={"x": x, "y": FIRST_ROW}, force=True)  # a scroller lies over it


def tick(page: Page, row: int) -> None:
    """Tick a row of the table."""
    canvas = page.get_by_test_id("stDataFrame").locator("canvas").first
    canvas.click(position={"x": BOX, "y": FIRST_ROW + ROW * row}, force=True)


def cell(page: Page, column: str) -> Locator:
    """The first row's cell, of those that a table tells to screen readers."""
    header = page.get_by_role("columnheader", name=column, exact=True, include_hidden=True)
    number = header.get_attribute("aria-colindex")
    return page.get_by_test_id(f"glide-cell-{number}-0")


def go(page: Page, name: str) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click()
    heading(page, name)


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, make_home: MakeHome) -> Home:
    home = make_home(tmp_path_factory.mktemp("visited") / "home")
    argv = ["run", STUDY, "--home", str(home.path), "--workers", "2", "--quiet"]
    assert main([*argv, *set_options(*ONE_SEARCH)]) == 0
    return home


def test_a_visit(compared: Home, page: Page, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        dashboard(compared, log) as address,
        serving(compared) as (_, mlflow, session),
        quiet(page, log),
    ):
        page.goto(address)
        heading(page, "Overview")
        page.get_by_role("link", name=QUESTION).click()

        heading(page, "Answer")
        expect(page.get_by_text("No verdict is possible with 2 seeds")).to_be_visible()
        page.get_by_test_id("stSidebar").get_by_label("Arms").click()
        page.get_by_role("option", name="adam", exact=True).click()
        page.keyboard.press("Escape")  # the list stays open, and all else is hidden meanwhile
        expect(page).to_have_url(re.compile(r"[?&]arm=adam"))
        expect(page.get_by_text("Shown are the picked 1 of 3 arms").first).to_be_visible()
        expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()

        go(page, "Trials")
        first = cell(page, "trial")
        expect(first).to_have_text(re.compile("^adam-"))  # only adam's: it is still selected
        trial = first.inner_text()
        with page.expect_download() as downloading:
            page.get_by_role("button", name="These rows as CSV").click()
        head, *rows = Path(downloading.value.path()).read_text().splitlines()
        assert head.startswith("outcome,trial,arm,value,")
        assert [row.split(",")[2] for row in rows] == ["adam"] * 3
        tick(page, 0)
        expect(page.get_by_text("Tick another trial to compare both.")).to_be_visible()
        tick(page, 1)
        expect(page.get_by_role("heading", name="Comparison of 2 trials")).to_be_visible()
        expect(page).to_have_url(re.compile(r"[?&]picked=[^&]+&picked="))

        go(page, "Data")
        with page.expect_download() as downloading:
            page.get_by_role("button", name="The study's report").click()
        assert downloading.value.suggested_filename == f"{STUDY}-report.html"
        report = Path(downloading.value.path()).read_text()
        assert report.startswith("<!doctype html>") and STUDY in report

        go(page, "Trials")
        text = page.get_by_role("searchbox", name="Text")
        text.fill(trial)
        text.press("Enter")
        expect(page.get_by_text("1 of 9 trials")).to_be_visible()
        click_first_row(page, NAME)
        heading(page, "Trial")
        expect(page.get_by_role("heading", name=trial, level=2)).to_be_visible()
        page.get_by_role("button", name="Open in MLflow").click()
        server = page.get_by_role("textbox", name="MLflow UI")
        server.fill(mlflow)
        server.press("Enter")
        runs = {run.info.run_name: run for run in Runs.of(compared, STUDY).children}
        link = page.get_by_role("link", name="Open in MLflow")
        run = f"{mlflow}/#/runs/{runs[trial].info.run_id}?workflowType=machine_learning"
        expect(link).to_have_attribute("href", run)
        assert session.get(f"{mlflow}/health").ok
        with page.context.expect_page() as opening:
            link.click()
        expect(opening.value.get_by_text(trial).first).to_be_visible()
        opening.value.close()


def download(page: Page, form: str) -> tuple[str, bytes]:
    """The name and the content of a file of the first figure on the page."""
    menu = page.get_by_test_id("stPopover").filter(has_text="Download").first
    menu.get_by_role("button").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name=form, exact=True).click()
    page.keyboard.press("Escape")
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def test_a_figure_is_downloaded_in_three_forms(compared: Home, page: Page, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with dashboard(compared, log) as address, quiet(page, log):
        page.goto(address)
        go(page, "Optimizers")
        expect(page.get_by_test_id("stVegaLiteChart").nth(4)).to_be_visible()
        files = {form: download(page, form) for form in ("CSV", "SVG", "PNG")}
        assert [name for name, _ in files.values()] == [
            f"{STUDY}-ranking.{form}" for form in ("csv", "svg", "png")
        ]
        assert files["CSV"][1].startswith(b"arm,mean,low,high")
        root = ElementTree.fromstring(files["SVG"][1])
        texts = {each.text for each in root.iter("{http://www.w3.org/2000/svg}text")}
        assert {"adam", "momentum", "sgd"} <= texts
        assert files["PNG"][1].startswith(b"\x89PNG")
        assert len({content for _, content in files.values()}) == 3


def test_smoothing_and_outliers_are_in_the_address(
    compared: Home, page: Page, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with dashboard(compared, log) as address, quiet(page, log):
        page.goto(address)
        page.get_by_role("link", name=QUESTION).click()
        page.get_by_test_id("stMain").get_by_role("link", name=re.compile("^Open ")).first.click()
        heading(page, "Trial")
        page.get_by_text("Ignore outliers").click()
        expect(page).to_have_url(re.compile("ignore.outliers=false"))
        page.get_by_role("slider", name="Smoothing").press("ArrowRight")
        expect(page.get_by_text("moving averages (weight 0.01").first).to_be_visible()
        expect(page).to_have_url(re.compile("smoothing=0.01"))


def test_searches_are_looked_at_one_by_one(make_home: MakeHome, page: Page, tmp_path: Path) -> None:
    home, log = make_home(tmp_path / "home"), tmp_path / "log"
    argv = ["run", STUDY, "--home", str(home.path), "--workers", "2", "--quiet"]
    assert main([*argv, *set_options(*TWO_SEARCHES)]) == 0
    with dashboard(home, log) as address, quiet(page, log):
        page.goto(address)
        heading(page, "Overview")
        page.get_by_role("link", name=QUESTION).click()
        heading(page, "Answer")
        expect(page.get_by_text("No verdict: 2 searches of each arm").first).to_be_visible()
        expect(page.get_by_role("heading", name="Differences between the arms")).to_be_visible()
        go(page, "Timeline")
        expect(page.get_by_text("search 1 of every arm").first).to_be_visible()
        page.get_by_role("combobox", name="Search", exact=True).click()
        page.get_by_role("option", name="2 of 2", exact=True).click()
        expect(page.get_by_text("search 2 of every arm").first).to_be_visible()
        expect(page).to_have_url(re.compile(r"[?&]search=2"))


def test_a_study_of_another_process_appears_on_the_open_page_and_advances(
    make_home: MakeHome, page: Page, tmp_path: Path
) -> None:
    home, log = make_home(tmp_path / "home"), tmp_path / "log"
    argv = [FAIRTUNE, "run", "mlp-digits", "--home", str(home.path), "--workers", "1", "--quiet"]
    with dashboard(home, log) as address, quiet(page, log):
        page.goto(address)
        expect(page.get_by_text("No study of this home has run yet.")).to_be_visible()
        with subprocess.Popen([*argv, *set_options(*LONG)]) as study:
            try:
                expect(page.get_by_text("1 of 1 studies")).to_be_visible(timeout=SLOW)
                expect(page.get_by_text("running", exact=True)).to_be_visible()
                trials = page.get_by_text(re.compile(r"^mlp-digits · \d.* trials"))
                expect(trials).to_be_visible(timeout=SLOW)
                before = str(trials.text_content())
                expect(trials).not_to_have_text(before, timeout=SLOW)
                expect(page.get_by_test_id("stProgress")).to_have_text(re.compile(r" left$"))
                page.get_by_test_id("stPageLink").get_by_role("link").click()
                heading(page, "Answer")
                told = page.get_by_text(re.compile(r"^[\d,]+ trials? of the search")).first
                before = told.inner_text()
                expect(told).not_to_have_text(before, timeout=SLOW)
            finally:
                study.terminate()


def test_hostile_names_are_text(make_home: MakeHome, page: Page, tmp_path: Path) -> None:
    home, log, file = make_home(tmp_path / "home"), tmp_path / "log", tmp_path / "study.yaml"
    file.write_text(labelled(NAMES))
    argv = ["run", str(file), "--home", str(home.path), "--workers", "2", "--quiet"]
    changes = ["trainer.epochs=1", "search.trials=1", "confirm.seeds=2"]
    assert main([*argv, *set_options(*changes)]) == 0
    with dashboard(home, log) as address, quiet(page, log):
        page.goto(address)
        heading(page, "Overview")
        found = f"the configuration found for ({'|'.join(map(re.escape, NAMES))}); expect "
        expect(page.get_by_text(re.compile(found))).to_be_visible()
        for name in ("Optimizers", "Compare", "Parameters", "Timeline", "Trials", "Data"):
            go(page, name)
            expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
            expect(page.get_by_test_id("stException")).to_have_count(0)
            if name in ("Optimizers", "Compare"):
                text = "Which is **best**? <script>alert(1)</script>"
                expect(page.get_by_text(text, exact=True)).to_be_visible()
            expect(page.locator("[data-testid=stMain] a[href='http:e']")).to_have_count(0)
