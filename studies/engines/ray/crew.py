"""What the slots for workers have in common: on which terms a node joins, and who has joined."""

from __future__ import annotations

import asyncio
import itertools
import pickle
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import (
    ActorUnavailableError,
    NodeDiedError,
    ObjectLostError,
    ObjectStoreFullError,
    OutOfDiskError,
    RayTaskError,
)

from lightning_modules.errors import FairtuneError, StorageError, WorkersError
from studies.engines.ray import actor as actor_module
from studies.engines.ray.connecting import Cluster
from studies.engines.ray.messages import Failed, FromClient, Notice, Order, ToActor
from studies.engines.ray.places_wanted import Places

AGAIN_SECONDS = 0.5
"""Between two calls of an actor that could not be reached."""
UNCLEAR = (ActorUnavailableError, NodeDiedError, ObjectLostError)
"""Raised where a call may have arrived, or its reply is lost: another one tells."""
FULL = (ObjectStoreFullError, OutOfDiskError)
"""Raised where the node of an actor has no room for what it says."""


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
        self.mails: dict[int, asyncio.Queue[ToActor]] = {}
        """What the driver says to each actor that has joined, by its number."""
        self.refused: dict[str, str] = {}
        """Why a node cannot take part, by its id."""
        self._differences: dict[str, list[str]] = {}
        """How the files of a node differ from the driver's, by its id."""
        self._comparing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._stored: dict[str, Any] = {}
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
                self._differences[node] = await ask(actor.differences.remote)
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
        able = {node for node, has in nodes.items() if self.places.fit(has)}
        if able and able <= self.refused.keys():
            said = "; ".join(dict.fromkeys(self.refused.values()))
            if not self.cluster.is_ours:
                said = f"no node of the Ray cluster can take part: {said}"
            self.tell(Failed(WorkersError(f"{said}; once that is mended, run the same command")))

    def stored(self, path: str | None) -> Any:
        """The content of a file that trainings start from, in Ray's store once for all of them;
        StorageError where it cannot be read."""
        if path is None:
            return None
        if path not in self._stored:
            try:
                content = Path(path).read_bytes()
            except OSError as error:
                why = error.strerror or error
                raise StorageError(f"{path} cannot be read: {why}") from error
            self._stored[path] = ray.put(content)
        return self._stored[path]


async def ask(call: Callable[[], Awaitable[Any]]) -> Any:
    """Make a call of an actor until it is known to have arrived.

    Raises NodeError where the node cannot do what is asked.
    """
    while True:
        try:
            return await call()
        except UNCLEAR:
            await asyncio.sleep(AGAIN_SECONDS)
        except RayTaskError as error:
            why = f"{type(error.cause).__name__}: {first_line(error.cause)}"
            raise NodeError(why) from error
        except FULL as error:
            raise NodeError(first_line(error)) from error


def first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
