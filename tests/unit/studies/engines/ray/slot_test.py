"""What is said to actors arrives, whatever Ray does meanwhile, and nodes that cannot take part are
asked once."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.errors import ClusterError, StorageError, WorkersError
from studies.engines import Answer, Ended, Epoch, Event, Task
from studies.engines.places import WITHOUT_GPU
from studies.engines.ray.messages import (
    Failed,
    FromClient,
    Gone,
    Kill,
    Notice,
    Order,
    Ready,
    Reply,
    Said,
    Submit,
    Wanted,
)
from studies.engines.ray.places_wanted import Places
from studies.engines.ray.terms import Terms
from studies.records import Outcome, TrialEnd
from tests.support import pretended_ray as exceptions
from tests.support.pretended_ray import pretended_ray

CONFIGURATION = Configuration.resolve({"data": "digits", "model": "mlp"})
COMPLETED = TrialEnd(Outcome.completed, epochs=1)
UNAVAILABLE = exceptions.ActorUnavailableError("it does not answer")


def died(words: str, preempted: bool = False) -> Exception:
    return exceptions.RayActorError(words, preempted)


@dataclass
class Message:
    number: int
    attempt: int
    event: Event | None
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    error: str = ""


class Method:
    """A method of an actor: `method.options(...).remote(...)`."""

    def __init__(self, call: Callable[..., Awaitable[Any]]) -> None:
        self.remote = call

    def options(self, concurrency_group: str) -> "Method":
        return self


class Actor:
    """An actor on a node of the test's, which says what it is given to say."""

    def __init__(self, node: "Node") -> None:
        self.node = node
        self.heard: list[Any] = []
        self.says: asyncio.Queue[Any] = asyncio.Queue()
        self.fails: dict[str, list[Exception]] = {}
        """What calls raise, after they have arrived."""
        for name in ("join", "differences", "begin", "listen", "submit", "answer", "kill"):
            setattr(self, name, Method(getattr(self, f"_{name}")))

    async def _join(self, terms: Any) -> dict[str, Any]:
        if self.node.dies_joining is not None:
            raise self.node.dies_joining
        return {"node": self.node.id, "name": self.node.name, "refused": self.node.refused}

    async def _differences(self) -> list[str]:
        self.node.compared += 1
        await asyncio.sleep(0)
        error, self.node.raises = self.node.raises, None
        if error is not None:
            raise error
        return self.node.differences

    async def _begin(self, *work: Any) -> dict[str, Any]:
        if self.node.dies_beginning is not None:
            raise self.node.dies_beginning
        return {"place": replace(WITHOUT_GPU, node=self.node.id), "shares_home": self.node.shares}

    async def _listen(self, after: int) -> list[Message]:
        self.heard.append(("listen", after))
        said = await self.says.get()
        if isinstance(said, Exception):
            raise said
        return [said]

    async def _submit(self, *given: Any) -> None:
        await self._take("submit", *given)

    async def _answer(self, *given: Any) -> None:
        await self._take("answer", *given)

    async def _kill(self, *given: Any) -> None:
        await self._take("kill", *given)

    async def _take(self, *call: Any) -> None:
        self.heard.append(call)
        if failures := self.fails.get(call[0]):
            raise failures.pop(0)


@dataclass
class Node:
    id: str
    name: str
    refused: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    shares: bool = True
    raises: Exception | None = None
    """Once, while files are compared."""
    dies_joining: Exception | None = None
    dies_beginning: Exception | None = None
    compared: int = 0
    actors: list[Actor] = field(default_factory=list)


class Cluster:
    """A cluster of pretended nodes: actors go to the first that may have them, in turn."""

    def __init__(self, *nodes: Node, is_ours: bool = False) -> None:
        self.alive = list(nodes)
        self.is_ours = is_ours
        self.options: list[Mapping[str, Any]] = []
        self._turn = 0

    def nodes(self) -> dict[str, Mapping[str, float]]:
        return {node.id: {"CPU": 4.0} for node in self.alive}

    def make(self, **options: Any) -> Any:
        self.options.append(options)
        selector = options.get("label_selector", {}).get("ray.io/node-id", "!in()")
        able = [node for node in self.alive if node.id not in selector]
        self._turn += 1

        class Options:
            @staticmethod
            def remote() -> Actor:
                if not able:
                    return Waiting(Node("", ""))
                node = able[self._turn % len(able)]
                node.actors.append(Actor(node))
                return node.actors[-1]

        return Options


class Waiting(Actor):
    async def _join(self, terms: Any) -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError


class Driver:
    """The driver's end: what it was told, and slots on a cluster."""

    def __init__(self, cluster: Cluster, slots: int, module: Any) -> None:
        wanted = Wanted("head:1", "", slots, 1, 1, 1, "cpu")
        self.told: asyncio.Queue[FromClient] = asyncio.Queue()
        order = Order(wanted, Terms({"torch": "2.14"}), len, ())  # type: ignore[arg-type]
        places = Places(slots, 1, 0.0)
        self.module = module
        self.crew = module.Crew(order, places, cluster, self.told.put_nowait)
        self.crew._actor = type("Actors", (), {"options": staticmethod(cluster.make)})
        self.slots = [module.Slot(self.crew) for _ in range(slots)]
        self.serving = [asyncio.ensure_future(slot.serve()) for slot in self.slots]

    async def hear(self) -> FromClient:
        return await asyncio.wait_for(self.told.get(), 30)

    async def ready(self) -> tuple[int, Any]:
        """The next actor that joins, by its number, and its slot."""
        message = await self.hear()
        assert isinstance(message, Ready)
        return message.actor, next(each for each in self.slots if each.number == message.actor)

    def leave(self) -> None:
        for each in self.serving:
            each.cancel()


def task(trial: str = "a", **more: Any) -> Task:
    return Task(trial, CONFIGURATION, 0, None, **more)


async def settle() -> None:
    """Let everything happen that can."""
    for _ in range(20):
        await asyncio.sleep(0.005)


def quick(slot: Any) -> ExitStack:
    """Nobody waits before a call is made again, or a node looked for once more."""
    crew = sys.modules["studies.engines.ray.crew"]
    patches = ExitStack()
    patches.enter_context(mock.patch.object(crew, "AGAIN_SECONDS", 0.0))
    patches.enter_context(mock.patch.object(slot, "LOOK_SECONDS", 0.0))
    return patches


Play = Callable[..., None]


@pytest.fixture
def play() -> Play:
    """Plays a scene with a driver, on a cluster."""

    def run(cluster: Cluster, scene: Callable[[Driver], Awaitable[None]], slots: int = 1) -> None:
        async def whole(module: Any) -> None:
            driver = Driver(cluster, slots, module)
            try:
                await scene(driver)
            finally:
                driver.leave()

        with pretended_ray("slot") as module, quick(module):
            asyncio.run(whole(module))

    return run


def test_calls_are_made_again_until_they_are_known_to_have_arrived(play: Play) -> None:
    node = Node("n1", "one")

    async def scene(driver: Driver) -> None:
        number, slot = await driver.ready()
        (actor,) = node.actors
        actor.fails = {"submit": [UNAVAILABLE, UNAVAILABLE], "answer": [UNAVAILABLE]}
        slot.mail.put_nowait(Submit(number, 7, task()))
        slot.mail.put_nowait(Reply(number, 7, 1, Answer.proceed))
        slot.mail.put_nowait(Kill(number, 7))
        await settle()
        assert [call[:2] for call in actor.heard if call[0] != "listen"] == [
            ("submit", 7), ("submit", 7), ("submit", 7), ("answer", 7), ("answer", 7), ("kill", 7),
        ]  # fmt: skip
        for error in (UNAVAILABLE, exceptions.ObjectLostError(), exceptions.NodeDiedError()):
            actor.says.put_nowait(error)
        actor.says.put_nowait(Message(4, 7, Epoch("a", 1, {})))
        assert await driver.hear() == Said(number, 7, Epoch("a", 1, {}))
        await settle()
        assert [call[1] for call in actor.heard if call[0] == "listen"] == [0, 0, 0, 0, 4]

    play(Cluster(node), scene)


def test_what_an_earlier_attempt_says_is_not_passed_on(play: Play, tmp_path: Path) -> None:
    node = Node("n1", "one")

    async def scene(driver: Driver) -> None:
        number, slot = await driver.ready()
        slot.mail.put_nowait(Submit(number, 2, task(continuation=str(tmp_path / "c"))))
        await settle()
        (actor,) = node.actors
        late = {"continuation/last": b"late"}
        actor.says.put_nowait(Message(1, 1, Ended("a", COMPLETED), late))
        actor.says.put_nowait(Message(2, 2, Ended("a", COMPLETED)))
        assert await driver.hear() == Said(number, 2, Ended("a", COMPLETED))
        assert not (tmp_path / "c").exists()

    play(Cluster(node), scene)


def test_files_are_at_home_before_the_driver_hears_of_them(play: Play, tmp_path: Path) -> None:
    node = Node("n1", "one", shares=False)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "last").write_bytes(b"earlier")
    (tmp_path / "start.pt").write_bytes(b"weights")
    given = task(continuation=str(tmp_path / "c"), weights=str(tmp_path / "start.pt"))

    async def scene(driver: Driver) -> None:
        number, slot = await driver.ready()
        slot.mail.put_nowait(Submit(number, 1, given))
        await settle()
        (actor,) = node.actors
        assert actor.heard[-1][3:] == (
            {"continuation/last": b"earlier"}, ("stored", b"weights"),
        )  # fmt: skip
        actor.says.put_nowait(Message(1, 1, None, {"continuation/last": b"midst"}))
        await settle()
        assert (tmp_path / "c" / "last").read_bytes() == b"midst"
        state = {"continuation/last": b"later"}
        actor.says.put_nowait(Message(2, 1, Epoch("a", 1, {}), state))
        assert isinstance(await driver.hear(), Said)  # the first thing that it hears
        assert (tmp_path / "c" / "last").read_bytes() == b"later"

    play(Cluster(node), scene)


def test_weights_that_are_gone_from_the_home_and_a_home_that_is_full_end_the_study(
    play: Play, tmp_path: Path
) -> None:
    async def gone(driver: Driver) -> None:
        number, slot = await driver.ready()
        slot.mail.put_nowait(Submit(number, 1, task(weights=str(tmp_path / "gone.pt"))))
        failed = await driver.hear()
        assert isinstance(failed, Failed) and isinstance(failed.error, StorageError)
        assert str(failed.error) == f"{tmp_path}/gone.pt cannot be read: No such file or directory"

    async def full(driver: Driver) -> None:
        (tmp_path / "file").touch()
        number, slot = await driver.ready()
        slot.mail.put_nowait(Submit(number, 1, task(continuation=str(tmp_path / "file" / "c"))))
        await settle()
        actor = slot._actor
        actor.says.put_nowait(Message(1, 1, Epoch("a", 1, {}), {"continuation/last": b"1"}))
        failed = await driver.hear()
        assert isinstance(failed, Failed) and isinstance(failed.error, StorageError)

    for scene in (gone, full):
        play(Cluster(Node("n1", "one", shares=False)), scene)


def test_a_node_that_differs_is_named_once_and_gets_no_more_actors(play: Play) -> None:
    bad = Node("n1", "one", refused=["it has torch 9.9.9, the driver 2.14"])
    good = Node("n2", "two")
    cluster = Cluster(bad, good)

    async def scene(driver: Driver) -> None:
        told = [await driver.hear() for _ in range(5)]
        notices = [each for each in told if isinstance(each, Notice)]
        assert [each.text for each in notices] == [
            "node one of the Ray cluster cannot take part: it has torch 9.9.9, the driver 2.14; "
            "once that is mended, start Ray there again"
        ]
        assert sum(isinstance(each, Ready) for each in told) == 4
        assert len(good.actors) == 4 and bad.compared == 0
        selectors = [each.get("label_selector") for each in cluster.options]
        assert selectors[-1] == {"ray.io/node-id": "!in(n1)"}

    play(cluster, scene, slots=4)


def test_the_files_of_a_node_are_read_by_one_actor_for_all(play: Play) -> None:
    bad = Node("n1", "one", differences=["t.csv is not there"])
    good = Node("n2", "two")

    async def scene(driver: Driver) -> None:
        told = [await driver.hear() for _ in range(5)]
        assert sum(isinstance(each, Notice) for each in told) == 1
        assert (bad.compared, good.compared) == (1, 1)
        assert len(bad.actors) > 1 and len(good.actors) > 1

    play(Cluster(bad, good), scene, slots=4)


def test_where_all_nodes_differ_the_study_ends_with_all_reasons(play: Play) -> None:
    nodes = [
        Node("n1", "one", refused=["it has torch 9.9.9, the driver 2.14"]),
        Node("n2", "two", differences=["t.csv is not there"]),
    ]

    async def scene(driver: Driver) -> None:
        told = [await driver.hear() for _ in range(3)]
        failed = told[-1]
        assert isinstance(failed, Failed) and type(failed.error) is WorkersError
        assert str(failed.error) == (
            "no node of the Ray cluster can take part: t.csv is not there; it has torch 9.9.9, "
            "the driver 2.14; once that is mended, run the same command"
        )

    play(Cluster(*nodes), scene)


def test_a_node_that_cannot_begin_or_train_any_more_is_left_to_others(play: Play) -> None:
    cause = OSError(28, "No space left on device")
    raises = exceptions.RayTaskError(cause)
    bad, good = Node("n1", "one", raises=raises), Node("n2", "two")

    async def scene(driver: Driver) -> None:
        told = [await driver.hear() for _ in range(3)]
        (notice,) = [each for each in told if isinstance(each, Notice)]
        assert "OSError: [Errno 28] No space left on device" in notice.text
        (ready, _) = [each for each in told if isinstance(each, Ready)]
        slot = next(each for each in driver.slots if each.number == ready.actor)
        slot.mail.put_nowait(Submit(ready.actor, 1, task()))
        await settle()
        slot._actor.says.put_nowait(Message(1, 1, None, error="no worker can be started: why"))
        gone = await driver.hear()
        assert gone == Gone(ready.actor, "on two: no worker can be started: why", blameless=True)
        assert "no worker can be started" in str(await driver.hear())
        assert isinstance(await driver.hear(), Failed)  # it was the last one

    play(Cluster(bad, good), scene, slots=2)


def test_of_ray_on_this_machine_the_reason_alone_is_said(play: Play) -> None:
    node = Node("n1", "one", differences=["t.csv differs"])

    async def scene(driver: Driver) -> None:
        failed = await driver.hear()
        assert isinstance(failed, Failed)
        assert str(failed.error) == "t.csv differs; once that is mended, run the same command"

    play(Cluster(node, is_ours=True), scene)


@pytest.mark.parametrize(
    ("error", "alive", "blameless", "memory"),
    [
        (died("it was killed"), True, False, False),
        (died("its node has gone"), False, True, False),
        (died("it was preempted", preempted=True), True, True, False),
        (died("killed as the node was running low on memory"), True, False, True),
        (exceptions.OutOfMemoryError("the memory monitor"), True, False, True),
    ],
)
def test_what_an_actor_died_of_is_told_and_another_one_takes_its_slot(
    play: Play, error: Exception, alive: bool, blameless: bool, memory: bool
) -> None:
    nodes = [Node("n1", "one"), Node("n2", "two")]
    cluster = Cluster(*nodes)

    async def scene(driver: Driver) -> None:
        number, slot = await driver.ready()
        if not alive:
            cluster.alive = [each for each in cluster.alive if each.id != slot._node]
        slot._actor.says.put_nowait(error)
        gone = await driver.hear()
        assert isinstance(gone, Gone)
        assert (gone.actor, gone.blameless, gone.out_of_memory) == (number, blameless, memory)
        another, _ = await driver.ready()
        assert another != number  # no number comes twice

    play(cluster, scene)


def test_actors_that_die_before_they_have_joined_end_the_study_at_the_third(play: Play) -> None:
    node = Node("n1", "one", dies_joining=died("it cannot be made"))

    async def scene(driver: Driver) -> None:
        failed = await driver.hear()
        assert isinstance(failed, Failed)
        assert str(failed.error) == "on the Ray cluster no worker can be started: it cannot be made"
        assert len(node.actors) == driver.module.MAX_STARTUP_FAILURES

    play(Cluster(node), scene)


def test_an_actor_that_dies_while_files_are_compared_is_not_told_of_and_the_next_compares(
    play: Play,
) -> None:
    node = Node("n1", "one", raises=died("it was killed"))

    async def scene(driver: Driver) -> None:
        await driver.ready()  # the first thing that the driver hears
        assert node.compared == 2

    play(Cluster(node), scene)


def test_what_ray_itself_says_ends_the_study_so_that_it_can_be_continued(play: Play) -> None:
    node = Node("n1", "one")

    async def scene(driver: Driver) -> None:
        await driver.ready()
        node.actors[0].says.put_nowait(exceptions.RaySystemError("it is broken"))
        failed = await driver.hear()
        assert isinstance(failed, Failed) and isinstance(failed.error, ClusterError)

    play(Cluster(node), scene)


def test_a_node_on_which_no_worker_can_be_started_takes_no_part(play: Play) -> None:
    bad = Node("n1", "one", dies_beginning=died("it was killed"))

    async def scene(driver: Driver) -> None:
        notice, failed = await driver.hear(), await driver.hear()
        assert isinstance(notice, Notice)
        assert notice.text.startswith("node one of the Ray cluster cannot take part: no worker can")
        assert isinstance(failed, Failed) and isinstance(failed.error, WorkersError)
        assert len(bad.actors) == driver.module.MAX_STARTUP_FAILURES
        assert driver.crew.refused.keys() == {"n1"}

    play(Cluster(bad), scene)


def test_an_actor_that_is_heard_of_before_its_node_dies_is_not_blamed(play: Play) -> None:
    nodes = [Node("n1", "one"), Node("n2", "two")]
    cluster = Cluster(*nodes)

    async def scene(driver: Driver) -> None:
        _, slot = await driver.ready()
        node, looked = slot._node, 0
        all_nodes = cluster.nodes

        def dying() -> Mapping[str, Mapping[str, float]]:
            nonlocal looked
            looked += 1
            return {name: has for name, has in all_nodes().items() if looked < 3 or name != node}

        cluster.nodes = dying  # type: ignore[method-assign,assignment]
        slot._actor.says.put_nowait(died("its process was killed"))
        gone = await driver.hear()
        assert isinstance(gone, Gone) and gone.blameless and looked == 3

    play(cluster, scene)


def test_a_node_that_has_no_room_for_what_is_said_is_left_to_others(play: Play) -> None:
    node = Node("n1", "one")
    cluster = Cluster(node)

    async def scene(driver: Driver) -> None:
        number, slot = await driver.ready()
        slot._actor.says.put_nowait(exceptions.OutOfDiskError("its disk is full"))
        gone = await driver.hear()
        assert gone == Gone(number, "on one: its disk is full", blameless=True)
        notice = await driver.hear()
        assert isinstance(notice, Notice) and "its disk is full" in notice.text

    play(cluster, scene)
