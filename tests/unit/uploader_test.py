"""The thread that delivers: how long it is waited for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from studies import uploader
from studies.uploader import Uploader


@contextmanager
def hanging() -> Iterator[Uploader]:
    """An uploader whose first attempt has failed and whose second one does not end."""
    release, hangs = threading.Event(), threading.Event()

    def deliver(name: str) -> None:
        if made.failure is None:
            raise OSError
        hangs.set()
        release.wait()

    made = Uploader(deliver, lambda error: None)
    made.add("trial")
    made.start()
    assert hangs.wait(10)
    try:
        yield made
    finally:
        release.set()
        made.stop(10)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("patience", [0.0, 0.2])
def test_an_attempt_that_hangs_after_a_failure_is_not_waited_for(
    patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploader, "FIRST_PAUSE", 0.01)
    with hanging() as slow:
        assert slow.settle(patience) == ["trial"]
