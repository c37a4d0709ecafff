"""The page of the dashboard knows its pages and its keys."""

import re

from dashboard.page.shortcuts import KEYS
from tests.support.checkout import ROOT

PAGE = (ROOT / "docs" / "dashboard.md").read_text()


def test_every_page_in_the_sidebar_is_in_the_table() -> None:
    source = (ROOT / "dashboard" / "app.py").read_text()
    pages = set(re.findall(r'\("\w+", "([\w ]+)", ":material', source)) - {"Trial"}
    _, _, table = PAGE.partition("| page | what it answers |\n|---|---|\n")
    rows = [line.split(" | ")[0] for line in table.partition("\n\n")[0].splitlines()]
    assert {name for row in rows for name in row.removeprefix("| ").split(", ")} == pages


def test_every_key_is_named_with_its_page() -> None:
    said = dict(re.findall(r"`(\w)`\s+(\w+)", PAGE.partition("## Keys")[2].partition("##")[0]))
    said.pop("g", None)
    assert {key: name.lower() for key, name in said.items()} == dict(KEYS)


def test_every_peer_has_a_cell_in_every_row() -> None:
    table = PAGE.partition("## Beside other dashboards")[2].partition("\n\nWhat that")[0]
    rows = [line for line in table.splitlines() if line.startswith("|")]
    assert len(rows) > 10
    assert {row.count(" | ") + row.count("|---") for row in rows} == {5, 6}
