"""`fairtune sync`: deliver to Optuna's storage and to MLflow what they have missed."""

from __future__ import annotations

from typing import Annotated

import typer

from lightning_modules.errors import BusyError, FairtuneError, StorageError
from studies.api.opening import console, open_home
from studies.cli.options import HomeOption, Json, complete_studies, print_json


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
        bool,
        typer.Option(
            "--rebuild",
            help="Make the studies in Optuna's storage anew, and all runs that MLflow has lost.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Deliver to Optuna's storage and to MLflow what they have missed, exactly once."""
    from studies.home.deleted import deleted_studies
    from studies.maintenance.deleting import finish_all
    from studies.mirrors.sync import sync
    from studies.results import exists, names

    place = open_home(home)
    screen = console(stderr=as_json)
    delivered, failed = [], []
    deleted = len(deleted_studies(place, study))
    if left := finish_all(place, study):
        failed.append(left)
    elif deleted:
        screen.print(f"deleted in the mirrors: {deleted} {'study' if deleted == 1 else 'studies'}")
    if deleted and not (place.record(study).exists() if study else exists(place)):
        chosen = []
    else:
        chosen = names(place) if study is None else [study]
    for name in chosen:
        try:
            done = sync(place, name, rebuild=rebuild).delivered
        except BusyError as error:
            if study is not None:
                raise
            screen.print(f"{name}: {error}; its driver delivers it")
            continue
        except FairtuneError as error:
            if study is not None:
                raise
            failed.append(str(error))
            continue
        screen.print(
            f"{name}: delivered {done['optuna']} trials to Optuna's storage, "
            f"{done['mlflow']} to MLflow"
        )
        delivered.append({"study": name, "delivered": done})
    if failed:
        raise StorageError("; ".join(failed))
    if as_json:
        print_json({"home": str(place.path), "studies": delivered})
