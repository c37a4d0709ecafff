"""Eight things that people do with a study, each at most two clicks away from its page."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from studies.cli import main
from studies.home import Home
from tests.browser.dashboard_test import dashboard, heading
from tests.conftest import MakeHome
from tests.support.accounts import serving

STUDY = "tasks"
FILE = """
study: tasks
description: Which of two optimizers suits digits?
data: {name: digits, batch_size: 64}
model: {name: mlp, hidden: [16]}
optimizer:
  - {name: sgd, lr: {values: [0.01, 0.1, 1.0e+30]}}
  - {name: adam, lr: {values: [0.001, 0.01]}}
trainer: {epochs: 3}
search: {method: grid, repeats: 1}
compare: {factor: optimizer, claim: configurations}
confirm: {seeds: 2}
"""
MOST_CLICKS = 2
Clicks = Callable[[Locator], None]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, make_home: MakeHome) -> Home:
    folder = tmp_path_factory.mktemp("tasks")
    file, home = folder / "tasks.yaml", make_home(folder / "home")
    file.write_text(FILE)
    assert main(["run", str(file), "--home", str(home.path), "--workers", "2", "--quiet"]) == 0
    return home


@pytest.fixture(scope="module")
def address(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with dashboard(home, tmp_path_factory.mktemp("log") / "log") as address:
        yield address


@pytest.fixture
def click(page: Page, address: str) -> Iterator[Clicks]:
    """Opens the study's page and counts the clicks from there."""
    page.goto(f"{address}/answer?study={STUDY}")
    heading(page, "Answer")
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
    clicks: list[Locator] = []

    def counted(target: Locator) -> None:
        clicks.append(target)
        target.click()

    yield counted
    assert len(clicks) <= MOST_CLICKS


def main_link(page: Page, name: str | re.Pattern[str]) -> Locator:
    return page.get_by_test_id("stMain").get_by_role("link", name=name).first


def side_link(page: Page, name: str) -> Locator:
    return page.get_by_test_id("stSidebarNav").get_by_role("link", name=name)


def test_the_best_configuration_is_copied(page: Page, click: Clicks) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    click(page.get_by_role("button", name="Copy YAML"))
    file = page.get_by_test_id("stPopoverBody").get_by_test_id("stCode")
    file.hover()
    click(file.get_by_role("button", name="Copy to clipboard"))
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.search(r"optimizer:\s+name: adam\s+lr: 0\.01\s", copied)


def test_two_trials_are_compared(page: Page, click: Clicks) -> None:
    click(main_link(page, "Compare the best trials"))
    expect(page.get_by_role("heading", name="Comparison of 2 trials")).to_be_visible()
    assert len(re.findall(r"picked=", page.url)) == 2
    figure = page.get_by_test_id("stVegaLiteChart").first
    figure.scroll_into_view_if_needed()
    lines = figure.locator("svg g.mark-line path")
    expect(lines.first).to_be_visible()
    heights = figure.locator("svg clipPath path, svg clipPath rect").evaluate_all(
        "found => found.map(each => each.getBBox().height)"
    )
    assert heights and min(heights) > 100


def test_it_is_said_why_a_trial_failed(page: Page, click: Clicks) -> None:
    click(main_link(page, re.compile("Open the first, sgd-")))
    heading(page, "Trial")
    expect(page.get_by_test_id("stMain")).to_contain_text("diverged")
    expect(page.get_by_text("times above").first).to_be_visible()


def test_it_is_said_which_learning_rate_works(page: Page, click: Clicks) -> None:
    said = page.get_by_text(re.compile(r"^adam: optimizer\.lr works "))
    expect(said).to_be_visible()
    expect(page.get_by_text("the lowest that diverged is 1e+30").first).to_be_visible()


def test_the_trials_are_exported(page: Page, click: Clicks) -> None:
    click(side_link(page, "Trials"))
    heading(page, "Trials")
    with page.expect_download() as downloading:
        click(page.get_by_role("button", name="These rows as CSV"))
    head, *rows = Path(downloading.value.path()).read_text().splitlines()
    assert "trial" in head.split(",")
    assert len(rows) == 5 + 2 * 2


def test_a_link_shows_another_person_the_same(page: Page, click: Clicks) -> None:
    click(main_link(page, "Compare the best trials"))
    compared = page.get_by_role("heading", name="Comparison of 2 trials")
    expect(compared).to_be_visible()
    shared, browser = page.url, page.context.browser
    assert browser is not None
    with browser.new_page() as other:
        other.goto(shared)
        title = other.get_by_role("heading", name="Comparison of 2 trials")
        expect(title).to_be_visible()


def test_the_run_in_mlflow_is_found(page: Page, home: Home, address: str) -> None:
    with ExitStack() as stack:
        _, mlflow, session = stack.enter_context(serving(home))
        assert session.get(f"{mlflow}/health").ok
        page.goto(f"{address}/answer?study={STUDY}")
        clicks = 0
        main_link(page, re.compile("^Open (sgd|adam)-")).click()
        clicks += 1
        heading(page, "Trial")
        page.get_by_role("button", name="Open in MLflow").click()  # asks where it is, once
        server = page.get_by_role("textbox", name="MLflow UI")
        server.fill(mlflow)
        server.press("Enter")
        link = page.get_by_role("link", name="Open in MLflow")
        expect(link).to_have_attribute("href", re.compile(r"workflowType=machine_learning"))
        with page.context.expect_page() as opening:
            link.click()
        clicks += 1
        expect(opening.value.get_by_text(re.compile(r"^(sgd|adam)-")).first).to_be_visible()
        opening.value.close()
        assert clicks <= MOST_CLICKS
