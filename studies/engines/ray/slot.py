"""A slot for a worker: the actors that hold it one after the other, and what is said to them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import ray
from ray.exceptions import OutOfMemoryError, RayActorError, RayError

from lightning_modules.errors import ClusterError, FairtuneError, WorkersError
from studies.engines import Ended, Task
from studies.engines.ray.crew import Crew, NodeError, ask, first_line
from studies.engines.ray.host import Message
from studies.engines.ray.messages import (
    Failed,
    Gone,
    Kill,
    Notice,
    Ready,
    Reply,
    Said,
    Submit,
    ToActor,
)
from studies.engines.ray.parcels import deliver, to_send
from studies.engines.ray.reasons import why_it_died

LOOKS, LOOK_SECONDS = 4, 1.0
"""How often, and after how long, a node is looked for whose actor has ended."""
MAX_STARTUP_FAILURES = 3
"""Actors that may end before they have joined, one after the other, until that says enough."""
LOW_MEMORY = "running low on memory"
"""What Ray says of an actor that it has ended for that."""


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
                if self._failures == MAX_STARTUP_FAILURES and not await self._goes_on(error):
                    return
            except RayError as error:
                crew.tell(Failed(ClusterError(f"Ray has failed: {first_line(error)}")))
                return
            except FairtuneError as error:
                crew.tell(Failed(error))
                return
            finally:
                await asyncio.to_thread(self.end)  # it hangs where the head has gone
                crew.mails.pop(self.number, None)
                self.since = time.monotonic()
                self._clear()

    async def _join(self) -> None:
        """Place an actor in the slot; NodeError where its node cannot take part."""
        crew = self._crew
        self._actor = crew.new_actor()
        joined = await ask(partial(self._actor.join.remote, crew.terms))
        self.placed, self._node, self._name = True, joined["node"], joined["name"]
        refused = joined["refused"] or await crew.differences(self._node, self._actor)
        if refused:
            raise NodeError("; ".join(refused))
        begun = await ask(partial(self._actor.begin.remote, *crew.work))
        self._shares_home = begun["shares_home"]
        self.number = next(crew.numbers)
        crew.mails[self.number] = self.mail
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

    async def _listen(self) -> None:
        """Hear what an actor says, one call after the other."""
        after = 0
        while True:
            method = self._actor.listen.options(concurrency_group="news")
            for message in await ask(partial(method.remote, after)):
                after = message.number
                await self._pass_on(message)

    async def _pass_on(self, message: Message) -> None:
        if message.error:
            raise NodeError(message.error)
        if message.attempt != self._attempt:
            return  # of a trial that has been ended by force
        if message.files and self._task is not None:
            await asyncio.to_thread(deliver, self._task, message.files)
        if isinstance(message.event, Ended):
            self._task = None
        if message.event is not None:
            self._crew.tell(Said(self.number, message.attempt, message.event))

    async def _send(self) -> None:
        """Say to an actor what the driver says, in its order."""
        while True:
            message = await self.mail.get()
            await ask(await self._call(message))

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

    def _gone(self, reason: str, blameless: bool, out_of_memory: bool = False) -> None:
        said = f"on {self._name}: {reason}"
        self._crew.tell(Gone(self.number, said, blameless, out_of_memory))

    async def _lost(self, error: RayError) -> None:
        """The actor has ended: by itself, by force, or with its node."""
        reason = why_it_died(str(error)) or type(error).__name__
        preempted = isinstance(error, RayActorError) and error.preempted
        blameless = preempted or (bool(self._node) and await self._node_goes())
        if self.number:
            memory = isinstance(error, OutOfMemoryError) or LOW_MEMORY in str(error)
            self._gone(reason, blameless, memory)
            return
        self._failures += not blameless

    async def _node_goes(self) -> bool:
        """Whether the node is gone, or goes: its actors may be heard of before that."""
        for _ in range(LOOKS):
            alive = await asyncio.to_thread(self._crew.cluster.nodes)  # as `end`
            if self._node not in alive:
                return True
            if self._crew.cluster.is_ours:
                return False
            await asyncio.sleep(LOOK_SECONDS)
        return False

    async def _goes_on(self, error: RayError) -> bool:
        """Whether another actor is asked for after several that could not be started."""
        reason = f"no worker can be started: {why_it_died(str(error)) or type(error).__name__}"
        self._failures = 0
        if self._node:
            await self._crew.refuse(self._node, self._name, reason)
            return True
        if self._crew.mails:  # others train
            self._crew.tell(Notice(f"of the Ray cluster one worker less takes part: {reason}"))
        else:
            self._crew.tell(Failed(WorkersError(f"on the Ray cluster {reason}")))
        return False
