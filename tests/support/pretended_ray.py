"""Ray as the client sees it, without Ray: no process of the tests imports that."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

OURS = ("client", "connecting", "crew", "slot")


class RayError(Exception): ...


class RayActorError(RayError):
    def __init__(self, text: str = "", preempted: bool = False) -> None:
        super().__init__(text)
        self.preempted = preempted


class ActorUnavailableError(RayActorError): ...


class AuthenticationError(RayError): ...


class NodeDiedError(RayError): ...


class ObjectLostError(RayError): ...


class ObjectStoreFullError(RayError): ...


class OutOfDiskError(RayError): ...


class OutOfMemoryError(RayError): ...


class RaySystemError(RayError): ...


class RayTaskError(RayError):
    def __init__(self, cause: Exception) -> None:
        super().__init__(cause)
        self.cause = cause


@contextmanager
def pretended_ray(name: str) -> Iterator[Any]:
    """One of our modules that import Ray, as it is beside this one."""
    ray, exceptions = ModuleType("ray"), ModuleType("ray.exceptions")
    for each in [RayError, *RayError.__subclasses__(), *RayActorError.__subclasses__()]:
        setattr(exceptions, each.__name__, each)
    ray.__dict__.update(
        exceptions=exceptions,
        cloudpickle=SimpleNamespace(register_pickle_by_value=lambda module: None),
        remote=lambda **options: lambda actor: actor,
        kill=lambda actor: None,
        put=lambda content: ("stored", content),
    )
    with mock.patch.dict(sys.modules, {"ray": ray, "ray.exceptions": exceptions}):
        for each in OURS:
            sys.modules.pop(f"studies.engines.ray.{each}", None)
        yield importlib.import_module(f"studies.engines.ray.{name}")
