"""Back, Forward, reload and the keys of the dashboard, in Debian's Chromium."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from studies.cli import main
from studies.home import Home
from tests.browser.dashboard_test import TINY, dashboard, go, heading, quiet
from tests.conftest import MakeHome
from tests.support.accounts import set_options

pytestmark = pytest.mark.slow

FIRST, SECOND = "mlp-digits", "quickstart-optimizers"
TIMELINE = "Timeline", "timeline"
"""A page with a study, a metric and a choice of its own: its name and its address."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, make_home: MakeHome) -> Home:
    """A home with two studies, of which SECOND was changed last."""
    home = make_home(tmp_path_factory.mktemp("addresses") / "home")
    one_search = [*TINY, "compare.claim=configurations", "search.repeats=1"]
    for study, changes in ((FIRST, [*TINY[:2], "confirm=null"]), (SECOND, one_search)):
        argv = ["run", study, "--home", str(home.path), "--workers", "2", "--quiet"]
        assert main([*argv, *set_options(*changes)]) == 0
    return home


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "log"


@pytest.fixture(scope="module")
def address(home: Home, log: Path) -> Iterator[str]:
    with dashboard(home, log) as address:
        yield address


def shows(page: Page, study: str, metric: str, address: str) -> None:
    """The page is about a study and a metric, and so says its address."""
    sidebar = page.get_by_test_id("stSidebar")
    expect(sidebar.get_by_role("combobox", name="Study")).to_have_value(study)
    expect(sidebar.get_by_role("combobox", name="Metric")).to_have_value(metric)
    expect(page).to_have_url(address)


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_test_id("stSidebar").get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_each_choice_is_one_step_that_back_undoes(address: str, page: Page, log: Path) -> None:
    name, path = TIMELINE
    first, second = (f"{address}/{path}?study={study}" for study in (FIRST, SECOND))
    metric = f"{second}&metric=val%2Floss"
    with quiet(page, log):
        page.goto(address)
        heading(page, "Overview")
        go(page, name)
        shows(page, SECOND, "val/accuracy", second)  # the page has chosen it: no step
        page.go_back()
        heading(page, "Overview")
        page.go_forward()
        shows(page, SECOND, "val/accuracy", second)
        choose(page, "Study", FIRST)
        shows(page, FIRST, "val/accuracy", first)
        page.go_back()
        shows(page, SECOND, "val/accuracy", second)
        choose(page, "Metric", "val/loss")
        shows(page, SECOND, "val/loss", metric)
        against = page.get_by_role("radiogroup", name="Against")
        against.get_by_role("radio", name="epochs").click()
        shows(page, SECOND, "val/loss", f"{metric}&against=epochs")
        go(page, "Data")
        expect(page).to_have_url(re.compile(rf"/data\?study={SECOND}"))
        page.go_back()
        shows(page, SECOND, "val/loss", f"{metric}&against=epochs")
        expect(against.get_by_role("radio", name="epochs")).to_be_checked()
        page.go_back()
        expect(against.get_by_role("radio", name="trials")).to_be_checked()
        shows(page, SECOND, "val/loss", metric)
        page.reload()
        shows(page, SECOND, "val/loss", metric)
        page.go_back()
        shows(page, SECOND, "val/accuracy", second)
        page.go_forward()
        shows(page, SECOND, "val/loss", metric)
        go(page, "Overview")
        expect(page).to_have_url(f"{address}/")


def test_a_link_within_a_page_is_a_step(address: str, page: Page, log: Path) -> None:
    with quiet(page, log):
        page.goto(f"{address}/trial?study={SECOND}")
        expect(page).to_have_url(re.compile(r"&trial="))
        before = page.url
        page.get_by_role("link", name=re.compile("^worse: ")).click()
        expect(page).not_to_have_url(before)
        trial = page.url.rpartition("=")[2]
        expect(page.get_by_role("heading", name=trial, level=2)).to_be_visible()
        page.go_back()
        expect(page).to_have_url(before)
        trial = before.rpartition("=")[2]
        expect(page.get_by_role("heading", name=trial, level=2)).to_be_visible()


def test_keys_open_pages_the_search_and_their_list(address: str, page: Page, log: Path) -> None:
    with quiet(page, log):
        page.goto(address)
        heading(page, "Overview")
        search = page.get_by_role("searchbox")
        expect(page.get_by_text("2 of 2 studies")).to_be_visible()
        page.keyboard.press("?")
        keys = page.get_by_role("dialog", name="Keyboard shortcuts")
        expect(keys.get_by_text("g d", exact=True)).to_be_visible()
        page.keyboard.press("Escape")
        expect(keys).to_have_count(0)
        page.keyboard.press("/")
        expect(search).to_be_focused()
        page.keyboard.type("g d")
        expect(search).to_have_value("g d")  # what is typed opens nothing
        page.keyboard.press("Enter")
        expect(page.get_by_text("0 of 2 studies")).to_be_visible()
        heading(page, "Overview")
        search.blur()
        page.keyboard.press("g")
        page.keyboard.press("d")
        heading(page, "Data")
        page.keyboard.press("g")
        page.keyboard.press("o")
        heading(page, "Overview")
