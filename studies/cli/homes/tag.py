"""`fairtune tag`: names and values by which people find studies and trials again."""

from __future__ import annotations

from typing import Annotated

import typer

from lightning_modules.errors import visible
from studies.api.opening import console, open_home
from studies.cli.options import Annotatable, HomeOption, Json, print_json


def tag(
    run: Annotatable,
    tags: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Tags to set; listed without any."),
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option("--remove", metavar="KEY", help="Take this tag away; repeatable."),
    ] = None,
    home: HomeOption = None,
    as_json: Json = False,
) -> None:
    """Give a study or a trial tags, also while it runs; MLflow has them as tags of the run."""
    from studies.maintenance import annotating

    target, place = annotating.Target.of(run), open_home(home)
    screen = console(stderr=as_json)
    if tags or remove:
        found = annotating.write_tags(place, target, tags or (), remove or ())
    else:
        found = annotating.Annotated(annotating.read(place, target))
    held = found.annotation.tags
    for name, value in held.items():
        screen.print(visible(f"{name} = {value}"))
    if not held:
        screen.print(f"{target} has no tags")
    if found.left:
        screen.print(found.left)
    if as_json:
        print_json(annotating.as_json(target, found))
