"""`fairtune import`: make records from an Optuna storage that fairtune wrote."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from lightning_modules.errors import FairtuneError
from studies.api.opening import console, home_at
from studies.cli.options import HomeOption, Json, Shared, print_json

if TYPE_CHECKING:
    from studies.maintenance.importing.importer import Imported


def import_(
    studies: Annotated[
        list[str] | None,
        typer.Argument(metavar="[STUDY]...", help="Which studies; all of them unless given."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="URL",
            help="The Optuna storage: its URL, its file, or the home that has it. Unless given "
            "that of the home, or FAIRTUNE_STORAGE.",
        ),
    ] = None,
    home: HomeOption = None,
    shared: Shared = False,
    as_json: Json = False,
) -> None:
    """Make records from an Optuna storage that fairtune wrote; a record that is there stays."""
    from studies.home import earlier_studies
    from studies.maintenance.importing.earlier_home import copy_storage, import_lock
    from studies.maintenance.importing.importer import import_study
    from studies.maintenance.importing.sources import open_storage, storage_url

    place = replace(home_at(home), shared=shared)
    screen = console(stderr=as_json)
    imported: list[Imported] = []
    failed: dict[str, FairtuneError] = {}
    with open_storage(place.optuna_url if source is None else storage_url(source)) as storage:
        names = studies or storage.studies()
        if names:
            place.create()
        with import_lock(place) if names else nullcontext():
            if source is None and earlier_studies(place):
                copy_storage(place)
            for name in names:
                try:
                    imported.append(import_study(place, name, storage))
                    screen.print(describe(imported[-1]))
                except FairtuneError as error:
                    failed[name] = error
                    print(f"fairtune: study {name} was not imported: {error}", file=sys.stderr)
    if not names:
        screen.print("the storage holds no study of fairtune")
    if as_json:
        reasons = {name: str(error) for name, error in failed.items()}
        done = [asdict(each) for each in imported]
        print_json({"home": str(place.path), "studies": done, "failed": reasons})
    if failed:
        raise typer.Exit(next(iter(failed.values())).exit_code)


def describe(imported: Imported) -> str:
    """What was made of a study, in a sentence."""
    if imported.skipped:
        return f"{imported.study}: the home has its record, which stays as it is"
    text = f"{imported.study}: imported {imported.trials} trials"
    if imported.sparse:
        text += f"; of {imported.sparse} of them only the objective's curve is known"
    return text
