"""`fairtune rename`: a study gets another name."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from lightning_modules.errors import FairtuneError
from studies.api.opening import console, open_home
from studies.cli.options import HomeOption, Json, complete_studies, print_json


def rename(
    old: Annotated[
        str,
        typer.Argument(metavar="OLD", help="A study of the home.", autocompletion=complete_studies),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
    home: HomeOption = None,
    as_json: Json = False,
) -> None:
    """Give a study another name, in the home, in Optuna's storage and in MLflow."""
    from studies.maintenance.renaming import rename
    from studies.mirrors.left import sync_command
    from studies.mirrors.sync import sync

    place = open_home(home)
    screen = console(stderr=as_json)
    done = rename(place, old, new)
    screen.print(f"study {old} is called {new}")
    if done.file:
        screen.print(f"write `study: {new}` in {done.file}: as it is, it would begin a new {old}")
    left = ""
    try:
        sync(place, new)
    except FairtuneError as error:
        left = f"{error}; then `{sync_command(place, new)}` brings the mirrors up to it"
    if as_json:
        print_json({**asdict(done), "left": left or None})
    if left:
        screen.print(left)
