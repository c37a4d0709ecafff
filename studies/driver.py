"""One run of a study: its lock, its databases, its workers, and the runner between them."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, replace
from logging import getLogger
from typing import TYPE_CHECKING, Any

from studies import results
from studies.archive import FILES, Archive
from studies.checkpoints import best_checkpoints
from studies.continuing import continued, recorded_file, search_names
from studies.engines.local import LocalEngine
from studies.engines.trials import PRELOAD, train_task
from studies.garbage import lasting
from studies.hardware import hardware
from studies.home import Home
from studies.identities import identities, refuse_changed_files
from studies.inputs import check_inputs
from studies.results import StudyResults
from studies.runner import Display, Runner
from studies.spec import Spec
from studies.splits import Splits, splits_of
from studies.spool import Spool
from studies.storage import steadily

if TYPE_CHECKING:
    from studies.comparison import Finding
    from studies.tracking import MlflowTracker

PACKAGES = ("fairtune", "optuna", "torch", "torchvision", "pytorch-lightning", "numpy", "pandas",
            "pillow", "scikit-learn", "mlflow", "transformers", "tokenizers", "safetensors",
            "keras")  # fmt: skip
"""What the numbers of a study may depend on; some are installed with an extra only."""


def run_study(
    spec: Spec,
    home: Home,
    *,
    workers: int,
    display: Display,
    stopping: Callable[[], bool] = lambda: False,
    command: Sequence[str] = (),
) -> Finding:
    """Run a study to its end, or continue it; everything that it found.

    `command` is what `fairtune run` was given, by which the study can be extended.

    Raises BusyError where another process runs it, StorageError where a database cannot be used
    and UserError where the study file or a data file differs from what the study was started with,
    or where its data cannot be used.
    """
    new = not home.study(spec.study).exists()
    if new:
        check_inputs(spec, home)  # nothing is written for data that cannot be used
        splits_of(spec)
    home.create(spec.study)
    engine = LocalEngine(workers, train_task, PRELOAD)
    try:
        with home.lock(spec.study):
            if new:
                engine.start()  # the workers' imports take seconds: they run beside the driver's
            with closing(Archive.open(home)) as archive:
                spec = as_recorded(spec, archive, home)
                if is_finished(spec, archive):
                    if not Spool(home, spec.study).waiting():
                        return finding(load(home, spec.study))
                    with tracking(home, spec) as tracker:
                        return _conclude(tracker, home, spec.study)
                files = identities(spec, home)
                names = search_names(spec.study, archive)
                refuse_changed_files(names, archive, spec.study, files)
                if not new:
                    check_inputs(spec, home)
                engine.start()
                splits = splits_of(spec)
                noted: dict[str, Any] = {FILES: files} if files else {}
                if command:
                    noted["command"] = list(command)
                if splits.per_repeat:
                    noted["redrawn"] = list(splits.rule.redrawn)
                    noted["fixed_parts"] = splits.rule.why_fixed
                return _run(spec, home, archive, engine, display, stopping, noted, splits)
    finally:
        engine.close()


def _run(
    spec: Spec,
    home: Home,
    archive: Archive,
    engine: LocalEngine,
    display: Display,
    stopping: Callable[[], bool],
    noted: Mapping[str, Any],
    splits: Splits,
) -> Finding:
    with tracking(home, spec) as tracker:
        tracker.prefetch()  # while the workers start
        runner = Runner(
            spec, home, archive, tracker, engine, display, stopping, splits=splits, noted=noted
        )
        runner.run()
        first = search_names(spec.study, archive)[0]
        archive.note(first, {**versions(), **hardware()})  # before they are read
        if runner.finished:
            note_look(results.read(archive, home, spec.study), archive)
        found = _conclude(tracker, home, spec.study, runner.finished)
        # last: the next run starts from here
        archive.note(first, {"finished": spec.text if runner.finished else ""})
        return found


def as_recorded(given: Spec, archive: Archive, home: Home) -> Spec:
    """The study file as it continues what is recorded. Where it changes that, the verdict that
    could be read before is noted, and what another look can still show is said.

    Raises UserError where the file may not change so.
    """
    recorded = recorded_file(given.study, archive)
    spec = continued(given, archive)
    if recorded not in (None, spec.text):
        note_look(results.read(archive, home, spec.study), archive)
        warn_of_looks(spec, archive)
    return spec


def note_look(found: StudyResults, archive: Archive) -> None:
    """Write down the design at which a verdict about arms is given: another one after it is
    another look. A verdict can be read as soon as the last fresh run has ended, so that one may be
    noted that its own run did not come to note."""
    from studies.arm_looks import look_of
    from studies.comparison import compare

    compared = compare(found)
    if compared.design.claim != "arms" or compared.design.why_none or not compared.pairs:
        return
    name = search_names(found.study, archive)[0]
    look, looks = asdict(look_of(found)), archive.attributes(name).get("looks", [])
    if look not in [asdict(each) for each in found.looks]:
        archive.note(name, {"looks": [*looks, look]})


def warn_of_looks(spec: Spec, archive: Archive) -> None:
    """Say before anything is trained what an extension after a verdict can still show."""
    name = search_names(spec.study, archive)[0]
    looks = archive.attributes(name).get("looks", [])
    if not looks or spec.design.claim != "arms":
        return
    said = "more of it is a second look, judged at p <= 0.01"
    if len(looks) > 1:
        said = "more of it gives no further verdict and takes the last one back"
    getLogger("fairtune").warning("study %s has given a verdict: %s", spec.study, said)


@contextmanager
def tracking(home: Home, spec: Spec) -> Iterator[MlflowTracker]:
    """The tracker of a run; importing MLflow takes seconds and is put off until here."""
    with lasting():
        from studies.tracking import MlflowTracker

    tracker = MlflowTracker.open(home, spec)
    try:
        yield tracker
    finally:
        tracker.close("KILLED")


def _conclude(
    tracker: MlflowTracker, home: Home, study: str, finished: bool | None = None
) -> Finding:
    """Everything that was found, given to MLflow as far as it takes it."""
    tracker.settle()
    loaded = load(home, study)
    found = finding(loaded if finished is None else replace(loaded, finished=finished))
    tracker.finish(found, best_checkpoints(home, found.results))
    return found


def load(home: Home, study: str) -> StudyResults:
    """What a study found; waits for a database that restarts."""
    return steadily(home.optuna_url, lambda: results.load(home, study))


def finding(found: StudyResults) -> Finding:
    """What a study found, with what it allows to be said."""
    from studies.comparison import Finding  # scipy takes half a second

    return Finding.of(found)


def is_finished(spec: Spec, archive: Archive) -> bool:
    """Whether an earlier run of this very file left nothing to do."""
    names = search_names(spec.study, archive)
    return any(archive.attributes(name).get("finished") == spec.text for name in names)


def versions() -> dict[str, str]:
    """Of Python and of every package that is installed."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    found["python"] = platform.python_version()
    return {f"version:{name}": version for name, version in found.items()}
