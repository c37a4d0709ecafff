"""`fairtune best`: the best configuration of a study, as a file to train again."""

from __future__ import annotations

from lightning_modules.errors import NothingCompletedError
from studies.cli.options import HomeOption, Json, StudyName, console, open_home, print_json


def best(study: StudyName, home: HomeOption = None, as_json: Json = False) -> None:
    """Print the best configuration of a study: a study file with no ranges left."""
    from studies import document
    from studies.results import load, summary

    place = open_home(home)
    results = load(place, study)
    found = summary(results)["best"]
    if found is None:
        raise NothingCompletedError(f"{study}: no trial has completed yet")
    screen = console(stderr=as_json)
    arm = f" (arm {found['arm']})" if found["arm"] else ""
    seeds = found["fresh_seeds"]
    how = (
        f"mean of {seeds} fresh seeds"
        if seeds
        else f"one trial of the search, seed {found['seed']}"
    )
    screen.print(f"# {found['metric']} {found['value']:.6g}{arm}: {how}")
    screen.print(f"# MLflow run {found['mlflow_run_id']}")
    screen.print(document.dump({"study": f"{study}-best", **found["configuration"]}).rstrip())
    if as_json:
        print_json(found)
