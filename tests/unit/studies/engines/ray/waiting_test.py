"""The client says who waits for a place, and that the head is gone; Ray itself is pretended."""

import asyncio
from collections.abc import Iterator
from multiprocessing import Pipe
from queue import SimpleQueue
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest

from studies.engines.ray.messages import Failed, FromClient, Notice, Opened
from studies.engines.ray.places_wanted import Places
from tests.support.pretended_ray import pretended_ray


@pytest.fixture
def client_module() -> Iterator[Any]:
    """The client's module as it is beside a Ray that cannot do anything."""
    with pretended_ray("client") as module:
        yield module


class Nodes:
    """A cluster of one node with two processors, whose head answers so often."""

    def __init__(self, answers: int) -> None:
        self.answers = answers

    def nodes(self) -> dict[str, dict[str, float]]:
        return {"node": {"CPU": 2.0}}

    def head_answers(self) -> bool:
        self.answers -= 1
        return self.answers >= 0

    def gone(self) -> str:
        return "it is gone"


def said_by(module: Any, placed: list[bool], answers: int) -> list[FromClient]:
    """What a client with such slots says until the head does not answer any more."""
    client, said = object.__new__(module.Client), list[FromClient]()
    client._cluster, client._places = Nodes(answers), Places(len(placed), 1, 0.0)
    client._patience = 60.0
    client._crew = SimpleNamespace(refused={})
    client._slots = [SimpleNamespace(placed=each, since=0.0) for each in placed]
    client.tell = said.append
    asyncio.run(client._watch())
    return said


@pytest.fixture(autouse=True)
def impatient(client_module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(client_module, "HEAD_SECONDS", 0.0)
    monkeypatch.setattr(client_module, "time", SimpleNamespace(monotonic=Clock()))


class Clock:
    """A minute goes by at every look."""

    def __init__(self) -> None:
        self.minutes = 0

    def __call__(self) -> float:
        self.minutes += 1
        return 60.0 * self.minutes


def test_workers_without_a_place_are_named_once_with_what_they_lack(client_module: Any) -> None:
    notice, failed = said_by(client_module, [True, True, False], answers=5)
    assert isinstance(notice, Notice) and isinstance(failed, Failed)
    assert notice.text == (
        "1 worker has no place in the Ray cluster: each needs 1 CPU, and its nodes have 2 CPUs, "
        "which is room for 2"
    )


def test_where_all_have_a_place_nothing_is_said_but_that_the_head_is_gone(
    client_module: Any,
) -> None:
    (failed,) = said_by(client_module, [True, True], answers=5)
    assert isinstance(failed, Failed)
    assert (str(failed.error), failed.error.exit_code) == ("it is gone", 4)


def test_a_driver_that_does_not_listen_holds_up_nothing(client_module: Any) -> None:
    """More than a pipe holds: else driver and client could wait for each other for ever."""
    ours, theirs = Pipe()
    client = object.__new__(client_module.Client)
    client._pipe, client._to_driver = ours, SimpleQueue()
    Thread(target=client._write, daemon=True).start()
    notices = [Notice(f"{number:>1000}") for number in range(1000)]
    for notice in notices:
        client.tell(notice)
    assert [theirs.recv() for _ in notices] == notices


@pytest.mark.parametrize("admits", [True, False])
def test_a_cluster_that_asks_for_no_token_is_named_once(client_module: Any, admits: bool) -> None:
    async def watched() -> None: ...

    client, said = object.__new__(client_module.Client), list[FromClient]()
    client._pipe, client._to_driver = Pipe()[0], SimpleQueue()
    client._cluster = SimpleNamespace(admits_anybody=admits, address="10.0.0.1:6379")
    client._slots, client._watch, client.tell = [], watched, said.append
    client._write = lambda: None
    asyncio.run(client.run())
    opened, *notices = said
    assert opened == Opened(0)
    assert [each.text.partition(":6379 ")[2][:19] for each in notices] == (  # type: ignore[union-attr]
        ["asks for no token: "] if admits else []
    )
