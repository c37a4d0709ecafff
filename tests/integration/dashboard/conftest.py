"""Pages that are drawn as a whole: no browser asks for what lies below their first screen."""

import pytest

from dashboard.page import live


@pytest.fixture(autouse=True)
def whole_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "FIRST_ROWS", 99)
