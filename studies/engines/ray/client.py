"""The process that is connected to Ray: `python -m studies.engines.ray.client PIPE PARENT_PIPE`.

It asks Ray for an actor for each slot, and passes on what driver and actors say.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing.connection import Connection
from queue import SimpleQueue

from lightning_modules.errors import ClusterError, FairtuneError
from studies.engines import process_group
from studies.engines.ray.connecting import Cluster, connect
from studies.engines.ray.crew import Crew
from studies.engines.ray.messages import Failed, FromClient, Notice, Opened, Order, ToActor
from studies.engines.ray.places_wanted import places_wanted, why_not_placed
from studies.engines.ray.reasons import asks_for_no_token
from studies.engines.ray.slot import Slot

LOOK_SECONDS = 1.0
HEAD_SECONDS = 15.0
"""How long the head of the cluster may be away."""


class Client:
    """Between the driver and the actors."""

    def __init__(self, pipe: Connection, order: Order, cluster: Cluster) -> None:
        self._pipe = pipe
        self._to_driver: SimpleQueue[FromClient] = SimpleQueue()
        self._cluster = cluster
        self._patience = order.wanted.patience
        self._places = places_wanted(order.wanted, list(cluster.nodes().values()))
        self._crew = Crew(order, self._places, cluster, self.tell)
        self._slots = [Slot(self._crew) for _ in range(self._places.workers)]

    def tell(self, message: FromClient) -> None:
        """Say something to the driver, which may be slow to hear it: what it says is heard all the
        same."""
        self._to_driver.put(message)

    def _write(self) -> None:
        """Write what is said to the driver; end with it."""
        try:
            while True:
                self._pipe.send(self._to_driver.get())
        except OSError:
            process_group.leave()

    async def run(self) -> None:
        """Serve until the driver is gone."""
        threading.Thread(target=self._write, daemon=True).start()
        self.tell(Opened(len(self._slots)))
        if self._cluster.admits_anybody:
            self.tell(Notice(asks_for_no_token(self._cluster.address)))
        asyncio.get_running_loop().add_reader(self._pipe.fileno(), self._hear)
        async with asyncio.TaskGroup() as group:
            for slot in self._slots:
                group.create_task(slot.serve())
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
            elif slot := self._crew.by_number.get(message.actor):  # else it has gone
                slot.hear(message)

    def leave(self) -> None:
        """End the actors, and this process."""
        for slot in self._slots:
            slot.end()
        self._cluster.close()
        os._exit(0)

    async def _watch(self) -> None:
        """Say who waits for a place, and end where the head of the cluster is gone."""
        said, seen = 0, time.monotonic()
        # a thread of its own: others may hang where the head has gone
        run = partial(asyncio.get_running_loop().run_in_executor, ThreadPoolExecutor(1))
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = time.monotonic()
            if await run(self._cluster.head_answers):
                seen = now
            elif now - seen > HEAD_SECONDS:
                self.tell(Failed(ClusterError(self._cluster.gone())))
                return
            late = [
                slot
                for slot in self._slots
                if not slot.placed and now - slot.since > self._patience
            ]
            if len(late) > said:
                nodes = (await asyncio.to_thread(self._cluster.nodes)).items()
                able = [has for node, has in nodes if node not in self._crew.refused]
                self.tell(Notice(why_not_placed(self._places, len(late), able)))
            said = len(late)


def main(arguments: list[str]) -> None:
    """Connect, as the first message says, and serve."""
    pipe, parent = Connection(int(arguments[0])), Connection(int(arguments[1]), writable=False)
    process_group.become_group_leader(parent.fileno())
    threading.Thread(target=process_group.follow, args=(parent,), daemon=True).start()
    order: Order = pipe.recv()

    def give_up(error: ClusterError) -> None:
        pipe.send(Failed(error))
        os._exit(1)

    try:
        cluster = connect(order.wanted, give_up)
        client = Client(pipe, order, cluster)
    except FairtuneError as error:
        pipe.send(Failed(error))
        return
    for number in (signal.SIGINT, signal.SIGTERM):  # Ray has set its own; the driver hears them
        signal.signal(number, signal.SIG_IGN)
    asyncio.run(client.run())


if __name__ == "__main__":
    main(sys.argv[1:])
