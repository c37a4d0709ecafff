"""Where workers train: each on a GPU of its own or one that it shares, or all on the machine."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from studies.devices.discovery import VISIBLE, Gpu
from studies.engines import Task

CPU = "cpu"
"""The kind of the machine itself."""


@dataclass(frozen=True)
class Place:
    """A GPU, or the machine itself; its trials share its memory."""

    kind: str
    """The model of the GPU, or `cpu`."""
    visible: str | None
    """What `CUDA_VISIBLE_DEVICES` is there; None leaves it as it is."""
    node: str = ""
    """The machine in a cluster."""


MACHINE = Place(CPU, None)
"""The place where no GPU was found: torch may know one of another maker."""
WITHOUT_GPU = Place(CPU, "")
"""The machine, for trainings that are to stay off its GPUs."""


def places_of(gpus: Sequence[Gpu]) -> Sequence[Place]:
    """The places of a machine that has these GPUs."""
    return [Place(gpu.kind, gpu.uuid) for gpu in gpus] or [MACHINE]


class ProcessName(str):
    """The name of a process that shows it nothing but its place.

    A process reads its name before it imports the script of its driver. That may ask torch for
    GPUs, after which `CUDA_VISIBLE_DEVICES` has no effect any more.
    """

    visible: str | None

    @classmethod
    def at(cls, place: Place) -> ProcessName:
        """The name of a worker at a place."""
        name = cls("fairtune-worker")
        name.visible = place.visible
        return name

    def __reduce__(self) -> tuple[object, ...]:
        return _name_here, (str(self), self.visible)


def _name_here(name: str, visible: str | None) -> str:
    if visible is not None:
        os.environ[VISIBLE] = visible
    return name


@dataclass
class Occupancy:
    """The trials at every place: who shares it, and who waits to have it alone."""

    _trials: dict[str, Place] = field(default_factory=dict)
    _sharing: set[str] = field(default_factory=set)
    _held: dict[Place, Task] = field(default_factory=dict)
    """The task that a place is kept for, from when it waits until it has ended."""

    def begin(self, trial: str, place: Place) -> None:
        """A trial begins at a place; whoever else is there shares it from now on."""
        others = [each for each, where in self._trials.items() if where == place]
        if others:
            self._sharing |= {trial, *others}
        self._trials[trial] = place

    def end(self, trial: str) -> bool:
        """A trial, begun or not, is over: whether it shared its place at any time."""
        self._trials.pop(trial, None)
        self._held = {place: task for place, task in self._held.items() if task.trial != trial}
        shared = trial in self._sharing
        self._sharing.discard(trial)
        return shared

    def hold(self, place: Place, task: Task) -> None:
        """Keep a place for a task that trains alone; nobody else may begin there."""
        self._held[place] = task

    def is_held(self, place: Place) -> bool:
        """Whether a place is kept for a task."""
        return place in self._held

    def busy(self, place: Place) -> int:
        """How many trials are under way at a place."""
        return sum(where == place for where in self._trials.values())

    @property
    def waiting(self) -> Mapping[str, Place]:
        """The trials that wait to be alone, and where."""
        held = self._held.items()
        return {task.trial: place for place, task in held if task.trial not in self._trials}

    def drained(self) -> Iterator[tuple[Place, Task]]:
        """The tasks that have waited until their place is empty."""
        for place in list(self.waiting.values()):
            if not self.busy(place):
                yield place, self._held[place]

    def free(self, slots: Sequence[Place], ready: Sequence[Place]) -> Mapping[str, int]:
        """How many tasks could begin on every kind of device that `slots` are on; `ready` are the
        places of idle workers, one for each."""
        found = Counter(place.kind for place in ready if not self.is_held(place))
        return {place.kind: found[place.kind] for place in slots}
