"""`fairtune reset`: queue failed trials again after a fix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lightning_modules.errors import UserError
from studies.api.opening import console, open_home
from studies.cli.options import HomeOption, Json, StudyName, print_json

if TYPE_CHECKING:
    from studies.maintenance.resetting import Reset


def reset(
    study: StudyName,
    failed: Annotated[
        bool,
        typer.Option(
            "--failed",
            help="Queue the trials that ended with error, crashed, out_of_memory or timeout; one "
            "that diverged has its result.",
        ),
    ] = False,
    home: HomeOption = None,
    as_json: Json = False,
) -> None:
    """Queue the failed trials of all arms again, after their code was mended."""
    from lightning_modules.data.columns.mistakes import Mistakes
    from studies.maintenance.resetting import reset_failed
    from studies.records.reader import require_study
    from studies.results.commands import command

    place = open_home(home)
    mistakes = Mistakes(UserError)
    with mistakes.gathered():
        if not failed:
            raise UserError(
                f"say which trials are to be queued again: `fairtune reset {study} --failed`"
            )
    with mistakes.gathered():
        require_study(place, study)
    mistakes.refuse()
    done = reset_failed(place, study)
    again = command(done.results)
    screen = console(stderr=as_json)
    for sentence in sentences(done):
        screen.print(sentence)
    screen.print(f"`{again}` trains them")
    if as_json:
        print_json(
            {
                "study": done.study,
                "queued": dict(done.queued),
                "restarted": done.restarted,
                "changed": list(done.changed),
                "command": again,
            }
        )


def sentences(done: Reset) -> list[str]:
    """What was done, a sentence each."""
    from studies.results import plural

    count = sum(done.queued.values())
    arms = ", ".join(f"{arm} {number}" for arm, number in done.queued.items() if arm)
    trials = plural(count, "failed trial")
    verb = "is" if count == 1 else "are"
    said = [f"{done.study}: {trials} {verb} queued again{f' ({arms})' if arms else ''}"]
    if done.restarted:
        said.append(f"{plural(done.restarted, 'interrupted trial')} to begin anew")
    said += [f"{name} has changed, which is accepted" for name in done.changed]
    said += [f"{name}: the next run takes it as it is then" for name in done.functions]
    if done.changed or done.functions:
        said.append(
            "trials that ended before have run with the code as it was; a comparison of both says "
            "so"
        )
    return said
