"""`fairtune status`: what a home holds, or how far a study has come."""

from __future__ import annotations

from typing import Annotated

import typer

from studies.cli.options import HomeOption, Json, complete_studies, console, open_home, print_json


def status(
    study: Annotated[
        str | None,
        typer.Argument(
            metavar="[STUDY]",
            help="A study of the home; all of them unless given.",
            autocompletion=complete_studies,
        ),
    ] = None,
    home: HomeOption = None,
    as_json: Json = False,
) -> None:
    """Show how far the studies of a home, or one of them, have come."""
    from studies.cli.display import print_studies, print_summary
    from studies.results import load, names, summary

    place = open_home(home)
    screen = console(stderr=as_json)
    if study is not None:
        results = load(place, study)
        print_summary(results, screen)
        if as_json:
            print_json(summary(results))
        return
    studies = [load(place, name) for name in names(place)]
    print_studies(studies, screen)
    if as_json:
        print_json({"home": str(place.path), "studies": [summary(each) for each in studies]})
