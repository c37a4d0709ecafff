"""`fairtune data`: what the data of a study, or a file alone, becomes; nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from studies.api.opening import console, load_spec, open_home
from studies.cli.options import Allow, HomeOption, Json, Overrides, print_json


def data(
    file: Annotated[
        Path,
        typer.Argument(
            help="A study file, a preset or a study of the home; or a table (.csv, .parquet), "
            "arrays (.npz), series (.ts) or a folder of images."
        ),
    ],
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target", metavar="COLUMN", help="The column to predict; repeat it for several."
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            "--task", help="classification, which is the default, regression or multilabel."
        ),
    ] = None,
    home: HomeOption = None,
    overrides: Overrides = None,
    allow: Allow = None,
    as_json: Json = False,
) -> None:
    """Show what data becomes: rows of the parts, columns by kind, classes, and what looks odd."""
    from studies.api.progress import print_data
    from studies.inputs.checks import check_inputs
    from studies.inputs.data_summaries import file_summary, loaded_summaries, set_of

    if set_of(file):
        summaries = [file_summary(file, target or (), task, overrides or ())]
    else:
        opened = open_home(home)
        spec = load_spec(file, overrides or (), allow or (), opened)
        summaries = check_inputs(spec, opened)
        summaries += loaded_summaries(spec)
    print_data(summaries, console(stderr=as_json))
    if as_json:
        print_json({"data": [summary.as_values() for summary in summaries]})
