"""A worker on a node does each thing once, however often and late it is asked."""

import errno
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.errors import WorkersError
from studies.engines import Answer, Ended, Epoch, Event, Task
from studies.engines.places import WITHOUT_GPU
from studies.engines.ray import host as host_module
from studies.engines.ray.host import Host, Message
from studies.records import Outcome, TrialEnd

CONFIGURATION = Configuration.resolve({"data": "digits", "model": "mlp"})
COMPLETED = TrialEnd(Outcome.completed, epochs=2)


class ScriptedEngine:
    """A local engine that notes what it is asked; the test says what its worker says."""

    def __init__(self) -> None:
        self.free = 1
        self.asked: list[Any] = []
        self.tasks: list[Task] = []
        self.during_submit: Callable[[Task], object] = lambda task: None
        self._events: deque[Event] = deque()
        self._wake = Flag()
        self.broken: Exception | None = None

    def start(self) -> None: ...

    def submit(self, task: Task) -> None:
        self.asked.append(("submit", task.trial))
        self.tasks.append(task)
        self.during_submit(task)

    def proceed(self, trial: str) -> None:
        self.asked.append(("proceed", trial))

    def stop(self, trial: str) -> None:
        self.asked.append(("stop", trial))

    def interrupt(self, trial: str) -> None:
        self.asked.append(("interrupt", trial))

    def kill(self, trial: str, end: TrialEnd) -> None:
        self.asked.append(("kill", trial))
        self._events.clear()
        self._events.append(Ended(trial, end))

    def events(self, timeout: float | None) -> Sequence[Event]:
        if not self._events and timeout != 0:
            self._wake.wait(timeout)
            self._wake.clear()
        if self.broken is not None:
            raise self.broken
        found = list(self._events)
        self._events.clear()
        return found

    def wake(self) -> None:
        self._wake.set()

    def say(self, *events: Event) -> None:
        self._events.extend(events)
        self.wake()


class Node:
    """A host, its engine, and what is heard of it."""

    def __init__(self, folder: Path | None = None) -> None:
        self.engine = ScriptedEngine()
        self.host = Host(self.engine, WITHOUT_GPU, folder)  # type: ignore[arg-type]
        self.after = 0

    def hear(self) -> list[Message]:
        """What is new."""
        messages = self.host.listen(self.after)
        self.after = messages[-1].number
        return messages

    def done(self) -> list[Any]:
        """What the engine was asked, once all calls before this one were obeyed."""
        obeyed = Flag()
        self.host._call(obeyed.set)
        assert obeyed.wait(30)
        return self.engine.asked

    def report(self, epoch: int = 1, trial: str = "a") -> None:
        """The worker reports an epoch, which is heard."""
        self.done()
        self.engine.say(Epoch(trial, epoch, {}))
        (message,) = self.hear()
        assert isinstance(message.event, Epoch) and message.event.epoch == epoch


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_module, "LOOK_SECONDS", 0.01)


@pytest.fixture
def node() -> Iterator[Node]:
    yield Node()


def task(trial: str = "a") -> Task:
    return Task(trial, CONFIGURATION, 0, None, kind="NVIDIA H200", alone=True)


def test_a_task_begins_at_the_place_of_the_host_and_shares_it_with_nobody(node: Node) -> None:
    node.host.submit(1, task(), {}, None)
    assert node.done() == [("submit", "a")]
    assert node.engine.tasks == [replace(task(), kind=None, alone=False)]


def test_a_submit_that_arrives_again_or_after_a_later_one_begins_nothing(node: Node) -> None:
    for attempt in (2, 2, 1):
        node.host.submit(attempt, task(), {}, None)
    assert node.done() == [("submit", "a")]
    node.engine.say(Ended("a", COMPLETED))
    node.hear()
    node.host.submit(2, task(), {}, None)  # late: it has ended
    assert node.done() == [("submit", "a")]


def test_a_later_attempt_ends_the_one_that_is_under_way(node: Node) -> None:
    node.host.submit(1, task("a"), {}, None)
    node.host.submit(2, task("b"), {}, None)
    assert node.done() == [("submit", "a"), ("kill", "a"), ("submit", "b")]
    (killed,) = node.hear()
    assert killed.attempt == 1 and isinstance(killed.event, Ended)
    node.report(trial="b")


def test_an_answer_counts_once_and_only_for_the_epoch_that_waits_for_it(node: Node) -> None:
    node.host.submit(1, task(), {}, None)
    node.host.answer(1, 1, Answer.proceed)  # nobody has asked
    node.report(1)
    node.host.answer(1, 2, Answer.proceed)  # of an epoch to come
    node.host.answer(2, 1, Answer.proceed)  # of another attempt
    node.host.answer(0, 1, Answer.proceed)
    for _ in range(3):
        node.host.answer(1, 1, Answer.proceed)
    assert node.done() == [("submit", "a"), ("proceed", "a")]
    node.report(2)
    node.host.answer(1, 1, Answer.stop)  # late
    node.host.answer(1, 2, Answer.interrupt)
    node.host.answer(1, 2, Answer.proceed)
    assert node.done()[2:] == [("interrupt", "a")]
    node.engine.say(Ended("a", COMPLETED))
    node.hear()
    node.host.answer(1, 2, Answer.stop)  # it has ended
    assert len(node.done()) == 3


def test_the_same_epoch_of_a_further_attempt_is_another_one(node: Node) -> None:
    node.host.submit(1, task(), {}, None)
    node.report(1)
    node.host.submit(2, task(), {}, None)
    node.hear()
    node.report(1)
    node.host.answer(1, 1, Answer.stop)
    assert ("stop", "a") not in node.done()
    node.host.answer(2, 1, Answer.proceed)
    assert node.done()[-1] == ("proceed", "a")


def test_only_the_attempt_that_is_under_way_can_be_killed_and_once(node: Node) -> None:
    node.host.kill(1)
    node.host.submit(1, task(), {}, None)
    node.host.kill(0)
    node.host.kill(2)
    assert node.done() == [("submit", "a")]
    for _ in range(2):
        node.host.kill(1)
    assert node.done() == [("submit", "a"), ("kill", "a")]
    (killed,) = node.hear()
    assert isinstance(killed.event, Ended) and killed.event.end.outcome == Outcome.interrupted
    node.host.submit(2, task(), {}, None)
    node.host.kill(1)  # late
    assert node.done()[2:] == [("submit", "a")]


def test_what_was_said_is_said_again_until_it_is_known_to_have_arrived(node: Node) -> None:
    node.host.submit(1, task(), {}, None)
    node.done()
    node.engine.say(Epoch("a", 1, {"val/accuracy": 0.5}))
    first = node.host.listen(0)
    assert [message.number for message in first] == [1]
    assert node.host.listen(0) == first  # the reply was lost
    node.engine.say(Epoch("a", 2, {}), Ended("a", COMPLETED))
    node.done()
    assert [message.number for message in node.host.listen(0)] == [1, 2, 3]
    assert [message.number for message in node.host.listen(1)] == [2, 3]
    assert [message.number for message in node.host.listen(2)] == [3]


def test_listening_ends_after_a_while_without_news(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_module, "LISTEN_SECONDS", 0.0)
    assert node.host.listen(0) == []


def test_a_host_to_which_nobody_listens_is_deserted(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock of its own says how long that is."""
    now = 1000.0
    monkeypatch.setattr(host_module.time, "monotonic", lambda: now)
    monkeypatch.setattr(host_module, "LISTEN_SECONDS", 0.0)
    node.host.listen(0)
    assert not node.host.is_deserted()
    now += host_module.DESERTED_SECONDS + 1
    assert node.host.is_deserted()
    node.host.listen(0)
    assert not node.host.is_deserted()


def test_what_a_worker_says_of_another_trial_is_not_passed_on(node: Node) -> None:
    node.host.submit(1, task("b"), {}, None)
    node.done()
    node.engine.say(Epoch("a", 1, {}), Ended("a", COMPLETED), Epoch("b", 1, {}))
    assert [message.event for message in node.hear()] == [Epoch("b", 1, {})]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (WorkersError("no worker process can be started: ValueError"),
         "no worker process can be started: ValueError"),
        (KeyError("a"), "KeyError: 'a'"),
    ],
)  # fmt: skip
def test_a_host_that_can_train_nothing_more_says_why(
    node: Node, error: Exception, said: str
) -> None:
    node.engine.broken = error
    node.engine.wake()
    (message,) = node.hear()
    assert (message.event, message.error) == (None, said)


# a node that does not share the home


@pytest.fixture
def home_task(tmp_path: Path) -> Task:
    home = tmp_path / "home"
    return replace(
        task(), checkpoint=str(home / "a.pt"), continuation=str(home / "c"), files=str(home / "l")
    )


def wait_for_files(node: Node) -> Message:
    """The next message; one without files may come before it."""
    for _ in range(100):
        for message in node.hear():
            if message.files:
                return message
    raise AssertionError("no file came")


def test_a_state_goes_home_in_the_midst_of_an_epoch(tmp_path: Path, home_task: Task) -> None:
    node = Node(tmp_path)
    node.host.submit(1, home_task, {"continuation/before": b"0"}, None)
    node.done()
    (local,) = node.engine.tasks
    assert Path(str(local.continuation), "before").read_bytes() == b"0"
    Path(str(local.continuation), "last").write_bytes(b"1")
    node.engine.wake()
    message = wait_for_files(node)
    assert (message.attempt, message.event, message.error) == (1, None, "")
    assert message.files == {"continuation/last": b"1"}


def test_results_go_home_with_the_end_and_nothing_is_left_on_the_node(
    tmp_path: Path, home_task: Task
) -> None:
    node = Node(tmp_path)
    node.engine.during_submit = lambda local: Path(str(local.checkpoint)).write_bytes(b"weights")
    node.host.submit(1, home_task, {}, b"start")
    node.done()
    node.engine.say(Ended("a", COMPLETED))
    (message,) = node.hear()
    assert message.files == {"checkpoint/a.pt": b"weights"}
    assert list(tmp_path.iterdir()) == []


def test_a_killed_trial_sends_what_it_logged(tmp_path: Path, home_task: Task) -> None:
    node = Node(tmp_path)

    def train(local: Task) -> None:
        for folder, name in ((local.continuation, "last"), (local.files, "note")):
            Path(str(folder)).mkdir()
            Path(str(folder), name).write_bytes(b"1")

    node.engine.during_submit = train
    node.host.submit(1, home_task, {}, None)
    node.host.kill(1)
    said = []
    while not said or not isinstance(said[-1].event, Ended):
        said += node.hear()
    assert "logged/note" in {name for message in said for name in message.files}
    assert "continuation/last" not in said[-1].files
    assert list(tmp_path.iterdir()) == []


def test_a_node_whose_disk_is_full_says_so_and_its_trial_is_not_blamed(
    tmp_path: Path, home_task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Node(tmp_path)
    node.host.submit(1, home_task, {}, None)
    node.done()
    end = TrialEnd(Outcome.error, reason="StorageError: /tmp/x: a checkpoint cannot be written")
    node.engine.say(Ended("a", end))
    (message,) = node.hear()
    assert (message.event, message.error) == (None, "/tmp/x: a checkpoint cannot be written")

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    node = Node(tmp_path)
    monkeypatch.setattr(Path, "write_bytes", full)
    node.host.submit(1, home_task, {"continuation/last": b"1"}, None)
    (message,) = node.hear()
    assert message.error.startswith("OSError: [Errno 28] No space left on device: ")


def test_where_the_home_is_shared_a_full_disk_is_a_matter_of_the_driver(node: Node) -> None:
    node.host.submit(1, task(), {}, None)
    node.done()
    end = TrialEnd(Outcome.error, reason="StorageError: no")
    node.engine.say(Ended("a", end))
    assert [message.event for message in node.hear()] == [Ended("a", end)]


def test_a_host_whose_worker_was_slow_to_start_is_not_deserted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody could listen before it had started."""
    now, deserted = 1000.0, list[bool]()
    monkeypatch.setattr(host_module.time, "monotonic", lambda: now)
    monkeypatch.setattr(host_module, "shares_home", lambda terms: True)
    left = Flag()

    def leave(host: Host) -> None:
        deserted.append(host.is_deserted())
        left.set()

    monkeypatch.setattr(host_module, "leave_when_deserted", leave)

    class Slow(ScriptedEngine):
        def __init__(self, *_: Any) -> None:
            super().__init__()

        def start(self) -> None:
            nonlocal now
            now += host_module.DESERTED_SECONDS + 1

    monkeypatch.setattr(host_module, "LocalEngine", Slow)
    host_module.Host.open(None, len, (), 1, False, "n1")  # type: ignore[arg-type]
    assert left.wait(30)
    assert deserted == [False]


FORBIDDEN = PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@pytest.mark.parametrize(
    ("error", "why"),
    [(FORBIDDEN, "Permission denied"), (MemoryError(), "it does not fit into memory")],
)
@pytest.mark.parametrize("says", [(), (Epoch("a", 1, {}),), (Ended("a", COMPLETED),)])
def test_files_that_cannot_be_read_end_their_trial_and_its_node_trains_on(
    tmp_path: Path,
    home_task: Task,
    monkeypatch: pytest.MonkeyPatch,
    says: tuple[Event, ...],
    error: Exception,
    why: str,
) -> None:
    """In the midst of an epoch, after one, and at the end."""
    monkeypatch.setattr(host_module, "LOOK_SECONDS", 60.0 if says else 0.01)
    node, read = Node(tmp_path), Path.read_bytes

    def unreadable(path: Path) -> bytes:
        if path.name == "poison":
            raise error
        return read(path)

    def train(local: Task) -> None:
        Path(str(local.continuation)).mkdir()
        Path(str(local.continuation), "poison").touch()

    monkeypatch.setattr(Path, "read_bytes", unreadable)
    node.engine.during_submit = train
    node.host.submit(1, home_task, {}, None)
    node.done()
    node.engine.say(*says)
    (message,) = node.hear()
    (local,) = node.engine.tasks
    reason = f"{local.continuation}/poison cannot be read: {why}"
    assert message.error == "" and isinstance(message.event, Ended)
    assert (message.event.end.outcome, message.event.end.reason) == (Outcome.error, reason)
    assert list(tmp_path.iterdir()) == []
    node.engine.during_submit = lambda local: None
    node.host.submit(2, home_task, {}, None)
    assert node.done()[-1] == ("submit", "a")
    node.engine.say(Ended("a", COMPLETED))
    assert [message.event for message in node.hear()] == [Ended("a", COMPLETED)]


def test_what_a_trial_died_of_is_said_though_its_files_cannot_be_read(
    tmp_path: Path, home_task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Node(tmp_path)

    def unreadable(path: Path) -> bytes:
        raise FORBIDDEN

    monkeypatch.setattr(Path, "read_bytes", unreadable)
    node.engine.during_submit = lambda local: Path(str(local.checkpoint)).touch()
    node.host.submit(1, home_task, {}, None)
    node.done()
    crashed = TrialEnd(Outcome.crashed, reason="signal 11")
    node.engine.say(Ended("a", crashed))
    assert [(each.event, each.error) for each in node.hear()] == [(Ended("a", crashed), "")]


def test_a_name_that_no_disk_takes_ends_its_trial_and_its_node_trains_on(
    tmp_path: Path, home_task: Task
) -> None:
    node, name = Node(tmp_path), "a" * 300
    node.host.submit(1, home_task, {f"continuation/{name}": b"1"}, None)
    (message,) = node.hear()
    assert message.error == "" and isinstance(message.event, Ended)
    assert message.event.end.outcome == Outcome.error
    assert message.event.end.reason.endswith(f"{name} cannot be written: File name too long")
    node.host.submit(2, home_task, {}, None)
    assert node.done() == [("submit", "a")]
