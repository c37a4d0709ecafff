"""One run of a study: its record, its workers, its mirrors, and the runner between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from logging import getLogger
from typing import TYPE_CHECKING

from lightning_modules.data.preparation.summary import DataSummary
from lightning_modules.errors import FairtuneError, StorageError, WorkersError
from studies import results
from studies.engines import Engine
from studies.engines.local import LocalEngine
from studies.engines.places import MACHINE, Place
from studies.engines.training import preload_for, train_task
from studies.home import Home, home_option
from studies.inputs.checks import check_inputs
from studies.inputs.consent import Consent, require_as_in_file
from studies.inputs.data_summaries import DATA
from studies.inputs.environment import hardware, versions
from studies.inputs.identities import (
    FILES,
    Identities,
    changed_code,
    changed_files,
    code_of,
    identities,
    refuse_changed_files,
)
from studies.mirrors.mirroring import Mirroring
from studies.records import Record, RecordReader
from studies.records.deliveries import is_behind, run_ids
from studies.records.types import SUPERSEDED
from studies.results import StudyResults
from studies.running.continuing import changes, continued, recorded_file
from studies.running.trial_loop import Display, Runner
from studies.search.failure_policy import FAILURES
from studies.study_file import Spec, splits_of

if TYPE_CHECKING:
    from studies.analysis import StudyOutcome


def run_study(
    spec: Spec,
    home: Home,
    *,
    workers: int,
    places: Sequence[Place] = (MACHINE,),
    display: Display,
    stopping: Callable[[], bool] = lambda: False,
    command: Sequence[str] = (),
    show: Callable[[StudyOutcome], None] = lambda outcome: None,
    engine: Callable[[], Engine] | None = None,
    function: Identities | None = None,
    consent: Consent | None = None,
) -> StudyOutcome:
    """Run a study to its end, or continue it from its record.

    Args:
        spec: The study.
        home: The home that keeps its record.
        workers: Trials that train at the same time, each in a process of its own.
        places: The devices that they are spread over.
        display: Is told of everything that happens.
        stopping: Polled; once it is True the run ends, and the same call continues it.
        command: What `fairtune run` was given, by which the study can be extended.
        show: Called with the results before the mirrors are waited for.
        engine: Makes the place where trials run, instead of `workers` processes.
        function: The identity of the Python function that trains, where there is one.
        consent: Whether programs may run that the record names and the study file does not.

    Returns:
        The results and the comparison of the arms.

    Raises:
        BusyError: Another process runs the study.
        StorageError: Its record cannot be used.
        UserError: The study file or a data file differs from what the study was started with, or
            its data cannot be used.
        NothingCompletedError: Its first trials only failed.
        FairtuneError: The last trials all failed for the same reason.
    """
    new = not home.record(spec.study).exists()
    summaries: list[DataSummary] = []
    if new:
        # nothing is written for data that cannot be used
        summaries = check_inputs(spec, home, has_function=function is not None)
        splits_of(spec)
    home.create(spec.study)
    preload = preload_for(spec.configurations)
    trains = engine() if engine else LocalEngine(workers, train_task, preload, places)
    try:
        with (
            Record.writing(home, spec.study) as record,
            closing(Mirroring(home, spec.study)) as mirroring,
        ):
            if new:  # all imports take seconds: they run beside each other
                trains.start()
                mirroring.load_libraries()
            record.close_abandoned()
            mended = mended_before_any_epoch(spec, record, home, function)
            if mended:
                summaries = check_inputs(spec, home, has_function=function is not None)
                start_anew(spec.study, record, mended)
            spec = as_recorded(spec, record, home)
            if record.notes().get("finished") == spec.text:
                outcome = outcome_of(results.load_results(home, spec.study))
                show(outcome)
                warn_of_unused_code(spec, record, home)
                if is_behind(home, spec.study, record.revision):
                    mirroring.finish(stopping, display.waiting)
                return with_runs(outcome)
            if not new:
                consent = consent or Consent("run the study file in another home with --home")
                trials = [each for each in record.trials() if each.phase != SUPERSEDED]
                require_as_in_file(spec, trials, home, consent)
            files = files_of(spec, home, function)
            refuse_changed_files(record, spec, home, files)
            record.note_code(code_of(spec, files))
            if not new:
                summaries = summaries or check_inputs(spec, home, has_function=function is not None)
                trains.start()
                mirroring.load_libraries()
            display.data(summaries)
            record.note({DATA: [each.as_values() for each in summaries]} if summaries else {})
            splits = splits_of(spec)
            record.note({FILES: files} if files else {})
            record.note({"command": list(command)} if command else {})
            tick = mirroring.tick
            runner = Runner(spec, home, record, trains, display, stopping, splits, on_tick=tick)
            return _run(runner, mirroring, show)
    finally:
        trains.close()


def mended_before_any_epoch(
    spec: Spec, record: Record, home: Home, function: Identities | None
) -> Sequence[str]:
    """What has changed of a study that was begun and of which no trial has finished an epoch; it
    may be anything."""
    if record.has_epochs or recorded_file(record) is None:
        return []
    files = changed_files(record, files_of(spec, home, function))
    return [*changes(spec, record), *(f"{name} has changed" for name in files)]


def start_anew(study: str, record: Record, mended: Sequence[str]) -> None:
    """Put aside what was tried, and say so."""
    record.start_anew()
    text = "study %s had not finished any epoch and starts anew: %s"
    getLogger("fairtune").warning(text, study, "; ".join(mended))


def files_of(spec: Spec, home: Home, function: Identities | None) -> Identities:
    """What trials read and run: files, and the function that trains."""
    return {**identities(spec, home), **(function or {})}


def _run(
    runner: Runner, mirroring: Mirroring, show: Callable[[StudyOutcome], None]
) -> StudyOutcome:
    """Run to the end, show what was found, and bring the mirrors up to it."""
    record, home, spec = runner.record, runner.home, runner.spec
    try:
        runner.run()
    except KeyboardInterrupt:  # nobody wants to wait
        mirroring.abandon()
        raise
    except StorageError:
        raise  # the record cannot be used
    except WorkersError:
        if record.has_epochs:  # its trials are resumable
            mirroring.begin_to_leave()
            mirroring.leave()
        raise
    except FairtuneError:  # the trials only fail: they can be looked at
        mirroring.finish(runner.stopping, runner.display.waiting)
        raise
    if runner.finished:
        note_look(results.read_results(record, home, spec.study), record)
    record.note({**versions(), **hardware(), "finished": spec.text if runner.finished else ""})
    stopped = runner.stopping()
    if stopped:
        mirroring.begin_to_leave()
    else:
        mirroring.begin_to_finish()
    outcome = outcome_of(results.load_results(home, spec.study))  # on the other core meanwhile
    show(outcome)
    if stopped:
        mirroring.leave()
    else:
        mirroring.finish(runner.stopping, runner.display.waiting)
    return with_runs(outcome)


def as_recorded(given: Spec, record: Record, home: Home) -> Spec:
    """The study file as it continues what is recorded. Where it changes that, the verdict that
    could be read before is noted, and what another look can still show is said.

    Raises UserError where the file may not change so.
    """
    recorded = recorded_file(record)
    spec = continued(given, record)
    if recorded not in (None, spec.text):
        note_look(results.read_results(record, home, spec.study), record)
        warn_of_looks(spec, record)
    return spec


def note_look(results: StudyResults, record: Record) -> None:
    """Write down the design at which a verdict about arms is given: another one after it is
    another look. A verdict can be read as soon as the last fresh run has ended, so that one may be
    noted that its own run did not come to note."""
    from studies.analysis import compare
    from studies.analysis.arm_looks import look_of

    compared = compare(results)
    if compared.design.claim != "arms" or compared.design.why_none or not compared.pairs:
        return
    look, looks = asdict(look_of(results)), record.notes().get("looks", [])
    if look not in [asdict(each) for each in results.looks]:
        record.note({"looks": [*looks, look]})


def warn_of_looks(spec: Spec, record: RecordReader) -> None:
    """Say before anything is trained what an extension after a verdict can still show."""
    looks = record.notes().get("looks", [])
    if not looks or spec.design.claim != "arms":
        return
    said = "more of it is a second look, judged at p <= 0.01"
    if len(looks) > 1:
        said = "more of it gives no further verdict and takes the last one back"
    getLogger("fairtune").warning("study %s has given a verdict: %s", spec.study, said)


def warn_of_unused_code(spec: Spec, record: RecordReader, home: Home) -> None:
    """Say whose results these are where a study is over and its code was changed."""
    changed = changed_code(record, spec)
    if not changed:
        return
    trials = [each for each in record.trials() if each.phase != SUPERSEDED]
    way_out = "these are results of the code before; run the new code in a study of another name"
    if any(each.outcome in FAILURES for each in trials):
        reset = f"fairtune reset {spec.study} --failed{home_option(home.path)}"
        way_out = f"`{reset}` queues its failed trials again"
    text = "study %s is over, and %s has changed since; %s"
    getLogger("fairtune").warning(text, spec.study, ", ".join(changed), way_out)


def with_runs(outcome: StudyOutcome) -> StudyOutcome:
    """The same with the MLflow runs that the trials have by now."""
    results = outcome.results
    runs = run_ids(results.home, results.study)
    trials = [replace(trial, run_id=runs.get(trial.key, trial.run_id)) for trial in results.trials]
    return replace(outcome, results=replace(results, trials=trials))


def outcome_of(results: StudyResults) -> StudyOutcome:
    """What a study found, with what it allows to be said."""
    from studies.analysis import StudyOutcome  # scipy takes half a second

    return StudyOutcome.of(results)
