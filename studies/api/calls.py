"""What `import fairtune` offers as functions."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning_modules.configuration.sections import FUNCTION
from lightning_modules.errors import NothingCompletedError, UserError
from lightning_modules.user_code import imports
from studies.api.interruption import Interruption
from studies.api.main_guard import require_main_guard
from studies.api.opening import find_document, load_spec, open_home, spec_of
from studies.api.study import Study
from studies.api.training_place import OF_CALLS, Asked, EngineName, training_place
from studies.api.worker_plan import plan_for

if TYPE_CHECKING:
    from studies.analysis import Comparison, StudyOutcome
    from studies.engines.function import TrialFunction
    from studies.home import Home
    from studies.inputs.consent import Consent
    from studies.inputs.identities import Identities
    from studies.running.preview import Plan
    from studies.study_file import Spec

Source = str | os.PathLike[str] | Mapping[str, Any]
"""A study file, the name of a preset or of a study of the home, or a dictionary like a file."""


def run(
    study: Source,
    *,
    home: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    per_gpu: int | None = None,
    trial: TrialFunction | None = None,
    engine: EngineName = "local",
    address: str | None = None,
    cpus_per_worker: int | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    allow: Sequence[str] = (),
    allow_command: bool = False,
    progress: bool = True,
) -> Study:
    """Run a study to its end, or continue it: the same call again trains no finished trial twice.

    Args:
        study: a study file, the name of a preset, or a dictionary that says what a file would.
        home: the folder that holds everything; `FAIRTUNE_HOME`, else `mlruns` unless given.
        workers: trials side by side; one per GPU unless given, one per core where there is none,
            and one in this process.
        per_gpu: trials that share a GPU; 1 unless given.
        trial: a function `trial(configuration, report)` that trains one configuration. It calls
            `report(epoch, val_loss=...)` after every epoch, counted from 1, and returns when that
            is false; it may return the metrics of the test part. In place of `model`.
        engine: `local` trains in worker processes, `ray` on the machines of a Ray cluster, and
            `inline` in threads of this process, where `trial` is given.
        address: the head of a Ray cluster as `host:port`, or `auto` on one of its nodes;
            `RAY_ADDRESS` unless given, and without both Ray is started on this machine.
        cpus_per_worker: processors of a worker on Ray; its threads unless given, or its part of
            those beside its GPU.
        overrides: values to change, `{"search.trials": 50}` or `["search.trials=50"]`.
        allow: modules or packages whose classes the study may name; their code is run.
        allow_command: whether to run a program that the home names, and no file of yours.
        progress: whether to show what is going on.

    Returns:
        The study with its trials, its best configuration and its verdicts.

    Raises:
        UserError: the study, its data or this call is wrong; the message says what and where.
        NothingCompletedError: no trial completed.
        StorageError: the study's record cannot be used.
        BusyError: another process runs the study.
        KeyboardInterrupt: Ctrl-C; the same call continues the study.

    Example:
        >>> study = fairtune.run("optimizers-on-digits", workers=2)
        >>> study.verdicts
    """
    from studies.api.progress import display_for
    from studies.inputs.consent import Consent
    from studies.results.failures import why_nothing
    from studies.running.run_study import run_study

    asked = Asked(engine, workers, per_gpu, address, cpus_per_worker, OF_CALLS)
    asked.check()
    if engine == "inline" and trial is None:
        raise UserError('engine="inline" trains with a function: give it as trial=...')
    if engine == "local":
        require_main_guard()
    place = open_home(home_path(home))
    consent = Consent("call fairtune.run with allow_command=True", allow_command)
    spec = spec_for(study, place, overrides, allow, trial, consent)
    command = [] if isinstance(study, Mapping) else [str(study), *_options(overrides, allow)]
    where = training_place(spec, place, asked, trial)

    def show(found: StudyOutcome) -> None:
        displayed.close()

    with Interruption([signal.SIGINT]) as interruption, ExitStack() as displayed:
        found = run_study(
            spec,
            place,
            workers=where.workers,
            places=where.places,
            display=displayed.enter_context(display_for(spec, where.words, quiet=not progress)),
            stopping=lambda: interruption.code is not None,
            command=command,
            show=show,
            engine=where.engine,
            function=_identity(trial),
            consent=consent,
        )
    if interruption.code is not None and not found.results.finished:
        raise KeyboardInterrupt
    if not found.results.ranking:
        raise NothingCompletedError(why_nothing(found.results.study, found.results.ended))
    return Study(found.results)


def check(
    study: Source,
    *,
    home: str | os.PathLike[str] | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    allow: Sequence[str] = (),
    trial: TrialFunction | None = None,
) -> Plan:
    """See whether a study can be run, and what it would do; nothing is written.

    Args:
        study, home, overrides, allow, trial: as for `run`.

    Returns:
        The numbers of trials, trainings and epochs, what is claimed, and warnings.

    Raises:
        UserError: with every mistake at once.

    Example:
        >>> fairtune.check("study.yaml").warnings
    """
    from studies.inputs.checks import check_inputs
    from studies.running.preview import preview

    place = open_home(home_path(home))
    spec = spec_for(study, place, overrides, allow, trial)
    plan_for(spec, None, None)
    return preview(spec, place, check_inputs(spec, place, has_function=trial is not None))


def load(study: str, *, home: str | os.PathLike[str] | None = None) -> Study:
    """A study of a home, as its record is now.

    Args:
        study: its name.
        home: as for `run`.

    Raises:
        UserError: the home has no such study.

    Example:
        >>> fairtune.load("optimizers-on-digits").trials
    """
    from studies import results

    return Study(results.load_results(open_home(home_path(home)), study))


def compare(
    study: Study | str, metric: str | None = None, *, home: str | os.PathLike[str] | None = None
) -> Comparison:
    """Compare the arms of a study by its objective, or by another metric that was logged.

    Args:
        study: a study, or the name of one of the home.
        metric: such as `val/loss` or `test/accuracy`.
        home: as for `run`, where the study is named.

    Returns:
        The arms in the order of their means, every pair with its interval and its verdict.

    Raises:
        UserError: there is no such study, or the metric was not logged.

    Example:
        >>> fairtune.compare("optimizers-on-digits", "val/loss").pairs
    """
    from studies.analysis import compare as compared

    found = study if isinstance(study, Study) else load(study, home=home)
    return compared(found.results, metric)


def home_path(home: str | os.PathLike[str] | None) -> Path | None:
    """The folder that was given, or that of the environment."""
    given = home if home is not None else os.environ.get("FAIRTUNE_HOME")
    if given is None:
        return None
    if not isinstance(given, str | os.PathLike):
        raise UserError(f"home must be a folder, got {given!r}")
    return Path(given).expanduser()


def spec_for(
    study: Source,
    home: Home,
    overrides: Mapping[str, Any] | Sequence[str],
    allow: Sequence[str],
    trial: TrialFunction | None,
    consent: Consent | None = None,
) -> Spec:
    """What a call asks for; with `consent`, it is to be run."""
    from studies.study_file import document, resolve

    changes = _assignments(overrides)
    if not isinstance(study, str | os.PathLike | Mapping):
        raise UserError(f"study must be a file, a name or a dictionary, got {study!r}")
    if trial is None:
        if isinstance(study, Mapping):
            return spec_of(study, changes, allow)
        return load_spec(Path(study), changes, allow, home, consent)
    from studies.engines.function import command_of, require_trial_function

    require_trial_function(trial)
    imports.allow(allow)
    if isinstance(study, Mapping):
        source, recorded = document.from_tree(study), False
    else:
        source, recorded = find_document(Path(study), home)
    model = source.tree.get("model") or {}
    if isinstance(model, Mapping) and FUNCTION in (model.get("command") or []):
        model = {key: value for key, value in model.items() if key != "command"}
    if not isinstance(model, Mapping) or {"name", "class", "command"} & set(model):
        raise UserError("model: the function trains; leave out the name of a network")
    source.tree["model"] = {**model, "command": command_of(trial)}
    return resolve(source, changes, recorded=recorded)


def _assignments(overrides: Mapping[str, Any] | Sequence[str]) -> list[str]:
    """Overrides as `path=value`, the value as YAML."""
    from studies.study_file import document

    if isinstance(overrides, str):
        raise UserError(f'overrides: write a list, ["{overrides}"], or a dictionary')
    if isinstance(overrides, Mapping):
        return [document.assignment(path, value) for path, value in overrides.items()]
    if not all(isinstance(each, str) for each in overrides):
        raise UserError('overrides: write texts such as "search.trials=50", or a dictionary')
    return list(overrides)


def _options(overrides: Mapping[str, Any] | Sequence[str], allow: Sequence[str]) -> list[str]:
    """The same as options of the command line."""
    sets = [part for each in _assignments(overrides) for part in ("--set", each)]
    return [*sets, *(part for each in allow for part in ("--allow", each))]


def _identity(trial: TrialFunction | None) -> Identities | None:
    """What a function computes; nothing where there is none."""
    if trial is None:
        return None
    from studies.engines.function import identity

    return identity(trial)
