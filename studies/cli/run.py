"""`fairtune run`: run a study, or continue it."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from studies.cli.options import (
    Allow,
    HomeOption,
    Json,
    Overrides,
    StudyFile,
    Workers,
    console,
    load_spec,
    open_home,
    print_json,
    worker_count,
)

if TYPE_CHECKING:
    from studies.analysis import StudyOutcome


def run(
    file: StudyFile,
    home: HomeOption = None,
    workers: Workers = None,
    overrides: Overrides = None,
    allow: Allow = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, only the result.")] = False,
    as_json: Json = False,
) -> None:
    """Run a study, or continue it: the same command again never trains a finished trial twice."""
    place = open_home(home)
    spec = load_spec(file, overrides, allow, place)
    from studies.analysis import summary
    from studies.cli.display import display_for, print_summary
    from studies.running.run_study import run_study

    screen = console(stderr=as_json)

    def show(found: StudyOutcome) -> None:
        displayed.close()
        print_summary(found.results, screen)
        if found.results.finished and spec.factors:
            from studies.analysis import alarms
            from studies.cli.compare import print_comparison

            warned = alarms(found.results, found.comparison)
            print_comparison(found.results, found.comparison, warned, screen)

    with Interruption() as interruption, ExitStack() as displayed:
        display = displayed.enter_context(display_for(spec, quiet=quiet))
        try:
            found = run_study(
                spec,
                place,
                workers=worker_count(workers),
                display=display,
                stopping=lambda: interruption.code is not None,
                command=[
                    str(file.resolve() if file.exists() else file),
                    *(part for each in overrides or () for part in ("--set", each)),
                    *(part for each in allow or () for part in ("--allow", each)),
                ],
                show=show,
            )
        except KeyboardInterrupt:  # of a second signal
            raise typer.Exit(interruption.code or 130) from None
    if as_json:
        print_json(summary(found.results))
    if interruption.code is not None:
        raise typer.Exit(interruption.code)
    if not found.results.ranking:
        raise typer.Exit(3)


class Interruption:
    """Turns the first Ctrl-C or SIGTERM into a request to stop, and a second one into an end.

    The first one lets the running trials finish their epoch; the second does not wait for them.
    """

    code: int | None = None
    """128 + the signal's number, once one has come."""

    def __enter__(self) -> Interruption:
        self._before = {
            number: signal.signal(number, self._heard) for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _heard(self, number: int, _: FrameType | None) -> None:
        if self.code is not None:
            raise KeyboardInterrupt
        self.code = 128 + number
