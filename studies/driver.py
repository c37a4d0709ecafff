"""One run of a study: its lock, its databases, its workers, and the runner between them."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lightning_modules.errors import UserError
from studies import document, results
from studies.archive import FILES, Archive
from studies.checkpoints import best_checkpoints
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
from studies.spool import Spool
from studies.storage import steadily

if TYPE_CHECKING:
    from studies.comparison import Finding
    from studies.tracking import MlflowTracker

MAY_CHANGE = ("description", "search.trials", "search.epochs", "search.timeout", "confirm",
              "trainer.trial_timeout")  # fmt: skip
"""Keys of a study file that may differ between two runs of the same study."""
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
) -> Finding:
    """Run a study to its end, or continue it; everything that it found.

    Raises BusyError where another process runs it, StorageError where a database cannot be used
    and UserError where the study file or a data file differs from what the study was started with,
    or where its data cannot be used.
    """
    new = not home.study(spec.study).exists()
    if new:
        check_inputs(spec, home)  # nothing is written for data that cannot be used
    home.create(spec.study)
    engine = LocalEngine(workers, train_task, PRELOAD)
    try:
        with home.lock(spec.study):
            if new:
                engine.start()  # the workers' imports take seconds: they run beside the driver's
            with closing(Archive.open(home)) as archive:
                refuse_changes(spec, archive)
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
                noted = {FILES: files} if files else {}
                return _run(spec, home, archive, engine, display, stopping, noted)
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
) -> Finding:
    with tracking(home, spec) as tracker:
        tracker.prefetch()  # while the workers start
        runner = Runner(spec, home, archive, tracker, engine, display, stopping, noted)
        runner.run()
        for name in search_names(spec.study, archive):  # before they are read
            archive.note(name, {**versions(), **hardware()})
        found = _conclude(tracker, home, spec.study, runner.finished)
        for name in search_names(spec.study, archive):  # last: the next run starts from here
            archive.note(name, {"finished": spec.text if runner.finished else ""})
        return found


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


def search_names(study: str, archive: Archive) -> list[str]:
    """The Optuna studies of a study's arms, as far as they exist."""
    return [n for n in archive.names() if n == study or n.startswith(f"{study}/")]


def versions() -> dict[str, str]:
    """Of Python and of every package that is installed."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    found["python"] = platform.python_version()
    return {f"version:{name}": version for name, version in found.items()}


def refuse_changes(spec: Spec, archive: Archive) -> None:
    """Raise UserError naming what differs from the file that the study was started with."""
    for name in search_names(spec.study, archive):
        before = archive.attributes(name).get("study_file")
        if before is None:
            continue
        old = dict(_flat("", document.parse(before, "stored").tree))
        new = dict(_flat("", spec.tree))
        changed = [
            f"{path} was {old.get(path, 'not given')!r} and is {new.get(path, 'not given')!r}"
            for path in sorted(old.keys() | new.keys())
            if old.get(path) != new.get(path) and not path.startswith(MAY_CHANGE)
        ]
        if changed:
            raise UserError(
                f"study {spec.study} was started with another file: {'; '.join(changed)}. "
                "Give the changed study another name, or undo the change"
            )
        return


def _flat(prefix: str, node: Any) -> Iterator[tuple[str, Any]]:
    items = node.items() if isinstance(node, Mapping) else enumerate(node)
    for key, value in items:
        path = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, Mapping | list) and value:
            yield from _flat(path, value)
        else:
            yield path, value
