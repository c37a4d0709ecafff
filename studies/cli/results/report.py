"""`fairtune report`: a study as one file for people, or its trials as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from studies.api.opening import console, open_home
from studies.cli.options import HomeOption, Json, StudyName, file_to_write, print_json


def report(
    study: StudyName,
    home: HomeOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where to write it; a file of the study's name in the current folder unless "
            "given.",
        ),
    ] = None,
    form: Annotated[
        Literal["html", "md", "csv"],
        typer.Option("--format", help="One page with curves, Markdown, or a table of all trials."),
    ] = "html",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    as_json: Json = False,
) -> None:
    """Write what a study found, and how, to one file that needs no network."""
    from studies.reporting.render import FILES, render, write
    from studies.results import load_results

    path = file_to_write(output, FILES[form].format(study), force, streams=True)
    results = load_results(open_home(home), study)
    write(render(results, form), path)
    console(stderr=as_json).print(f"wrote {path}")
    if as_json:
        print_json({"study": study, "format": form, "file": str(path.absolute())})
