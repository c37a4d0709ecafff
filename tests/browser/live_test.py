"""An open page follows its study without dimming or moving what has not changed."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from studies.home import Home
from tests.browser.dashboard_test import FAIRTUNE, dashboard, quiet
from tests.support.accounts import set_options

STUDY = "quickstart-optimizers"
LONG = {"trainer.epochs": 12, "search.repeats": 2, "search.trials": 40}
SAMPLES = 600
LOOK = """() => {
  const main = document.querySelector('[data-testid="stMain"]')
  const seen = {"the page": [main.scrollHeight, main.scrollTop, 1]}
  for (const title of main.querySelectorAll("h3[id]")) {
    if (title.parentElement.closest('[data-testid="stExpander"]')) continue
    let opacity = 1
    for (let each = title; each; each = each.parentElement)
      opacity *= parseFloat(getComputedStyle(each).opacity)
    const box = title.getBoundingClientRect()
    seen[title.id] = [Math.round(box.top), Math.round(box.height), opacity]
  }
  return seen
}"""
"""Where every section of a page begins, how tall its heading is, and how opaque."""


@pytest.mark.parametrize("view", ["answer", "timeline"])
def test_nothing_moves_and_nothing_is_dimmed_while_a_study_runs(
    view: str, make_home: Callable[[Path], Home], page: Page, tmp_path: Path
) -> None:
    home, log = make_home(tmp_path / "home"), tmp_path / "log"
    argv = [FAIRTUNE, "run", STUDY, "--home", str(home.path), "--workers", "1", "--quiet"]
    with (
        dashboard(home, log) as address,
        quiet(page, log),
        subprocess.Popen(
            [*argv, *set_options(*[f"{path}={value}" for path, value in LONG.items()])]
        ) as study,
    ):
        try:
            page.goto(address)
            page.get_by_role("link", name="Does momentum or Adam").first.click(timeout=120_000)
            if view != "answer":
                page.get_by_test_id("stSidebarNav").get_by_role("link", name="Timeline").click()
            told = page.get_by_text(re.compile("[0-9] completed trial")).first
            expect(told).to_be_visible(timeout=120_000)
            expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible(timeout=120_000)
            page.evaluate("document.querySelector('[data-testid=\"stMain\"]').scrollTo(0, 500)")
            seen: list[dict[str, Any]] = []
            said = set()
            while len(said) < 4 and len(seen) < SAMPLES:
                page.wait_for_timeout(100)
                seen.append(page.evaluate(LOOK))
                said.add(told.inner_text())
        finally:
            study.terminate()
    assert len(said) == 4, "the page did not follow the study"
    assert len(seen[0]) > 3
    moved = {name for name, place in seen[0].items() if any(s[name] != place for s in seen)}
    assert moved == set()
