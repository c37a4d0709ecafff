"""Studies without training: fairtune's own runner over a scripted `perform`, all in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any
from unittest.mock import patch

from studies.engines import Ended, Engine, Event, Task
from studies.engines.inline import InlineEngine
from studies.engines.worker import Perform, guarded
from studies.home import Home
from studies.records import Record, TrialEnd
from studies.results import StudyResults, study_results
from studies.running.trial_loop import Display, Runner
from studies.study_file import Spec, resolve
from studies.study_file.document import Document


class LookUpEngine:
    """Performs a task within `submit`: for look-ups, which report no epoch and never wait."""

    def __init__(self, perform: Perform) -> None:
        self._perform = perform
        self._ended: list[Event] = []

    @property
    def free(self) -> int:
        return 0 if self._ended else 1

    @property
    def kinds(self) -> Mapping[str, int]:
        return {"cpu": self.free}

    @property
    def waiting(self) -> Sequence[str]:
        return ()

    def submit(self, task: Task) -> None:
        self._ended.append(Ended(task.trial, guarded(task, lambda _: True, self._perform)))

    def events(self, timeout: float | None) -> Sequence[Event]:
        ended, self._ended = self._ended, []
        return ended

    def proceed(self, trial: str) -> None: ...
    def stop(self, trial: str) -> None: ...
    def interrupt(self, trial: str) -> None: ...
    def kill(self, trial: str, end: TrialEnd) -> None: ...
    def close(self) -> None: ...


def run(
    tree: Mapping[str, Any],
    record: Record,
    home: Home,
    perform: Perform,
    engine: Callable[[Perform], Engine] = InlineEngine,
) -> StudyResults:
    """Run, or continue, the study of a parsed study file, one trial at a time."""
    spec = seeded(tree)
    workers = engine(perform)
    Runner(spec, home, record, workers, Display()).run()
    workers.close()
    # what it would find in the file
    with patch.object(study_results, "resolve", lambda *_, **__: spec):
        return study_results.read_results(record, home, spec.study)


def seeded(tree: Mapping[str, Any]) -> Spec:
    """The study of a file; one that differs by its seed alone is not checked again."""
    search = tree["search"]
    seed = search.get("seed", 0)
    spec = _resolved(json.dumps({**tree, "search": {**search, "seed": 0}}))
    known = {**spec.tree, "search": {**spec.tree["search"], "seed": seed}}
    return replace(spec, seed=seed, tree=known)


@lru_cache(maxsize=1_000)
def _resolved(text: str) -> Spec:
    return resolve(Document("benchmark", json.loads(text)))
