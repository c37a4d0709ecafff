"""A visit of the dashboard, as a person makes it, in Debian's Chromium."""

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from studies.cli import main
from studies.home import Home
from tests.conftest import MakeHome
from tests.integration.accounts import FAIRTUNE, Runs, serving, set_options

pytestmark = pytest.mark.slow

FIRST_ROW = 52
"""Pixels from the top of a table to the middle of its first row."""
STUDY = "quickstart-optimizers"
TINY = ["trainer.epochs=2", "search.trials=1", "search.pruner=none", "confirm.seeds=2"]


@contextmanager
def dashboard(home: Home, log: Path) -> Iterator[str]:
    """A dashboard of a home, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    argv = [FAIRTUNE, "dashboard", "--home", str(home.path), "--port", port]
    with log.open("w") as file, subprocess.Popen(argv, stdout=file, stderr=file) as process:
        try:
            deadline = time.monotonic() + 60
            while "server started" not in log.read_text():
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def table_row(page: Page, x: int) -> None:
    """Click into the first row of the table, which is a picture to the browser."""
    canvas = page.get_by_test_id("stDataFrame").locator("canvas").first
    expect(canvas).to_be_visible()
    canvas.click(position={"x": x, "y": FIRST_ROW}, force=True)  # a scroller lies over it


def go(page: Page, name: str) -> None:
    page.get_by_test_id("stSidebarNavLink").filter(has_text=name).click()
    heading(page, name)


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, make_home: MakeHome) -> Home:
    home = make_home(tmp_path_factory.mktemp("visited") / "home")
    argv = ["run", STUDY, "--home", str(home.path), "--workers", "2", "--quiet"]
    assert main([*argv, *set_options(*TINY)]) == 0
    return home


def test_a_visit(compared: Home, page: Page, tmp_path: Path) -> None:
    said: list[str] = []
    page.on(
        "console", lambda message: said.append(message.text) if message.type == "error" else None
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    log = tmp_path / "dashboard.log"
    with dashboard(compared, log) as address, serving(compared) as (_, mlflow, session):
        assert session.get(f"{mlflow}/health").ok
        page.goto(address)
        heading(page, "Overview")
        table_row(page, 160)
        heading(page, "Optimizers")
        expect(page.get_by_text("No verdict is possible with 2 seeds").first).to_be_visible()

        page.get_by_test_id("stSidebar").get_by_label("Arms").click()
        page.get_by_role("option", name="adam", exact=True).click()
        expect(page).to_have_url(re.compile(r"[?&]arms?=adam"))
        expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()

        go(page, "Data")
        expect(page.get_by_text("Pick a row to open its trial.")).to_be_visible()
        with page.expect_download() as downloading:
            page.get_by_role("button", name="These rows as CSV").click()
        lines = Path(downloading.value.path()).read_text().splitlines()
        assert len(lines) >= 2 and lines[0].startswith("trial,")
        with page.expect_download() as downloading:
            page.get_by_role("button", name="The study's report").click()
        report = Path(downloading.value.path()).read_text()
        assert report.startswith("<!doctype html>") and STUDY in report

        table_row(page, 16)
        page.get_by_role("link", name=re.compile("^Open ")).click()
        heading(page, "Trial")
        shown = page.get_by_role("heading", level=2).first
        expect(shown).to_be_visible()
        key = shown.inner_text()
        runs = {run.data.tags["mlflow.runName"]: run for run in Runs.of(compared, STUDY).children}
        server = page.get_by_role("textbox", name="MLflow UI")
        server.fill(mlflow)
        server.press("Enter")
        link = page.get_by_role("link", name="Open its MLflow run")
        expect(link).to_have_attribute("href", f"{mlflow}/#/runs/{runs[key].info.run_id}")
        with page.context.expect_page() as opening:
            link.click()
        expect(opening.value.get_by_text(key).first).to_be_visible()
        opening.value.close()
    assert said == []
    assert not re.search(r"Traceback|Error|Exception", log.read_text())


def test_a_running_study_appears_and_advances(
    make_home: MakeHome, page: Page, tmp_path: Path
) -> None:
    home = make_home(tmp_path / "home")
    argv = [FAIRTUNE, "run", "mlp-digits", "--home", str(home.path), "--workers", "1", "--quiet"]
    argv += set_options("trainer.epochs=40", "search.trials=400", "confirm=null")
    with dashboard(home, tmp_path / "log") as address:
        page.goto(address)
        expect(page.get_by_text("fairtune run quickstart").first).to_be_visible()
        with subprocess.Popen(argv) as study:
            try:
                expect(page.get_by_text("1 of 1 studies")).to_be_visible(timeout=60_000)
                table_row(page, 160)
                heading(page, "Search")
                told = page.get_by_text(re.compile(r"^\d+ trials? of the search")).first
                expect(told).to_be_visible()
                before = told.inner_text()
                expect(told).not_to_have_text(before, timeout=60_000)
            finally:
                study.terminate()
