"""`fairtune init`: write a study file to start from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from lightning_modules.errors import UserError
from studies.study_file.presets import find_preset, preset_names


def init(
    preset: Annotated[
        str,
        typer.Argument(
            help="Which preset to copy.",
            autocompletion=lambda incomplete: [
                name for name in preset_names() if name.startswith(incomplete)
            ],
        ),
    ] = "mlp-digits",
    output: Annotated[
        Path | None, typer.Option("--output", help="File to write; PRESET.yaml unless given.")
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="Show the presets, write nothing.")] = False,
) -> None:
    """Write a study file to start from: a copy of a preset."""
    if show:
        list_presets()
        return
    source = find_preset(preset)
    target = output or Path(f"{preset}.yaml")
    if os.path.lexists(target):  # a link that leads nowhere, too
        raise UserError(f"{target} exists; name another with --output")
    try:
        target.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    except OSError as error:
        raise UserError(f"{target}: cannot be written: {error.strerror}") from None
    print(f"wrote {target}; next: fairtune check {target}, then fairtune run {target}")


def list_presets() -> None:
    """Every preset with the question that it answers."""
    from rich.table import Table

    from studies.api.opening import console
    from studies.study_file.presets import question

    table = Table("preset", "question", box=None, pad_edge=False)
    for name in preset_names():
        table.add_row(name, question(find_preset(name)))
    console().print(table)
