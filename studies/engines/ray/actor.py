"""The actor of a slot, on any node. It is sent there by value: the node may lack fairtune, or have
another one, which it is to say in words. So nothing of it is imported before versions agree."""

from __future__ import annotations

from typing import Any


class SlotActor:
    """A worker process on the machine where Ray placed this; see `host.Host`."""

    _host: Any = None

    def join(self, terms: Any) -> dict[str, Any]:
        """Say who this is, and as `refused` which versions differ; become like the driver where
        none does. `terms` are the versions, and the rest pickled."""
        import os
        import pickle
        import socket

        import ray

        node = ray.get_runtime_context().get_node_id()
        who = {"node": node, "name": socket.gethostname(), "pid": os.getpid(), "refused": []}
        try:
            from studies.engines.ray.terms import version_differences
        except ImportError as error:
            return {**who, "refused": [f"fairtune is not installed there ({error})"]}
        versions, rest = terms
        if refused := version_differences(versions):
            return {**who, "refused": refused}
        from studies.engines.ray.joining import prepare_process

        self._node, self._terms = node, pickle.loads(rest)
        prepare_process(self._terms)
        return who

    def differences(self) -> list[str]:
        """The files that this node has not, or has otherwise; it reads them all."""
        from studies.engines.ray.joining import file_differences

        return file_differences(self._terms)

    def begin(self, perform: Any, preload: Any, cpus: int, on_gpu: bool) -> dict[str, Any]:
        """Start a worker; says its `place`. `perform` is pickled, `preload` are modules for it."""
        import pickle

        from studies.engines.ray.host import Host

        if self._host is None:  # it may be asked again
            self._host = Host.open(
                self._terms, pickle.loads(perform), preload, cpus, on_gpu, self._node
            )
        return {"place": self._host.place, "shares_home": self._host.shares_home}

    def listen(self, after: int) -> Any:
        """What was said after the message of that number, waiting for it; see `Host.listen`."""
        return self._host.listen(after)

    def submit(self, attempt: int, task: Any, files: Any, weights: Any) -> None:
        self._host.submit(attempt, task, files, weights)

    def answer(self, attempt: int, epoch: int, answer: Any) -> None:
        self._host.answer(attempt, epoch, answer)

    def kill(self, attempt: int) -> None:
        self._host.kill(attempt)
