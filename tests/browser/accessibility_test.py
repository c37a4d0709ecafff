"""Every page of the dashboard and the report, for those who see little, not at all, or use no
mouse: axe-core's rules, names of figures, and the order in which Tab goes through a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, TimeoutError, expect

from studies.home import Home
from studies.reporting.render import render
from studies.results import load_results
from tests.browser.dashboard_test import dashboard
from tests.support.checkout import ROOT
from tests.support.generated_home import STUDY, generate

pytestmark = pytest.mark.slow

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@dataclass(frozen=True)
class Known:
    """A violation in an element of Streamlit's own, of which no setting changes it."""

    rule: str
    selector: str
    why: str


SECTIONS = "Streamlit puts a box for each section between the list of pages and its entries"
KNOWN = (
    Known("list", "[data-testid=stSidebarNavItems]", SECTIONS),
    Known("listitem", "[data-testid=stSidebarNavItems] li", SECTIONS),
    Known(
        "color-contrast",
        "[data-testid=stCode] .token",
        "the colours of code are fixed in Streamlit's style sheet",
    ),
    Known(
        "svg-img-alt",
        "[data-testid=stVegaLiteChart] g.role-mark[role=graphics-symbol]",
        "Vega gives an empty layer of marks a role and no name; the figure has one",
    ),
)
SETTLED = """() => {
  const app = document.querySelector('[data-testid=stApp]');
  return app && app.getAttribute('data-test-script-state') === 'notRunning'
    && !document.querySelector('[data-testid=stSkeleton]')
    && document.body.dataset.drawn !== 'first screen'
    && document.querySelectorAll('[data-testid=stMain] [data-testid=stElementContainer]').length > 1
    && [...document.querySelectorAll('[data-testid=stVegaLiteChart]')]
      .every(chart => chart.querySelector('canvas, svg.marks'));
}"""
SERIOUS = """async ([known, rules]) => {
  const only = rules.length ? {runOnly: rules} : {};
  const found = await axe.run(document, {resultTypes: ['violations'], ...only});
  const serious = found.violations.filter(each => ['serious', 'critical'].includes(each.impact));
  return serious.flatMap(each => each.nodes.map(node => {
    const element = document.querySelector(node.target[0]);
    const place = known.findIndex(([rule, selector]) =>
      rule === each.id && element && element.matches(selector));
    return [each.id, place, node.html.slice(0, 200), node.failureSummary];
  }));
}"""
SLOW = 20_000
UNNAMED_FIGURES = """() => [...document.querySelectorAll('[data-testid=stVegaLiteChart]')]
  .filter(chart => ![chart, ...chart.querySelectorAll('[aria-label]')]
    .some(each => (each.getAttribute('aria-label') || '').length > 10))
  .map(chart => chart.outerHTML.slice(0, 300))"""
FOCUSABLE = "a[href], button, input, select, textarea, summary, [role=combobox], [tabindex='0']"
REMEMBER = """focusable => {
  window.reached = [];
  window.wanted = [...document.querySelectorAll(focusable)].filter(each =>
    each.checkVisibility({visibilityProperty: true}) && !each.disabled && each.tabIndex >= 0
    && !each.closest('[aria-hidden=true]') && !each.matches('.dvn-scroller')  // its canvas is
    && (each.type !== 'radio' || each.checked));
}"""
STEP = """() => {
  const now = document.activeElement;
  if (!now || now === document.body) return 'out';
  let inner = now;  // a component has a document of its own
  while (inner.shadowRoot && inner.shadowRoot.activeElement) inner = inner.shadowRoot.activeElement;
  const stays = inner === window.inner;
  window.inner = inner;
  if (now === window.reached.at(-1)) return stays ? 'same' : 'on';
  if (window.reached.includes(now)) return 'round';
  window.reached.push(now);
  return 'on';
}"""
COLUMNS = 60
"""Tab goes from cell to cell in a table: so often it may stay there."""
MISSED = """() => {
  const group = each => each.closest('[role=radiogroup], [role=toolbar], [role=group]');
  const groups = window.reached.map(group);  // arrows go through a group, Tab to one of it
  const met = each => group(each) && groups.includes(group(each));
  return window.wanted
    .filter(each => !window.reached.includes(each) && !met(each))
    .map(each => each.outerHTML.slice(0, 200));
}"""
OUT_OF_ORDER = """() => window.reached.filter((each, index) => index > 0
  && !(window.reached[index - 1].compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING))
  .map(each => each.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A finished study whose trials ended in several ways."""
    found = Home.at(tmp_path_factory.mktemp("accessible") / "home")
    generate(found, 80, epochs=6)
    return found


@pytest.fixture(scope="module")
def address(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with dashboard(home, tmp_path_factory.mktemp("accessible") / "log") as found:
        yield found


def names_of_pages() -> list[str]:
    """Of all pages, those that no link of the sidebar leads to among them, as in addresses."""
    table = (ROOT / "dashboard" / "app.py").read_text()
    found = re.findall(r'\("(\w+)", "[\w ]+", ":material', table)
    return ["" if name == "overview" else name for name in found]


def opened(page: Page, address: str, name: str) -> None:
    """A page with all that it folds away."""
    page.goto(f"{address}/{name}?study={STUDY}")
    page.wait_for_function(SETTLED)
    for summary in page.get_by_test_id("stExpander").locator("summary").all():
        summary.click()
    page.wait_for_function(SETTLED)


def serious(page: Page, scheme: str) -> list[tuple[str, int, str, str]]:
    """Serious violations: the rule, the place in KNOWN or -1, the element, and what is wrong. A
    dark page differs by its colours only."""
    page.evaluate(AXE_SCRIPT)
    known = [[each.rule, each.selector] for each in KNOWN]
    rules = ["color-contrast"] if scheme == "dark" else []
    found: list[Any] = page.evaluate(SERIOUS, [known, rules])
    return [(rule, place, html, said) for rule, place, html, said in found]


def test_no_page_has_a_serious_violation_and_every_figure_has_a_name(
    address: str, page: Page
) -> None:
    unknown, met, unnamed = [], set(), []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for name in names_of_pages():
            opened(page, address, name)
            for rule, place, html, said in serious(page, scheme):
                if place < 0:
                    unknown.append(f"{scheme} {name or 'overview'}: {rule}: {html}\n{said}")
                met.add(place)
            with suppress(TimeoutError):  # what lies below the first screen is drawn after it
                page.wait_for_function(f"!({UNNAMED_FIGURES})().length", timeout=SLOW)
            unnamed += [f"{name}: {each}" for each in page.evaluate(UNNAMED_FIGURES)]
    page.emulate_media(color_scheme="light")
    assert not unknown, "\n".join(unknown)
    assert not unnamed, "\n".join(unnamed)
    gone = [each for place, each in enumerate(KNOWN) if place not in met]
    assert not gone, f"they no longer occur: {gone}"


def test_tab_reaches_everything_in_reading_order(address: str, page: Page) -> None:
    for name in names_of_pages():
        page.goto(f"{address}/{name}?study={STUDY}")
        page.wait_for_function(SETTLED)
        page.evaluate(REMEMBER, FOCUSABLE)
        stayed, now = 0, "on"
        while now in ("on", "same") and stayed < COLUMNS:
            page.keyboard.press("Tab")
            now = page.evaluate(STEP)
            stayed = stayed + 1 if now == "same" else 0
        assert page.evaluate("window.reached.length") > 8, name
        assert page.evaluate(MISSED) == [], name
        assert page.evaluate(OUT_OF_ORDER) == [], name


def test_a_report_has_no_serious_violation_and_its_contents_open_what_is_folded(
    home: Home, page: Page, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(load_results(home, STUDY), "html"), encoding="utf-8")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.goto(path.as_uri())
        folded = page.locator("details:has(> .inside#methods)")
        expect(folded.locator(".inside")).not_to_be_visible()
        page.get_by_role("navigation").get_by_role("link", name="Methods").click()
        expect(folded.locator(".inside")).to_be_visible()
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert serious(page, scheme) == [], scheme
    page.emulate_media(color_scheme="light")


def test_a_report_fits_a_phone_and_is_printed_on_a_few_pages(
    home: Home, page: Page, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(load_results(home, STUDY), "html"), encoding="utf-8")
    page.goto(path.as_uri())
    assert page.locator(".contents").bounding_box()["y"] < 900  # type: ignore[index]
    printed = page.pdf(prefer_css_page_size=True)
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 7
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    size = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert size is not None
    page.set_viewport_size(size)
