"""Studies that run inside the test."""

from collections.abc import Iterator

import pytest

from tests.support.fork_server import forked_mirror_processes


@pytest.fixture(scope="module", autouse=True)
def forked_mirrors() -> Iterator[None]:
    """Their mirrors need not load their libraries anew."""
    with forked_mirror_processes():
        yield
