"""Picking trials in figures, and brushing parallel coordinates, as a person does it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Error, Locator, Page, expect

from studies.home import Home
from tests.browser.dashboard_test import dashboard
from tests.conftest import MakeHome
from tests.support.generated_home import STUDY, generate

pytestmark = pytest.mark.slow

LR, METRIC = "optimizer.lr", "val/accuracy"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, make_home: MakeHome) -> Iterator[Home]:
    home = make_home(tmp_path_factory.mktemp("touched") / "home")
    generate(home, 120, epochs=2)
    yield home


@contextmanager
def without_errors(page: Page, log: Path) -> Iterator[None]:
    """No script of the page fails, and nothing in the server."""
    said: list[str] = []

    def listener(error: Error) -> None:
        said.append(str(error))

    page.on("pageerror", listener)
    yield
    page.remove_listener("pageerror", listener)
    page.goto("about:blank")
    assert said == []
    assert "Traceback" not in log.read_text()


def click_point(page: Page, name: str, trial: str, *, shift: bool = False) -> None:
    """Click the mark of a trial in the figure with this name."""
    mark = figure(page, name).locator(f'path[aria-label*="trial: {trial};"]').last
    mark.click(force=True, modifiers=["Shift"] if shift else [])


def figure(page: Page, name: str) -> Locator:
    return page.locator(f".st-key-figure-{name}")


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse.move(*end)
    page.mouse.up()


def axis(page: Page, name: str) -> Locator:
    return page.get_by_role("slider", name=name, exact=True)


def brush(page: Page, name: str, low: float, high: float) -> None:
    """Drag along an axis, from a share of its length to another."""
    box = axis(page, name).bounding_box()
    assert box is not None
    x = box["x"] + box["width"] / 2
    ends = [(x, box["y"] + box["height"] * (1 - share)) for share in (low, high)]
    drag(page, ends[0], ends[1])


def names(page: Page) -> list[str]:
    return page.locator(".parallel .name").all_text_contents()


def test_a_click_picks_a_trial_and_a_click_with_shift_adds_one(
    large: Home, page: Page, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with dashboard(large, log) as address, without_errors(page, log):
        page.goto(f"{address}/timeline?study={STUDY}")
        side = page.get_by_test_id("stSidebar")
        expect(figure(page, "history").locator("svg.marks")).to_be_visible()
        before = figure(page, "history").bounding_box()
        click_point(page, "history", "adam-0003")
        expect(page).to_have_url(re.compile(r"[?&]picked=adam-0003(&|$)"))
        expect(side.get_by_text("Picked trials")).to_be_visible()
        expect(side.get_by_text("adam-0003", exact=True)).to_be_visible()
        expect(side.get_by_role("link", name="Open the trial")).to_be_visible()
        assert figure(page, "history").bounding_box() == before
        click_point(page, "history", "sgd-0005", shift=True)
        expect(page).to_have_url(re.compile(r"picked=adam-0003&picked=sgd-0005"))
        expect(side.get_by_role("link", name="Compare them")).to_have_attribute(
            "href", re.compile(r"trials\?.*picked=adam-0003&picked=sgd-0005")
        )
        click_point(page, "history", "sgd-0005")  # without shift it is alone
        expect(page).to_have_url(re.compile(r"[?&]picked=sgd-0005(&|$)"))
        expect(page).not_to_have_url(re.compile("adam-0003"))
        side.get_by_role("button", name="Clear").click()
        expect(side.get_by_text("Picked trials")).to_be_hidden()
        click_point(page, "history", "sgd-0005")  # which the figure had before
        expect(page).to_have_url(re.compile(r"[?&]picked=sgd-0005(&|$)"))


def test_brushes_filter_the_figures_and_axes_are_moved(
    large: Home, page: Page, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with dashboard(large, log) as address, without_errors(page, log):
        page.goto(f"{address}/parameters?study={STUDY}&arm=adam")
        expect(axis(page, LR)).to_be_visible()
        expect(page.get_by_text("All 80 trials", exact=True)).to_be_visible()
        expect(page.get_by_text("20 trials, later ones larger.").first).to_be_visible()
        place = page.locator(".parallel").bounding_box()
        brush(page, LR, 0.9, 0.4)
        kept = page.get_by_text(re.compile(rf"^\d+ of 80 trials within {LR} "))
        expect(kept).to_be_visible()
        expect(page).to_have_url(re.compile(rf"within={LR}%3A"))
        expect(page.get_by_text("20 trials, later ones larger.")).to_have_count(0)
        assert page.locator(".parallel").bounding_box() == place
        expect(axis(page, LR)).to_have_attribute("aria-valuenow", "90")

        axis(page, METRIC).focus()
        page.keyboard.press("ArrowDown")
        expect(page.get_by_text(re.compile(rf"within {LR} .+ and {METRIC} "))).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_text("All 80 trials", exact=True)).to_be_visible()
        expect(page).not_to_have_url(re.compile("within"))
        expect(page.get_by_text("20 trials, later ones larger.").first).to_be_visible()

        before = names(page)
        first, second = (page.locator(".parallel .name").nth(index) for index in (0, 1))
        start, end = first.bounding_box(), second.bounding_box()
        assert start is not None and end is not None
        y = start["y"] + start["height"] - 6
        drag(page, (start["x"] + start["width"] / 2, y), (end["x"] + end["width"] / 2 + 9, y))
        expect(page).to_have_url(re.compile("[?&]axes="))
        expect(page.locator(".parallel .name").first).to_have_text(before[1])
        assert names(page) == [before[1], before[0], *before[2:]]
        page.reload()
        expect(page.locator(".parallel .name").first).to_have_text(before[1])
