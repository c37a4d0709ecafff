"""Mirrors in the process that users have."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def forked_mirrors() -> None: ...
