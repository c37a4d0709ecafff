"""A slot for a worker: the actors that hold it one after the other, and what is said to them."""

from __future__ import annotations

import asyncio
import itertools
import pickle
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, OutOfMemoryError, RayActorError, RayError

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
from studies.engines.ray.parcels import deliver, to_send
from studies.engines.ray.places_wanted import Places

AGAIN_SECONDS = 0.5
"""Between two calls of an actor that could not be reached."""
MAX_STARTUP_FAILURES = 3
"""Actors that may end before they have joined, one after the other, until that says enough."""
LOW_MEMORY = "running low on memory"
"""What Ray says of an actor that it has ended for that."""


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
        self._stored: dict[str, Any] = {}
        self._given = (
            (dict(order.terms.versions), pickle.dumps(order.terms)),
            pickle.dumps(order.perform),
            list(order.preload),
            places.cpus,
            bool(places.gpus),
        )
        ray.cloudpickle.register_pickle_by_value(actor_module)
        self._actor = ray.remote(
            max_restarts=0, max_task_retries=0, concurrency_groups={"news": 1, "answers": 1}
        )(actor_module.SlotActor)

    def new_actor(self) -> tuple[Any, Any]:
        """An actor on any node that may take part, and what it says once it has joined or not."""
        options: dict[str, Any] = {"num_cpus": self.places.cpus, "num_gpus": self.places.gpus}
        if self.refused:
            options["label_selector"] = {"ray.io/node-id": f"!in({','.join(self.refused)})"}
        actor = self._actor.options(**options).remote()
        return actor, actor.join.remote(*self._given)

    def refuse(self, node: str, name: str, reasons: list[str]) -> None:
        """Let a node take no part, and say why, once."""
        if node in self.refused:
            return
        self.refused[node] = "; ".join(reasons)
        self.tell(Notice(f"node {name} of the Ray cluster cannot take part: {self.refused[node]}"))
        able = {node for node, has in self.cluster.nodes().items() if self.places.fit(has)}
        if able <= self.refused.keys():
            said = "; ".join(dict.fromkeys(self.refused.values()))
            self.tell(Failed(WorkersError(f"no node of the Ray cluster can take part: {said}")))

    def stored(self, path: str | None) -> Any:
        """The content of a file that trainings start from, in Ray's store once for all of them."""
        if path is None:
            return None
        if path not in self._stored:
            with open(path, "rb") as file:
                self._stored[path] = ray.put(file.read())
        return self._stored[path]


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
        self._shares_home = True
        self._task: Task | None = None
        self._attempt = 0

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
                if await self._join():
                    self._failures = 0
                    await self._exchange()
            except (RayActorError, OutOfMemoryError) as error:
                await self._lost(error)
            except RayError as error:
                text = f"Ray cannot be used any more: {first_line(error)}"
                crew.tell(Failed(ClusterError(text)))
                return
            except FairtuneError as error:
                crew.tell(Failed(error))
                return
            finally:
                await asyncio.to_thread(self.end)  # it hangs where the head has gone
                crew.by_number.pop(self.number, None)
                self.since = time.monotonic()
                self._clear()

    async def _join(self) -> bool:
        """Place an actor in the slot; whether it can take part."""
        self._actor, joining = self._crew.new_actor()
        joined = await joining
        self.placed, self._node = True, joined["node"]
        if refused := joined.get("refused"):
            self._crew.refuse(self._node, joined["name"], refused)
            return False
        self._shares_home = joined["shares_home"]
        self.number = next(self._crew.numbers)
        self._crew.by_number[self.number] = self
        self._crew.tell(Ready(self.number, joined["place"]))
        return True

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

    async def _listen(self) -> None:
        """Hear what an actor says, one call after the other."""
        after = 0
        while True:
            method = self._actor.listen.options(concurrency_group="news")
            for message in await self._ask(partial(method.remote, after)):
                after = message.number
                self._pass_on(message)

    def _pass_on(self, message: Message) -> None:
        if message.event is None:
            raise WorkersError(message.error)
        if message.attempt != self._attempt:
            return  # of a trial that has been ended by force
        if message.files and self._task is not None:
            deliver(self._task, message.files)
        if isinstance(message.event, Ended):
            self._task = None
        self._crew.tell(Said(self.number, message.attempt, message.event))

    async def _send(self) -> None:
        """Say to an actor what the driver says, in its order."""
        while True:
            message = await self.mail.get()
            await self._ask(self._call(message))

    def _call(self, message: ToActor) -> Callable[[], Awaitable[Any]]:
        """The call that says a message to an actor; it may be made again."""
        actor = self._actor
        match message:
            case Submit():
                self._task, self._attempt = message.task, message.attempt
                files: dict[str, bytes] = {}
                weights = None
                if not self._shares_home:
                    files = to_send(message.task)
                    weights = self._crew.stored(message.task.weights)
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
            except ActorUnavailableError:  # it may have arrived, or its node may be dying
                await asyncio.sleep(AGAIN_SECONDS)

    async def _lost(self, error: RayError) -> None:
        """The actor has ended: by itself, by force, or with its node."""
        reason = why_it_died(error)
        preempted = isinstance(error, RayActorError) and error.preempted
        alive = await asyncio.to_thread(self._crew.cluster.nodes)  # as `end`
        if self.placed:
            blameless = preempted or self._node not in alive
            memory = isinstance(error, OutOfMemoryError) or LOW_MEMORY in reason
            self._crew.tell(Gone(self.number, reason, blameless, memory))
            return
        self._failures += 1
        if self._failures == MAX_STARTUP_FAILURES:
            self._crew.tell(Failed(WorkersError(f"no worker can be started by Ray: {reason}")))


def why_it_died(error: RayError) -> str:
    """Ray's words for it: without what is about Ray, and in one line."""
    lines = [line.strip() for line in str(error).splitlines()]
    kept = [line for line in lines if line and ":" not in line.split(" ")[0]]
    return " ".join(kept)[:500] or type(error).__name__


def first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
