"""`fairtune components`: what a study file can name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated

import typer

from lightning_modules.components import Component, Parameter, suggestion, unknown
from lightning_modules.errors import UserError
from studies.api.opening import console
from studies.cli.options import Json, print_json


def components(
    kind: Annotated[
        str | None,
        typer.Argument(
            help="A table: data, model, activation, loss, optimizer, ...; all unless given.",
            autocompletion=lambda incomplete: [k for k in _tables() if k.startswith(incomplete)],
        ),
    ] = None,
    name: Annotated[str | None, typer.Argument(help="A row of it, with its parameters.")] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, with parameters and sources.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the networks, optimizers, schedules, ... that a study file can name."""
    if markdown and as_json:
        raise UserError("--json and --markdown are two forms of the same; choose one")
    tables = _tables()
    shown = tables
    if kind is not None:
        if kind not in tables and name is not None:
            raise UserError(unknown("table", kind, tables))
        shown = {kind: tables[kind]} if kind in tables else _tables_with(kind)
    if name is not None and kind is not None:
        if name not in tables[kind]:
            raise UserError(unknown(kind, name, tables[kind]))
        shown = {kind: {name: tables[kind][name]}}
    if as_json:
        print_json({k: {n: _plain(row) for n, row in rows.items()} for k, rows in shown.items()})
    elif markdown:
        print(markdown_of(shown), end="")
    elif kind is not None and (name is not None or kind not in tables):
        for rows in shown.values():
            for row_name, row in rows.items():
                _print_row(row_name, row)
    else:
        _print_tables(shown)


def _tables_with(name: str) -> dict[str, dict[str, Component]]:
    """The rows of that name, in whichever table; UserError where there is none."""
    tables = _tables()
    found = {kind: {name: rows[name]} for kind, rows in tables.items() if name in rows}
    if not found:
        near = suggestion(name, [*tables, *(row for rows in tables.values() for row in rows)])
        hint = near or "; tables are " + ", ".join(tables)
        raise UserError(f"there is no table and no component {name!r}{hint}")
    return found


def markdown_of(tables: Mapping[str, Mapping[str, Component]]) -> str:
    """A section for each table, with a line for each of its rows."""
    lines = []
    for kind, rows in tables.items():
        lines += [
            f"## {kind}",
            "",
            "| name | what it is | parameters | source |",
            "|---|---|---|---|",
        ]
        for name, row in rows.items():
            required = row.required
            given = ", ".join(
                f"`{key}` (required)" if key in required else _with_default(key, p)
                for key, p in row.parameters.items()
            )
            cells = (f"`{name}`", row.summary, given, row.source)
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
        lines.append("")
    return "\n".join(lines)


def _with_default(name: str, parameter: Parameter) -> str:
    default = parameter.default
    return f"`{name}`" if default is None else f"`{name}` ({json.dumps(default, default=str)})"


def _tables() -> dict[str, dict[str, Component]]:
    from studies.study_file.json_schema import TABLES

    return {kind: dict(rows) for kind, rows in TABLES.items()}


def _plain(row: Component) -> dict[str, object]:
    parameters = {
        key: {"default": p.default, "summary": p.summary, "expects": p.expects(), "tune": _tune(p)}
        for key, p in row.parameters.items()
    }
    return {"summary": row.summary, "source": row.source, "parameters": parameters}


def _tune(parameter: Parameter) -> str:
    """The range from which a search may start, as a study file writes it."""
    tune = getattr(parameter, "tune", None)
    if not tune:
        return ""
    log = ", log: true" if getattr(parameter, "log", False) else ""
    return f"{{min: {tune[0]:g}, max: {tune[1]:g}{log}}}"


def _print_tables(tables: dict[str, dict[str, Component]]) -> None:
    from rich.table import Table

    for kind, rows in tables.items():
        table = Table(kind, "what it is", "parameters", box=None, pad_edge=False)
        for name, row in rows.items():
            table.add_row(name, row.summary, ", ".join(row.parameters))
        screen = console()
        screen.print(table)
        screen.print()


def _print_row(name: str, row: Component) -> None:
    from rich.table import Table

    screen = console()
    screen.print(f"{name}: {row.summary}" + (f" [{row.source}]" if row.source else ""))
    table = Table("parameter", "default", "takes", "range to start from", "what it does", box=None)
    for key, parameter in row.parameters.items():
        default = "" if parameter.default is None else str(parameter.default)
        table.add_row(key, default, parameter.expects(), _tune(parameter), parameter.summary)
    screen.print(table)
