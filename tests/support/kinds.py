"""An engine whose workers are on several kinds of device, all of them pretended."""

from collections import Counter
from collections.abc import Mapping, Sequence

from studies.engines import Ended, Event, Task
from studies.engines.inline import InlineEngine
from studies.engines.worker import Perform


class KindsEngine(InlineEngine):
    """Threads that count as workers of kinds; each has to start again after a trial, which takes
    `restart` calls of `events`."""

    def __init__(self, perform: Perform, slots: Mapping[str, int], restart: int = 0) -> None:
        super().__init__(perform, sum(slots.values()))
        self.workers = slots
        self.restart = restart
        self.used: dict[str, list[str]] = {}
        """The kinds that every trial ran on, in the order of its attempts."""
        self._busy: dict[str, str] = {}
        self._starting: list[tuple[str, int]] = []

    @property
    def kinds(self) -> Mapping[str, int]:
        taken = Counter([*self._busy.values(), *(kind for kind, _ in self._starting)])
        return {kind: count - taken[kind] for kind, count in self.workers.items()}

    def submit(self, task: Task) -> None:
        kind = task.kind or next(kind for kind, count in self.kinds.items() if count)
        assert self.kinds[kind] > 0, f"no worker is free on {kind}"
        self._busy[task.trial] = kind
        self.used.setdefault(task.trial, []).append(kind)
        super().submit(task)

    def events(self, timeout: float | None) -> Sequence[Event]:
        found = super().events(0 if self._starting else timeout)
        self._starting = [(kind, left - 1) for kind, left in self._starting if left > 1]
        for event in found:
            if isinstance(event, Ended):
                kind = self._busy.pop(event.trial)
                self._starting += [(kind, self.restart)] * (self.restart > 0)
        return found
