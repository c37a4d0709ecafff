"""The process that is connected to Ray: `python -m studies.engines.ray.client PIPE PARENT_PIPE`.

It asks Ray for an actor for each slot, and passes on what driver and actors say.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, OutOfMemoryError, RayActorError, RayError

from lightning_modules.errors import ClusterError, FairtuneError, WorkersError
from studies.engines import Ended, Task, process_group
from studies.engines.ray import actor as actor_module
from studies.engines.ray.connecting import Cluster, connect
from studies.engines.ray.host import Message
from studies.engines.ray.messages import (
    Failed,
    FromClient,
    Gone,
    Kill,
    Notice,
    Opened,
    Order,
    Ready,
    Reply,
    Said,
    Submit,
    ToActor,
)
from studies.engines.ray.parcels import deliver, to_send
from studies.engines.ray.places_wanted import places_wanted, why_not_placed

AGAIN_SECONDS = 0.5
"""Between two calls of an actor that could not be reached."""
LOOK_SECONDS = 1.0
WAIT_SECONDS = 60.0
"""How long a worker may have no place until that is said."""
HEAD_SECONDS = 15.0
"""How long the head of the cluster may be away."""
MAX_STARTUP_FAILURES = 3
"""Actors that may end before they have joined, one after the other, until that says enough."""


@dataclass(eq=False)
class Slot:
    """A place for an actor, and what it trains."""

    number: int = 0
    """Of its actor."""
    mail: asyncio.Queue[ToActor] = field(default_factory=asyncio.Queue)
    actor: Any = None
    node: str = ""
    """The id of the node that its actor is on."""
    shares_home: bool = True
    task: Task | None = None
    attempt: int = 0
    asked_at: float = field(default_factory=time.monotonic)
    placed: bool = False
    failures: int = 0


class Client:
    """Between the driver and the actors."""

    def __init__(self, pipe: Connection, order: Order, cluster: Cluster) -> None:
        self._pipe = pipe
        self._order = order
        self._cluster = cluster
        self._places = places_wanted(order.wanted, list(cluster.nodes().values()))
        self._slots = [Slot() for _ in range(self._places.workers)]
        self._numbers = itertools.count(1)
        self._by_number: dict[int, Slot] = {}
        """The slots whose actor has joined."""
        self._refused: dict[str, str] = {}
        """Why a node cannot take part, by its id."""
        self._weights: dict[str, Any] = {}
        """Files that trainings start from, in Ray's store."""
        self._terms = (
            dict(order.terms.versions),
            pickle.dumps(order.terms),
        )
        self._perform = pickle.dumps(order.perform)
        ray.cloudpickle.register_pickle_by_value(actor_module)
        self._actor = ray.remote(
            max_restarts=0, max_task_retries=0, concurrency_groups={"news": 1, "answers": 1}
        )(actor_module.SlotActor)

    def tell(self, message: FromClient) -> None:
        """Say something to the driver, or end with it."""
        try:
            self._pipe.send(message)
        except OSError:
            process_group.leave()

    async def run(self) -> None:
        """Serve until the driver is gone."""
        self.tell(Opened(len(self._slots)))
        asyncio.get_running_loop().add_reader(self._pipe.fileno(), self._hear)
        async with asyncio.TaskGroup() as group:
            for slot in self._slots:
                group.create_task(self._serve(slot))
            group.create_task(self._watch())

    def _hear(self) -> None:
        """Take what the driver says."""
        while self._pipe.poll():
            try:
                message: ToActor | None = self._pipe.recv()
            except (EOFError, OSError):
                message = None
            if message is None:
                self.leave()
            elif slot := self._by_number.get(message.actor):  # else it has gone
                slot.mail.put_nowait(message)

    def leave(self) -> None:
        """End the actors, and this process."""
        for slot in self._slots:
            if slot.actor is not None:
                with suppress(RayError, ValueError):
                    ray.kill(slot.actor)
        self._cluster.close()
        os._exit(0)

    async def _serve(self, slot: Slot) -> None:
        """Keep an actor in a slot, one after the other."""
        while True:
            try:
                if not await self._join(slot):
                    continue
                slot.failures = 0
                await self._exchange(slot)
            except (RayActorError, OutOfMemoryError) as error:
                self._lost(slot, error)
            except RayError as error:
                self.tell(Failed(ClusterError(f"Ray cannot be used any more: {first_line(error)}")))
                return
            finally:
                if slot.actor is not None:
                    with suppress(RayError, ValueError):
                        ray.kill(slot.actor)
                self._by_number.pop(slot.number, None)
                slot.actor, slot.placed, slot.asked_at = None, False, time.monotonic()
                slot.node, slot.task, slot.mail = "", None, asyncio.Queue()

    async def _join(self, slot: Slot) -> bool:
        """Place an actor in a slot; whether it can take part."""
        options: dict[str, Any] = {"num_cpus": self._places.cpus, "num_gpus": self._places.gpus}
        if self._refused:
            options["label_selector"] = {"ray.io/node-id": f"!in({','.join(self._refused)})"}
        slot.actor = self._actor.options(**options).remote()
        order, places = self._order, self._places
        call = slot.actor.join.remote(
            self._terms, self._perform, list(order.preload), places.cpus, bool(places.gpus)
        )
        joined = await call
        slot.placed, slot.node = True, joined["node"]
        if refused := joined.get("refused"):
            self._refuse(slot.node, joined["name"], refused)
            return False
        slot.shares_home = joined["shares_home"]
        slot.number = next(self._numbers)
        self._by_number[slot.number] = slot
        self.tell(Ready(slot.number, joined["place"]))
        return True

    def _refuse(self, node: str, name: str, reasons: list[str]) -> None:
        """Let a node take no part, and say why, once."""
        if node in self._refused:
            return
        self._refused[node] = "; ".join(reasons)
        text = f"node {name} of the Ray cluster cannot take part: {self._refused[node]}"
        self.tell(Notice(text))
        able = {node for node, has in self._cluster.nodes().items() if self._places.fit(has)}
        if able <= self._refused.keys():
            said = "; ".join(dict.fromkeys(self._refused.values()))
            self.tell(Failed(WorkersError(f"no node of the Ray cluster can take part: {said}")))

    async def _exchange(self, slot: Slot) -> None:
        """Pass on what is said to an actor and by it, until it ends."""
        sending = asyncio.create_task(self._send(slot))
        after = 0
        try:
            while True:
                messages = await self._ask(
                    lambda: slot.actor.listen.options(concurrency_group="news").remote(after)  # noqa: B023
                )
                for message in messages:
                    after = message.number
                    self._pass_on(slot, message)
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError, RayError):
                await sending

    def _pass_on(self, slot: Slot, message: Message) -> None:
        if message.event is None:
            self.tell(Failed(WorkersError(message.error)))
            return
        if message.attempt != slot.attempt:
            return  # of a trial that has been ended by force
        if message.files and slot.task is not None:
            try:
                deliver(slot.task, message.files)
            except FairtuneError as error:
                self.tell(Failed(error))
                return
        if isinstance(message.event, Ended):
            slot.task = None
        self.tell(Said(slot.number, message.attempt, message.event))

    async def _send(self, slot: Slot) -> None:
        """Say to an actor what the driver says, in its order."""
        while True:
            message = await slot.mail.get()
            await self._ask(self._call(slot, message))

    def _call(self, slot: Slot, message: ToActor) -> Callable[[], Awaitable[Any]]:
        """The call that says a message to an actor; it may be made again."""
        actor = slot.actor
        match message:
            case Submit():
                slot.task, slot.attempt = message.task, message.attempt
                files: dict[str, bytes] = {}
                weights = None
                if not slot.shares_home:
                    files = to_send(message.task)
                    weights = self._stored(message.task.weights)
                arguments: tuple[Any, ...] = (message.attempt, message.task, files, weights)
                method = actor.submit
            case Reply():
                arguments = (message.attempt, message.epoch, message.answer)
                method = actor.answer
            case Kill():
                arguments = (message.attempt,)
                method = actor.kill
        return lambda: method.options(concurrency_group="answers").remote(*arguments)

    def _stored(self, path: str | None) -> Any:
        """The content of a file, in Ray's store once for all trials."""
        if path is None:
            return None
        if path not in self._weights:
            with open(path, "rb") as file:
                self._weights[path] = ray.put(file.read())
        return self._weights[path]

    async def _ask(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Make a call until it is known to have arrived."""
        while True:
            try:
                return await call()
            except ActorUnavailableError:  # it may have arrived, or its node may be dying
                await asyncio.sleep(AGAIN_SECONDS)

    def _lost(self, slot: Slot, error: RayError) -> None:
        """An actor has ended: by itself, by force, or with its node."""
        reason = why_it_died(error)
        preempted = isinstance(error, RayActorError) and error.preempted
        blameless = preempted or (bool(slot.node) and slot.node not in self._cluster.nodes())
        if slot.placed:
            memory = isinstance(error, OutOfMemoryError) or "running low on memory" in reason
            self.tell(Gone(slot.number, reason, blameless, memory))
            return
        slot.failures += 1
        if slot.failures == MAX_STARTUP_FAILURES:
            self.tell(Failed(WorkersError(f"no worker can be started by Ray: {reason}")))

    async def _watch(self) -> None:
        """Say who waits for a place, and end where the head of the cluster is gone."""
        said, seen = 0, time.monotonic()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = time.monotonic()
            if await asyncio.to_thread(self._cluster.head_answers):
                seen = now
            elif now - seen > HEAD_SECONDS:
                self.tell(Failed(ClusterError(self._cluster.gone())))
                return
            waiting = sum(
                not slot.placed and now - slot.asked_at > WAIT_SECONDS for slot in self._slots
            )
            if waiting > said:
                self.tell(
                    Notice(
                        why_not_placed(self._places, waiting, list(self._cluster.nodes().values()))
                    )
                )
            said = max(said, waiting)


def why_it_died(error: RayError) -> str:
    """Ray's words for it: without what is about Ray, and in one line."""
    lines = [line.strip() for line in str(error).splitlines()]
    kept = [line for line in lines if line and ":" not in line.split(" ")[0]]
    return " ".join(kept)[:500] or type(error).__name__


def first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def main(arguments: list[str]) -> None:
    """Connect, as the first message says, and serve."""
    pipe, parent = Connection(int(arguments[0])), Connection(int(arguments[1]), writable=False)
    process_group.become_group_leader(parent.fileno())
    threading.Thread(target=process_group.follow, args=(parent,), daemon=True).start()
    order: Order = pipe.recv()
    try:
        cluster = connect(order.wanted)
        client = Client(pipe, order, cluster)
    except FairtuneError as error:
        pipe.send(Failed(error))
        return
    for number in (signal.SIGINT, signal.SIGTERM):  # Ray has set its own; the driver hears them
        signal.signal(number, signal.SIG_IGN)
    asyncio.run(client.run())


if __name__ == "__main__":
    main(sys.argv[1:])
