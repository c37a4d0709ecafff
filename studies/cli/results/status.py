"""`fairtune status`: what a home holds, or how far a study has come."""

from __future__ import annotations

from typing import Annotated

import typer

from lightning_modules.errors import FairtuneError, StorageError
from studies.api.opening import console, open_home
from studies.cli.options import HomeOption, Json, complete_studies, print_json


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
    from studies.analysis import summary
    from studies.analysis.overview import study_entries, unreadable
    from studies.cli.results.display import print_studies, print_summary
    from studies.mirrors.left import what_is_left
    from studies.results import load_results, names

    place = open_home(home)
    screen = console(stderr=as_json)
    if study is not None:
        results = load_results(place, study)
        print_summary(results, screen)
        left = "" if place.driver(study) else what_is_left(place, study)
        if left:
            screen.print(left)
        if as_json:
            print_json(summary(results))
        return
    names(place)  # says so where there is none
    studies, problems = [], unreadable(place)
    for name in sorted(each.study for each in study_entries(place)):
        try:
            studies.append(load_results(place, name))
        except FairtuneError as error:
            problems[name] = " ".join(str(error).splitlines())
    if studies:
        print_studies(studies, screen)
    for name, problem in sorted(problems.items()):
        screen.print(f"{name}: {problem}")
    if as_json:
        summaries = [summary(each) for each in studies]
        print_json({"home": str(place.path), "studies": summaries, "unreadable": problems})
    if problems:
        raise typer.Exit(StorageError.exit_code)
