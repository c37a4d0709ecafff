"""`fairtune delete`: a study is gone for good."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lightning_modules.errors import UserError
from studies.api.opening import console, open_home
from studies.cli.options import HomeOption, Json, StudyName, print_json


def delete(
    study: StudyName,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    home: HomeOption = None,
    as_json: Json = False,
) -> None:
    """Delete a study: its record, checkpoints and artifacts, and what Optuna's storage and MLflow
    have of it."""
    from studies.home.deleted import deleted_studies
    from studies.maintenance.deleting import delete, look_at

    place = open_home(home)
    screen = console(stderr=as_json)
    trials = 0
    if not deleted_studies(place, study) or place.record(study).exists():
        doomed = look_at(place, study)
        trials = doomed.trials
        lost = f"{doomed.trials} trials and {doomed.size / 1e6:.1f} MB of {place.path}"
        text = f"study {study}: {lost}, and its copies in {' and '.join(doomed.mirrors)}, are lost"
        for other in doomed.dependents:
            text += f"; study {other} starts from its weights"
        if not yes:
            _ask(text)
    left = delete(place, study)
    if as_json:
        print_json({"study": study, "deleted": True, "trials": trials, "left": left or None})
    screen.print(left or f"study {study} was deleted")


def _ask(text: str) -> None:
    """Go on only where a person at a terminal says so."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UserError(f"{text}; give --yes where that is wanted")
    if not typer.confirm(f"{text}. Delete it?", err=True):
        raise UserError("nothing was deleted")
