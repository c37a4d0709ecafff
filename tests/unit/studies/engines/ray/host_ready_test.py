"""A host is ready when its worker has started, or says why none can be."""

import threading
from collections.abc import Sequence
from queue import SimpleQueue
from unittest import mock

import pytest

from lightning_modules.errors import WorkersError
from studies.engines import Event
from studies.engines.ray import host as host_module
from studies.engines.ray.host import Host
from studies.engines.ray.terms import Terms
from tests.support.worker_trainings import perform


class Starting:
    """An engine whose worker starts when the test says so."""

    def __init__(self) -> None:
        self.free = 0
        self.waits = threading.Event()
        self.news: SimpleQueue[Exception | None] = SimpleQueue()

    def start(self) -> None: ...

    def wake(self) -> None:
        self.news.put(None)

    def events(self, timeout: float | None) -> Sequence[Event]:
        self.waits.set()
        if error := self.news.get():
            raise error
        return []


@pytest.mark.parametrize("error", [None, WorkersError("no worker can be started")])
def test_a_host_is_opened_when_its_worker_has_started_or_cannot_be(error: Exception | None) -> None:
    engine, opened = Starting(), SimpleQueue[Host]()
    with (
        mock.patch.object(host_module, "LocalEngine", lambda *_: engine),
        mock.patch.object(host_module, "leave_when_deserted"),  # it would end the process of tests
    ):
        opening = threading.Thread(
            target=lambda: opened.put(Host.open(Terms({}), perform, (), 1, False, "node")),
            daemon=True,
        )
        opening.start()
        assert engine.waits.wait(10)
        engine.wake()  # of something else
        assert opened.empty()
        engine.free = 0 if error else 1
        engine.news.put(error)
        host = opened.get(timeout=10)
    if error:
        assert [message.error for message in host.listen(0)] == ["no worker can be started"]
