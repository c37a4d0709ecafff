"""`fairtune init`: write a study file to start from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightning_modules.errors import UserError
from studies.cli.options import Overrides, file_to_write
from studies.study_file.presets import find_preset, preset_names

if TYPE_CHECKING:
    from lightning_modules.data.preparation.summary import DataSummary

SCRIPTS = (".py",)


def init(
    start: Annotated[
        str,
        typer.Argument(
            metavar="[PRESET | DATA | SCRIPT]",
            help="A preset to copy; or data of yours (a table, arrays, series, a folder of "
            "images); or a script of yours that trains (.py).",
            autocompletion=lambda incomplete: [
                name for name in preset_names() if name.startswith(incomplete)
            ],
        ),
    ] = "mlp-digits",
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target", metavar="COLUMN", help="The column to predict; repeat it for several."
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option("--task", help="classification, regression or multilabel; found out else."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="File to write; named after the preset or file else."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    show: Annotated[bool, typer.Option("--list", help="Show the presets, write nothing.")] = False,
    overrides: Overrides = None,
) -> None:
    """Write a study file to start from: for your data or your script, or a copy of a preset."""
    if show:
        list_presets()
        return
    from lightning_modules.data.columns.mistakes import Mistakes

    name = _usual_name(start)
    mistakes = Mistakes(UserError)
    with mistakes.gathered():
        path = file_to_write(output, f"{name}.yaml", force)
    with mistakes.gathered():
        text, summary = _first_study(start, target or (), task, overrides or ())
    mistakes.refuse()
    if summary is not None:
        from studies.api.opening import console
        from studies.api.progress import print_data

        print_data([summary], console(stderr=True))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None
    stand_in = "write its values for CHANGE-ME, then " if "CHANGE-ME" in text else ""
    print(f"wrote {path}; next: {stand_in}fairtune check {path}, then fairtune run {path}")


def _usual_name(start: str) -> str:
    """The name of a study file, without its ending."""
    if start in preset_names():
        return start
    from studies.inputs.first_study.blocks import name_of

    return name_of(Path(start))


def _first_study(
    start: str, targets: Sequence[str], task: str | None, sets: Sequence[str]
) -> tuple[str, DataSummary | None]:
    """What is written into the file, and what the data becomes where it is for data."""
    path = Path(start)
    is_preset = start in preset_names()
    if is_preset or path.suffix.lower() in SCRIPTS:
        given = {"--target": targets, "--task": task, "--set": sets}
        if wrong := ", ".join(option for option, value in given.items() if value):
            raise UserError(f"{wrong}: for data only, and {start} is none; leave it out")
    if is_preset:
        return find_preset(start).read_text(encoding="utf-8"), None
    if path.suffix.lower() in SCRIPTS:
        from studies.inputs.first_study.script_study import script_study

        return script_study(path), None
    if not path.exists() and not path.suffix and len(path.parts) == 1:
        find_preset(start)  # says which preset may have been meant
    from studies.inputs.first_study.data_study import data_study

    return data_study(path, targets, task, sets)


def list_presets() -> None:
    """Every preset with the question that it answers."""
    from rich.table import Table

    from studies.api.opening import console
    from studies.study_file.presets import question

    table = Table("preset", "question", box=None, pad_edge=False)
    for name in preset_names():
        table.add_row(name, question(find_preset(name)))
    console().print(table)
