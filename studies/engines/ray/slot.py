"""A slot for a worker: the actors that hold it one after the other, and what is said to them."""

from __future__ import annotations

import asyncio
import itertools
import pickle
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import ray
from ray.exceptions import (
    ActorUnavailableError,
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    RayActorError,
    RayError,
    RayTaskError,
)

from lightning_modules.errors import ClusterError, FairtuneError, WorkersError
from studies.engines import Ended, Task
from studies.engines.ray import actor as actor_module
from studies.engines.ray.connecting import Cluster
from studies.engines.ray.host import Message
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
    ToActor,
)
from studies.engines.ray.parcels import to_send
from studies.engines.ray.places_wanted import Places
from studies.engines.ray.reasons import why_it_died
from studies.engines.ray.transfers import Store, bring_home

AGAIN_SECONDS = 0.5
"""Between two calls of an actor that could not be reached."""
MAX_STARTUP_FAILURES = 3
"""Actors that may end before they have joined, one after the other, until that says enough."""
UNCLEAR = (ActorUnavailableError, NodeDiedError, ObjectLostError)
"""Raised where a call may have arrived, or its reply is lost: another one tells."""
LOW_MEMORY = "running low on memory"
"""What Ray says of an actor that it has ended for that."""


class NodeError(FairtuneError):
    """A node can train nothing, or nothing any more."""


class Crew:
    """What all slots have in common: the terms of joining, and who has joined."""

    def __init__(
        self, order: Order, places: Places, cluster: Cluster, tell: Callable[[FromClient], None]
    ) -> None:
        self.places = places
        self.cluster = cluster
        self.tell = tell
        self.numbers = itertools.count(1)
        self.by_number: dict[int, Slot] = {}
        """The slots whose actor has joined."""
        self.refused: dict[str, str] = {}
        """Why a node cannot take part, by its id."""
        self._differences: dict[str, list[str]] = {}
        """How the files of a node differ from the driver's, by its id."""
        self._comparing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.store = Store(lambda: {slot.weights for slot in self.by_number.values()})
        self.terms = (dict(order.terms.versions), pickle.dumps(order.terms))
        self.work = (
            pickle.dumps(order.perform), list(order.preload), places.cpus, bool(places.gpus)
        )  # fmt: skip
        ray.cloudpickle.register_pickle_by_value(actor_module)
        self._actor = ray.remote(
            max_restarts=0, max_task_retries=0, concurrency_groups={"news": 1, "answers": 1}
        )(actor_module.SlotActor)

    def new_actor(self) -> Any:
        """An actor on any node that may take part."""
        options: dict[str, Any] = {"num_cpus": self.places.cpus, "num_gpus": self.places.gpus}
        if self.refused:
            options["label_selector"] = {"ray.io/node-id": f"!in({','.join(self.refused)})"}
        return self._actor.options(**options).remote()

    async def differences(self, node: str, actor: Any) -> list[str]:
        """How the files of a node differ: its first actor reads them for all others."""
        async with self._comparing[node]:
            if node not in self._differences:
                self._differences[node] = await actor.differences.remote()
        return self._differences[node]

    async def refuse(self, node: str, name: str, reason: str) -> None:
        """Let a node take no part any more, and say why, once."""
        if node in self.refused:
            return
        self.refused[node] = reason
        if not self.cluster.is_ours:
            text = f"node {name} of the Ray cluster cannot take part: {reason}"
            self.tell(Notice(f"{text}; once that is mended, start Ray there again"))
        nodes = await asyncio.to_thread(self.cluster.nodes)  # it hangs where the head has gone
        if {node for node, has in nodes.items() if self.places.fit(has)} <= self.refused.keys():
            said = "; ".join(dict.fromkeys(self.refused.values()))
            if not self.cluster.is_ours:
                said = f"no node of the Ray cluster can take part: {said}"
            self.tell(Failed(WorkersError(f"{said}; once that is mended, run the same command")))


class Slot:
    """A place for an actor, and what it trains."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self.since = time.monotonic()
        """When an actor was asked for."""
        self._failures = 0
        self._clear()

    def _clear(self) -> None:
        self.number = 0
        """Of the actor."""
        self.mail: asyncio.Queue[ToActor] = asyncio.Queue()
        """What the driver says to it."""
        self.placed = False
        self._actor: Any = None
        self._node = ""
        self._name = ""
        self._shares_home = True
        self._task: Task | None = None
        self._attempt = 0
        self._killed = 0
        """The attempt that the driver has ended by force last."""

    @property
    def weights(self) -> str | None:
        """The file that its trial starts from."""
        return self._task.weights if self._task else None

    def hear(self, message: ToActor) -> None:
        """Take what the driver says; what it ends by force is ended from now on, though the actor
        may hear that much later."""
        if isinstance(message, Kill):
            self._killed = message.attempt
        self.mail.put_nowait(message)

    def end(self) -> None:
        """End the actor, if there is one, with all that it has started."""
        if self._actor is not None:
            with suppress(RayError, ValueError):
                ray.kill(self._actor)

    async def serve(self) -> None:
        """Keep an actor in the slot, one after the other."""
        crew = self._crew
        while True:
            try:
                await self._join()
                self._failures = 0
                await self._exchange()
            except NodeError as error:
                if self.number:
                    self._gone(str(error), blameless=True)
                await crew.refuse(self._node, self._name, str(error))
            except (RayActorError, OutOfMemoryError) as error:
                await self._lost(error)
                if self._failures == MAX_STARTUP_FAILURES:
                    return
            except RayError as error:
                crew.tell(Failed(ClusterError(f"Ray has failed: {first_line(error)}")))
                return
            except FairtuneError as error:
                crew.tell(Failed(error))
                return
            finally:
                await asyncio.to_thread(self.end)  # it hangs where the head has gone
                crew.by_number.pop(self.number, None)
                self.since = time.monotonic()
                self._clear()

    async def _join(self) -> None:
        """Place an actor in the slot; NodeError where its node cannot take part."""
        crew = self._crew
        self._actor = crew.new_actor()
        joined = await self._actor.join.remote(crew.terms)
        self.placed, self._node, self._name = True, joined["node"], joined["name"]
        try:
            refused = joined["refused"] or await crew.differences(self._node, self._actor)
            if refused:
                raise NodeError("; ".join(refused))
            begun = await self._actor.begin.remote(*crew.work)
        except RayTaskError as error:
            raise NodeError(f"{type(error.cause).__name__}: {first_line(error.cause)}") from error
        self._shares_home = begun["shares_home"]
        self.number = next(crew.numbers)
        crew.by_number[self.number] = self
        crew.tell(Ready(self.number, begun["place"]))

    async def _exchange(self) -> None:
        """Pass on what is said to an actor and by it, until it ends."""
        both = [asyncio.create_task(each) for each in (self._send(), self._listen())]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_EXCEPTION)
            for each in both:
                if each.done():
                    each.result()
        finally:
            for each in both:
                each.cancel()
            await asyncio.gather(*both, return_exceptions=True)  # a delivery ends first

    async def _listen(self) -> None:
        """Hear what an actor says, one call after the other."""
        after = 0
        while True:
            method = self._actor.listen.options(concurrency_group="news")
            for message in await self._ask(partial(method.remote, after)):
                after = message.number
                await self._pass_on(message)

    async def _pass_on(self, message: Message) -> None:
        if message.error:
            raise NodeError(message.error)
        if message.attempt != self._attempt:
            return  # of a trial that has been ended by force
        if message.files and self._task is not None:
            killed = message.attempt == self._killed
            await bring_home(self._task, message.files, killed=killed)
        if isinstance(message.event, Ended):
            self._task = None
        if message.event is not None:
            self._crew.tell(Said(self.number, message.attempt, message.event))

    async def _send(self) -> None:
        """Say to an actor what the driver says, in its order."""
        while True:
            message = await self.mail.get()
            await self._ask(await self._call(message))

    async def _call(self, message: ToActor) -> Callable[[], Awaitable[Any]]:
        """The call that says a message to an actor; it may be made again."""
        actor = self._actor
        match message:
            case Submit():
                self._task, self._attempt = message.task, message.attempt
                files: dict[str, bytes] = {}
                weights = None
                if not self._shares_home:
                    files = await asyncio.to_thread(to_send, message.task)
                    weights = await self._crew.store.put(message.task.weights)
                arguments: tuple[Any, ...] = (message.attempt, message.task, files, weights)
                method = actor.submit
            case Reply():
                arguments = (message.attempt, message.epoch, message.answer)
                method = actor.answer
            case Kill():
                arguments = (message.attempt,)
                method = actor.kill
        return partial(method.options(concurrency_group="answers").remote, *arguments)

    async def _ask(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Make a call until it is known to have arrived."""
        while True:
            try:
                return await call()
            except UNCLEAR:
                await asyncio.sleep(AGAIN_SECONDS)

    def _gone(self, reason: str, blameless: bool, out_of_memory: bool = False) -> None:
        said = f"on {self._name}: {reason}"
        self._crew.tell(Gone(self.number, said, blameless, out_of_memory))

    async def _lost(self, error: RayError) -> None:
        """The actor has ended: by itself, by force, or with its node."""
        reason = why_it_died(str(error)) or type(error).__name__
        preempted = isinstance(error, RayActorError) and error.preempted
        alive = await asyncio.to_thread(self._crew.cluster.nodes)  # as `end`
        blameless = preempted or (bool(self._node) and self._node not in alive)
        if self.number:
            memory = isinstance(error, OutOfMemoryError) or LOW_MEMORY in str(error)
            self._gone(reason, blameless, memory)
            return
        self._failures += not blameless
        if self._failures == MAX_STARTUP_FAILURES:
            self._crew.tell(Failed(WorkersError(f"no worker can be started by Ray: {reason}")))


def first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
