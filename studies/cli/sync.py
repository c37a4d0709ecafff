"""`fairtune sync`: deliver to MLflow what it has missed."""

from __future__ import annotations

from typing import Annotated

import typer

from lightning_modules.errors import BusyError
from studies.cli.options import HomeOption, Json, complete_studies, console, open_home, print_json


def sync(
    study: Annotated[
        str | None,
        typer.Argument(
            metavar="[STUDY]",
            help="A study of the home; all that nobody runs unless given.",
            autocompletion=complete_studies,
        ),
    ] = None,
    home: HomeOption = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make all runs again in an MLflow that lost them.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Deliver to MLflow what it has missed, exactly once."""
    from studies.results import names
    from studies.mirrors.sync import sync

    place = open_home(home)
    screen = console(stderr=as_json)
    told = []
    for name in names(place) if study is None else [study]:
        try:
            done = sync(place, name, rebuild=rebuild)
        except BusyError as error:
            if study is not None:
                raise
            screen.print(f"{name}: {error}; its driver delivers it")
            continue
        screen.print(f"{name}: delivered {done.delivered} trials")
        told.append({"study": name, "delivered": done.delivered})
    if as_json:
        print_json({"home": str(place.path), "studies": told})
