"""The actor of a slot, on any node. It is sent there by value: the node may lack fairtune, or have
another one, which it is to say in words. So nothing of it is imported before versions agree."""

from __future__ import annotations

from typing import Any


class SlotActor:
    """A worker process on the machine where Ray placed this; see `host.Host`."""

    def join(
        self, terms: Any, perform: Any, preload: Any, cpus: int, on_gpu: bool
    ) -> dict[str, Any]:
        """Begin, if this node can take part; says who it is, `refused` with the reasons, or else
        its `place`.

        `terms`, `perform` are pickled; `preload` are modules for the worker.
        """
        import os
        import pickle
        import socket

        import ray

        node = ray.get_runtime_context().get_node_id()
        who = {"node": node, "name": socket.gethostname(), "pid": os.getpid()}
        try:
            from studies.engines.ray.terms import version_differences
        except ImportError as error:
            return {**who, "refused": [f"fairtune is not installed there ({error})"]}
        versions, rest = terms
        if refused := version_differences(versions):
            return {**who, "refused": refused}
        from studies.engines.ray.host import Host
        from studies.engines.ray.joining import file_differences, prepare_process

        given = pickle.loads(rest)
        prepare_process(given)
        if refused := file_differences(given):
            return {**who, "refused": refused}
        self._host = Host.open(given, pickle.loads(perform), preload, cpus, on_gpu, node)
        return {**who, "place": self._host.place, "shares_home": self._host.shares_home}

    def listen(self, after: int) -> Any:
        """What was said after the message of that number, waiting for it; see `Host.listen`."""
        return self._host.listen(after)

    def submit(self, attempt: int, task: Any, files: Any, weights: Any) -> None:
        self._host.submit(attempt, task, files, weights)

    def answer(self, attempt: int, epoch: int, answer: Any) -> None:
        self._host.answer(attempt, epoch, answer)

    def kill(self, attempt: int) -> None:
        self._host.kill(attempt)
