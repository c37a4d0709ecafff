"""`fairtune run`: run a study, or continue it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from lightning_modules.errors import NothingCompletedError
from studies.api.interruption import Interruption
from studies.api.opening import console, load_spec, open_home
from studies.api.training_place import Asked, training_place
from studies.cli.options import (
    Address,
    Allow,
    AllowCommand,
    CpusPerWorker,
    Engine,
    EngineName,
    HomeOption,
    Json,
    Overrides,
    PerGpu,
    Shared,
    StudyFile,
    Workers,
    consent_to,
    print_json,
)

if TYPE_CHECKING:
    from studies.analysis import StudyOutcome


def run(
    file: StudyFile,
    home: HomeOption = None,
    workers: Workers = None,
    per_gpu: PerGpu = None,
    engine: Engine = EngineName.local,
    address: Address = None,
    cpus_per_worker: CpusPerWorker = None,
    overrides: Overrides = None,
    allow: Allow = None,
    allow_command: AllowCommand = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, only the result.")] = False,
    shared: Shared = False,
    as_json: Json = False,
) -> None:
    """Run a study, or continue it: the same command again never trains a finished trial twice."""
    place = replace(open_home(home), shared=shared)
    command = [
        str(file.resolve() if file.exists() else file),
        *(part for each in overrides or () for part in ("--set", each)),
        *(part for each in allow or () for part in ("--allow", each)),
    ]
    consent = consent_to(["run", *command, "--home", str(place.path)], given=allow_command)
    spec = load_spec(file, overrides or (), allow or (), place, consent)
    where = training_place(
        spec, place, Asked(engine.value, workers, per_gpu, address, cpus_per_worker)
    )
    from studies.analysis import summary
    from studies.api.progress import display_for
    from studies.cli.results.display import print_summary
    from studies.results.failures import why_nothing
    from studies.running.run_study import run_study
    from studies.sentences.gpu_room import room_on_gpus

    screen = console(stderr=as_json)

    def show(found: StudyOutcome) -> None:
        displayed.close()
        print_summary(found.results, screen)
        if found.results.finished and spec.factors:
            from studies.analysis import design_warnings
            from studies.cli.results.compare import print_comparison

            warned = design_warnings(found.results, found.comparison)
            print_comparison(found.results, found.comparison, warned, screen)
        else:
            from studies.analysis import few_steps_warnings

            for warning in few_steps_warnings(found.results):
                screen.print(f"{warning.kind}: {warning.message}")
        if where.places and (room := room_on_gpus(found.results.ended, where.workers)):
            screen.print(room)

    with Interruption() as interruption, ExitStack() as displayed:
        display = displayed.enter_context(display_for(spec, where.words, quiet=quiet))
        try:
            found = run_study(
                spec,
                place,
                workers=where.workers,
                places=where.places,
                engine=where.engine,
                display=display,
                stopping=lambda: interruption.code is not None,
                command=command,
                show=show,
                consent=consent,
            )
        except KeyboardInterrupt:  # of a second signal
            raise typer.Exit(interruption.code or 130) from None
    if as_json:
        print_json(summary(found.results))
    if interruption.code is not None:
        raise typer.Exit(interruption.code)
    if not found.results.ranking:
        raise NothingCompletedError(why_nothing(spec.study, found.results.ended))
