"""`fairtune note`: what people want to remember of a study or of a trial."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lightning_modules.errors import UserError, visible
from studies.api.opening import console, open_home
from studies.cli.options import Annotatable, HomeOption, Json, print_json

MOST_READ = 2**20
"""Characters of standard input that are looked at; a note has fewer."""


def note(
    run: Annotatable,
    text: Annotated[
        str | None,
        typer.Argument(
            metavar="[TEXT]", help="The note, or - to read it from standard input; printed without."
        ),
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Take the note away.")] = False,
    home: HomeOption = None,
    as_json: Json = False,
) -> None:
    """Write down what is to be remembered of a study or a trial, also while it runs."""
    from studies.maintenance import annotating

    if delete and text is not None:
        raise UserError("a note is either written or deleted; give a text or --delete")
    target, place = annotating.Target.of(run), open_home(home)
    screen = console(stderr=as_json)
    if text is None and not delete:
        found = annotating.Annotated(annotating.read(place, target))
        said = found.annotation.note
        screen.print(visible(said) if said else f"{target} has no note")
    else:
        wanted = None if delete else annotating.note_of(_typed(text or ""))
        found = annotating.write_note(place, target, wanted)
        screen.print(f"{target}: the note is {'deleted' if delete else 'kept'}")
        if wanted is not None and "***" in wanted and wanted != text:
            screen.print("what looks like a password is not kept: *** stands in its place")
    if found.left:
        screen.print(found.left)
    if as_json:
        print_json(annotating.as_json(target, found))


def _typed(text: str) -> str:
    """The text, or that of standard input where it is `-`."""
    if text != "-":
        return text
    try:
        return sys.stdin.read(MOST_READ)
    except UnicodeDecodeError:
        raise UserError("what standard input holds is no text in UTF-8; write it in that") from None
