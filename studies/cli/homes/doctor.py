"""`fairtune doctor`: check a home, and repair what is safe to repair."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated

import typer

from studies.api.opening import console, open_home
from studies.cli.options import HomeOption, Json, print_json


def doctor(
    home: HomeOption = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Repair what is safe to repair; copies come first.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check versions, databases, space, rights, locks, leftovers and waiting records of a home."""
    from studies.home import without_secrets
    from studies.maintenance.doctor import examine

    place = open_home(home)
    screen = console(stderr=as_json)
    findings = []
    for found in examine(place, fix=fix):
        finding = replace(found, text=without_secrets(found.text))
        screen.print(f"{finding.state:4} {finding.check}: {finding.text}")
        findings.append(finding)
    failed = any(finding.state == "fail" for finding in findings)
    if as_json:
        checks = [asdict(finding) for finding in findings]
        print_json({"home": str(place.path), "ok": not failed, "checks": checks})
    if failed:
        raise typer.Exit(4)
