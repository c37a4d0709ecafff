"""Studies without training: fairtune's own runner over a scripted `perform`, all in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studies import results
from studies.archive import Archive
from studies.document import Document
from studies.engines.inline import InlineEngine
from studies.engines.worker import Perform
from studies.home import Home
from studies.records import TrialEnd, TrialRecord
from studies.results import StudyResults
from studies.runner import Display, Runner
from studies.spec import resolve


class Nowhere:
    """A tracker that tracks nothing."""

    def start_trial(self, record: TrialRecord, *, resume: bool) -> None: ...
    def epoch(self, key: str, epoch: int, metrics: Mapping[str, float]) -> None: ...
    def finish_trial(self, key: str, end: TrialEnd) -> None: ...
    def run_id(self, key: str) -> str | None: ...


def run(tree: Mapping[str, Any], archive: Archive, home: Home, perform: Perform) -> StudyResults:
    """Run, or continue, the study of a parsed study file, one trial at a time."""
    spec = resolve(Document("benchmark", dict(tree)))
    engine = InlineEngine(perform)
    Runner(spec, home, archive, Nowhere(), engine, Display()).run()
    engine.close()
    return results.read(archive, home, spec.study)
