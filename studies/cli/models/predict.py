"""`fairtune predict`: what a study's network answers to new rows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lightning_modules.errors import NothingCompletedError, UserError, visible
from lightning_modules.user_code import imports
from studies.api.opening import console, open_home
from studies.cli.options import Allow, HomeOption, Json, StudyName, file_to_write, print_json

PREVIEW = 5
ENDINGS = (".csv", ".parquet")


def predict(
    study: StudyName,
    data: Annotated[
        Path | None,
        typer.Argument(metavar="[DATA]", help="New rows, in a file as the study's data set has."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where to write them: .csv, .parquet, or - for standard output; "
            "<study>-predictions.csv in the current folder unless given.",
        ),
    ] = None,
    trial: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Predict with this trial's network instead."),
    ] = None,
    test: Annotated[
        bool, typer.Option("--test", help="Predict the study's own test part, with its metrics.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    allow: Allow = None,
    home: HomeOption = None,
    as_json: Json = False,
) -> None:
    """Write the predictions of a study's best confirmed network: classes with probabilities, or
    values."""
    from lightning_modules.data.columns.mistakes import Mistakes
    from studies import results
    from studies.models.predict import answering, existing, predict, write
    from studies.reporting.spreadsheet import csv_text

    imports.allow(allow or ())
    to_screen = str(output) == "-"
    mistakes = Mistakes(UserError)
    with mistakes.gathered():
        if test == (data is not None):
            raise UserError("name either a file with new rows or --test")
        existing(data)
    with mistakes.gathered():
        path = _file_of(study, output, force, as_json)
    try:
        with mistakes.gathered():
            loaded = results.load_results(open_home(home), study)
            answering(loaded, data, trial)
    except NothingCompletedError:
        mistakes.refuse()
        raise
    mistakes.refuse()
    found = predict(loaded, data, trial=trial)
    table = found.table()
    screen = console(stderr=as_json or to_screen)
    screen.print(f"predicted by {found.chosen.words}")
    for name, value in found.metrics.items():
        screen.print(f"{name} {value:.4f}")
    if found.doubts is not None and found.doubts.words:
        screen.print(visible(f"note: {found.doubts.words}"))
    if found.caveat:
        screen.print(f"note: {found.caveat}")
    if to_screen:
        sys.stdout.write(csv_text(table))
        return
    write(table, path)
    screen.print(table.head(PREVIEW).to_string(index=False, float_format="{:.4g}".format))
    screen.print(f"wrote {len(table)} rows to {path}")
    if as_json:
        chosen = found.chosen
        print_json(
            {
                "study": study,
                "trial": chosen.trial.key,
                "repeat": chosen.trial.repeat,
                "split": chosen.trial.split_seed,
                "seed": chosen.trial.seed,
                "confirmed": bool(chosen.seeds),
                "rows": len(table),
                "classes": list(found.classes),
                "metrics": dict(found.metrics),
                "caveat": found.caveat,
                "doubts": None if found.doubts is None else found.doubts.to_dict(),
                "output": str(path.absolute()),
            }
        )


def _file_of(study: str, output: Path | None, force: bool, as_json: bool) -> Path:
    """Where the predictions go; UserError where they cannot."""
    if str(output) == "-":
        if as_json:
            raise UserError("--json and --output - both need standard output; name a file")
        return Path("-")
    if output is not None and output.suffix.lower() not in ENDINGS:
        raise UserError(
            f"{output}: predictions are written as {' or '.join(ENDINGS)}; give the "
            "--output one of these endings"
        )
    return file_to_write(output, f"{study}-predictions.csv", force)
