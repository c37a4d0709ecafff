"""`fairtune promote`: a study's network as a registered model."""

from __future__ import annotations

from typing import Annotated

import typer

from studies.api.opening import console, open_home
from studies.cli.options import HomeOption, Json, StudyName, print_json


def promote(
    study: StudyName,
    name: Annotated[
        str | None,
        typer.Option(help="The registered model; called as the study unless given."),
    ] = None,
    alias: Annotated[str, typer.Option(help="What the version is to be found by.")] = "champion",
    home: HomeOption = None,
    as_json: Json = False,
) -> None:
    """Register a study's best confirmed network in MLflow's model registry."""
    from studies import results
    from studies.models.promote import promote

    done = promote(results.load_results(open_home(home), study), name, alias)
    screen = console(stderr=as_json)
    made = f"version {done.version}" if done.is_new else f"already version {done.version}"
    screen.print(f"{done.name}: {made}, {done.alias}: {done.chosen.words}")
    screen.print(f"expect: {done.confirmed}")
    screen.print(f"verdict: {done.verdict}")
    screen.print(f'load it: mlflow.pyfunc.load_model("{done.uri}")')
    if as_json:
        trial = done.chosen.trial
        print_json(
            {
                "study": study,
                "name": done.name,
                "version": done.version,
                "alias": done.alias,
                "new": done.is_new,
                "uri": done.uri,
                "trial": trial.key,
                "seed": trial.seed,
                "repeat": trial.repeat,
                "split": trial.split_seed,
                "mlflow_run_id": trial.run_id,
                "confirmed": done.confirmed,
                "verdict": done.verdict,
            }
        )
