"""The driver's end of a cluster: actors come and go, and trials with them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.errors import ClusterError, WorkersError
from studies.engines import Answer, Ended, Epoch, Task
from studies.engines.places import WITHOUT_GPU, Place
from studies.engines.ray.engine import RayEngine, environment_for
from studies.engines.ray.messages import (
    Failed,
    Gone,
    Kill,
    Notice,
    Opened,
    Order,
    Ready,
    Reply,
    Said,
    Submit,
    Wanted,
)
from studies.engines.ray.terms import Terms
from studies.records import Outcome, TrialEnd

CONFIGURATION = Configuration.resolve({"data": "digits", "model": "mlp"})
COMPLETED = TrialEnd(Outcome.completed, epochs=1)
TIMEOUT = TrialEnd(Outcome.timeout, reason="took too long")
WANTED = Wanted("head:1", "", None, 1, None, 1, "auto")
ONE, TWO = replace(WITHOUT_GPU, node="n1"), replace(WITHOUT_GPU, node="n2")
H200 = Place("NVIDIA H200", "GPU-1", "n1")
H200_THERE = Place("NVIDIA H200", "GPU-1", "n2")  # another machine may call its GPU so, too
A100 = Place("NVIDIA A100", "GPU-2", "n2")


class Scripted:
    """A client that says what the test says; no process."""

    def __init__(self, *_: Any, pass_fds: tuple[int, int], stdout: Any, **__: Any) -> None:
        self.pipe = Connection(os.dup(pass_fds[0]))
        self.printed = stdout
        self.waited: list[float | None] = []

    def wait(self, timeout: float | None = None) -> int:
        self.waited.append(timeout)
        return 1

    def say(self, *messages: Any) -> None:
        for message in messages:
            self.pipe.send(message)

    def heard(self) -> list[Any]:
        """What the driver has said since."""
        found = []
        while self.pipe.poll():
            found.append(self.pipe.recv())
        return found


class Driver:
    """An engine and its client."""

    def __init__(self) -> None:
        def terms() -> AbstractContextManager[Terms]:
            return nullcontext(Terms({"torch": "2.14"}))

        self.engine = RayEngine(WANTED, len, ("preload",), terms)  # type: ignore[arg-type]
        self.engine.start()
        client = self.engine._client
        assert isinstance(client, Scripted)
        self.client = client
        (self.order,) = client.heard()

    def join(self, *places: Place, first: int = 1) -> None:
        """Actors join at these places, numbered from the first."""
        self.client.say(*(Ready(first + number, place) for number, place in enumerate(places)))
        self.engine.events(0)

    def submit(self, trial: str, **more: Any) -> Submit:
        """Submit a task; what is said to the client for it."""
        self.engine.submit(Task(trial, CONFIGURATION, 0, None, **more))
        (said,) = self.client.heard()
        assert isinstance(said, Submit)
        return said

    def hear(self, *messages: Any) -> list[Any]:
        """The events that these messages of the client give."""
        self.client.say(*messages)
        return list(self.engine.events(0))


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    monkeypatch.setattr(subprocess, "Popen", Scripted)
    driver = Driver()
    yield driver
    driver.engine.close()
    driver.client.pipe.close()


def test_the_client_is_given_its_order_and_nothing_is_free_until_actors_have_joined(
    driver: Driver,
) -> None:
    assert isinstance(driver.order, Order)
    assert (driver.order.wanted, driver.order.preload) == (WANTED, ("preload",))
    assert driver.engine.kinds == {"cpu": 0} and driver.engine.free == 0
    assert driver.hear(Opened(4)) == []
    assert driver.engine.free == 0
    driver.join(ONE, TWO)
    assert driver.engine.kinds == {"cpu": 2}
    driver.engine.start()  # again: nothing
    assert driver.client.heard() == []


def test_a_trial_runs_from_its_submission_to_its_end(driver: Driver) -> None:
    driver.join(ONE)
    said = driver.submit("a")
    assert (said.actor, said.attempt, said.task.trial, said.task.kind) == (1, 1, "a", "cpu")
    assert driver.engine.free == 0
    epoch = Epoch("a", 3, {"val/accuracy": 0.5})
    assert driver.hear(Said(1, 1, epoch)) == [epoch]
    driver.engine.proceed("a")
    assert driver.client.heard() == [Reply(1, 1, 3, Answer.proceed)]
    driver.hear(Said(1, 1, Epoch("a", 4, {})))
    driver.engine.stop("a")
    driver.engine.interrupt("a")
    assert driver.client.heard() == [Reply(1, 1, 4, Answer.stop), Reply(1, 1, 4, Answer.interrupt)]
    assert driver.hear(Said(1, 1, Ended("a", COMPLETED))) == [Ended("a", COMPLETED)]
    assert driver.engine.free == 1
    assert driver.submit("b").attempt == 2


def test_what_belongs_to_an_earlier_attempt_is_not_heard(driver: Driver) -> None:
    driver.join(ONE)
    driver.submit("a")
    driver.hear(Said(1, 1, Ended("a", COMPLETED)))
    driver.submit("a")
    assert driver.hear(Said(1, 1, Epoch("a", 7, {})), Said(1, 1, Ended("a", COMPLETED))) == []
    driver.hear(Said(1, 2, Epoch("a", 1, {})))
    driver.engine.proceed("a")
    assert driver.client.heard() == [Reply(1, 2, 1, Answer.proceed)]


def test_a_killed_trial_has_ended_at_once_and_its_worker_is_free_when_it_says_so(
    driver: Driver,
) -> None:
    driver.join(ONE)
    driver.submit("a")
    driver.engine.kill("a", TIMEOUT)
    assert driver.client.heard() == [Kill(1, 1)]
    assert list(driver.engine.events(0)) == [Ended("a", TIMEOUT)]
    assert driver.engine.free == 0
    # it was about to report, or to end by itself: nobody hears of that
    killed = Ended("a", TrialEnd(Outcome.interrupted))
    assert driver.hear(Said(1, 1, Epoch("a", 1, {})), Said(1, 1, killed)) == []
    assert driver.engine.free == 1
    assert driver.submit("b").attempt == 2


@pytest.mark.parametrize(
    ("gone", "end", "blameless"),
    [
        (Gone(1, "killed"), TrialEnd(Outcome.crashed, "killed"), False),
        (Gone(1, "lost", True), TrialEnd(Outcome.interrupted, "lost"), True),
        (Gone(1, "memory", False, True), TrialEnd(Outcome.out_of_memory, "memory"), False),
    ],
)
def test_an_actor_that_is_lost_takes_its_trial_with_it(
    driver: Driver, gone: Gone, end: TrialEnd, blameless: bool
) -> None:
    driver.join(ONE)
    driver.submit("a")
    assert driver.hear(gone) == [Ended("a", end, blameless=blameless)]
    assert driver.engine.kinds == {"cpu": 0}
    driver.join(TWO, first=2)
    assert driver.submit("a").actor == 2


def test_an_idle_actor_and_one_whose_trial_was_killed_are_lost_in_silence(driver: Driver) -> None:
    driver.join(ONE, TWO)
    actor = driver.submit("a").actor
    driver.engine.kill("a", TIMEOUT)
    driver.engine.events(0)
    assert driver.hear(Gone(actor, "lost", True)) == []
    assert driver.hear(Gone(3 - actor, "lost", True)) == []
    assert driver.engine.free == 0


def test_kinds_are_those_of_the_gpus_of_all_nodes_and_a_task_comes_to_its_own(
    driver: Driver,
) -> None:
    driver.join(H200, H200, H200_THERE, A100)
    assert driver.engine.kinds == {"NVIDIA H200": 3, "NVIDIA A100": 1}
    assert driver.submit("a", kind="NVIDIA A100").actor == 4
    assert driver.engine.kinds == {"NVIDIA H200": 3, "NVIDIA A100": 0}
    # the GPU with fewer trials comes first; that of another node is another one
    first, second = driver.submit("b").actor, driver.submit("c").actor
    assert {first, second} in ({1, 3}, {2, 3})
    driver.hear(Said(first, 2, Ended("b", COMPLETED)))
    ended = driver.hear(Said(second, 3, Ended("c", COMPLETED)))
    assert ended == [Ended("c", COMPLETED, shared=False)]
    driver.hear(Gone(4, "lost", True))
    assert driver.engine.kinds == {"NVIDIA H200": 3}


def test_trials_that_share_a_gpu_are_said_to_have_shared_it(driver: Driver) -> None:
    driver.join(H200, H200)
    driver.submit("a")
    driver.submit("b")
    memory = TrialEnd(Outcome.out_of_memory)
    actors = {trial: worker.number for trial, worker in driver.engine._busy.items()}
    (ended,) = driver.hear(Said(actors["a"], 1, Ended("a", memory)))
    assert ended == Ended("a", memory, shared=True)


def alone(driver: Driver, trial: str) -> None:
    """Submit a task that waits until it is alone."""
    driver.engine.submit(Task(trial, CONFIGURATION, 0, None, alone=True))
    assert driver.client.heard() == [] and list(driver.engine.waiting) == [trial]


def test_a_task_waits_to_be_alone_and_begins_when_the_others_have_ended(driver: Driver) -> None:
    driver.join(H200, H200)
    actor = driver.submit("a").actor
    alone(driver, "b")
    assert driver.engine.free == 0  # its place is kept
    driver.hear(Said(actor, 1, Ended("a", COMPLETED)))
    (said,) = driver.client.heard()
    assert isinstance(said, Submit) and said.task.trial == "b" and not driver.engine.waiting
    (ended,) = driver.hear(Said(said.actor, said.attempt, Ended("b", COMPLETED)))
    assert ended == Ended("b", COMPLETED, shared=False) and driver.engine.free == 2


@pytest.mark.parametrize("blameless", [True, False])
def test_a_task_that_waits_to_be_alone_begins_where_the_other_actor_is_lost(
    driver: Driver, blameless: bool
) -> None:
    driver.join(H200, H200)
    busy = driver.submit("a").actor
    alone(driver, "b")
    (ended,) = driver.hear(Gone(busy, "lost", blameless))
    assert ended.trial == "a"
    (said,) = driver.client.heard()
    assert isinstance(said, Submit) and (said.actor, said.task.trial) == (3 - busy, "b")


def test_a_task_that_waits_goes_on_waiting_where_the_idle_actor_is_lost(driver: Driver) -> None:
    driver.join(H200, H200)
    busy = driver.submit("a").actor
    alone(driver, "b")
    assert driver.hear(Gone(3 - busy, "lost", True)) == []
    assert list(driver.engine.waiting) == ["b"]
    driver.hear(Said(busy, 1, Ended("a", COMPLETED)))
    (said,) = driver.client.heard()
    assert isinstance(said, Submit) and (said.actor, said.task.trial) == (busy, "b")


def test_a_task_that_waits_is_given_back_where_its_place_is_lost(driver: Driver) -> None:
    driver.join(H200, H200)
    busy = driver.submit("a").actor
    alone(driver, "b")
    events = driver.hear(Gone(3 - busy, "lost", True), Gone(busy, "lost", True))
    assert [(each.trial, each.blameless) for each in events] == [("b", True), ("a", True)]
    assert not driver.engine.waiting and driver.client.heard() == []
    driver.join(H200, first=3)  # the node is back: its place is kept for nobody
    assert driver.engine.free == 1


def test_a_waiting_task_can_be_killed_and_its_place_is_free_again(driver: Driver) -> None:
    driver.join(H200, H200)
    driver.submit("a")
    alone(driver, "b")
    driver.engine.kill("b", TIMEOUT)
    assert driver.client.heard() == []
    assert list(driver.engine.events(0)) == [Ended("b", TIMEOUT)]
    assert driver.engine.free == 1


def test_a_task_waits_for_a_worker_that_ends_a_trial_by_force(driver: Driver) -> None:
    driver.join(H200, H200)
    driver.submit("a")
    driver.submit("b")
    actors = {trial: worker.number for trial, worker in driver.engine._busy.items()}
    driver.hear(Said(actors["a"], 1, Ended("a", COMPLETED)))
    alone(driver, "c")
    driver.hear(Gone(actors["a"], "lost", True))
    driver.engine.kill("b", TIMEOUT)
    assert driver.client.heard() == [Kill(actors["b"], 2)]  # nobody is idle at the place
    assert driver.engine.events(0) == [Ended("b", TIMEOUT, shared=True)]
    killed = Ended("b", TrialEnd(Outcome.interrupted))
    assert driver.hear(Said(actors["b"], 2, killed)) == []
    (said,) = driver.client.heard()
    assert isinstance(said, Submit) and said.task.trial == "c"


def test_what_the_client_has_to_say_reaches_the_user(
    driver: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    driver.hear(Notice("1 worker has no place"))
    assert caplog.messages == ["1 worker has no place"]
    with pytest.raises(WorkersError, match="no node can take part"):
        driver.hear(Failed(WorkersError("no node can take part")))


def test_a_client_that_ends_is_told_by_its_last_words_and_nothing_fails_before_it_is_asked(
    driver: Driver,
) -> None:
    driver.join(ONE)
    driver.submit("a")
    driver.client.printed.write(b"Traceback\nSomeError: of Ray\n")
    driver.client.printed.flush()
    driver.client.pipe.close()
    driver.engine.kill("a", TIMEOUT)  # which nobody hears
    assert list(driver.engine.events(0)) == [Ended("a", TIMEOUT)]
    with pytest.raises(ClusterError, match=r"has ended \(SomeError: of Ray\); .* is kept"):
        driver.engine.events(0)


def test_closing_asks_the_client_to_end(driver: Driver) -> None:
    driver.engine.close()
    assert driver.client.pipe.recv() is None
    driver.engine.close()  # again: nothing


def test_a_ray_of_our_own_listens_on_this_machine_to_those_who_know_its_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "head:1")
    own, again = (environment_for(replace(WANTED, address=None)) for _ in range(2))
    assert "RAY_ADDRESS" not in own
    assert own["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0" and own["RAY_AUTH_MODE"] == "token"
    assert len(own["RAY_AUTH_TOKEN"]) == 64 and own["RAY_AUTH_TOKEN"] != again["RAY_AUTH_TOKEN"]
    other = environment_for(WANTED)
    assert other["RAY_ADDRESS"] == "head:1" and "RAY_AUTH_MODE" not in other
    assert own["RAY_USAGE_STATS_ENABLED"] == other["RAY_USAGE_STATS_ENABLED"] == "0"


def test_an_epoch_of_an_actor_that_was_lost_right_after_it_is_heard_and_not_answered(
    driver: Driver,
) -> None:
    driver.join(ONE)
    driver.submit("a")
    events = driver.hear(Said(1, 1, Epoch("a", 1, {})), Gone(1, "killed"))
    assert [type(event) for event in events] == [Epoch, Ended]
    for answer in (driver.engine.proceed, driver.engine.stop, driver.engine.interrupt):
        answer("a")
    assert driver.client.heard() == []
