"""Options that several commands share, and how they print."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lightning_modules.errors import UserError
from lightning_modules.user_code import imports
from studies.study_file.presets import find_preset, preset_names

if TYPE_CHECKING:
    from rich.console import Console

    from studies.home import Home
    from studies.study_file import Spec


def complete_studies(context: typer.Context, incomplete: str) -> list[str]:
    from studies.results import names

    try:
        return [n for n in names(home_at(context.params.get("home"))) if n.startswith(incomplete)]
    except Exception:
        return []  # a shell that completes must stay silent


def complete_runs(context: typer.Context, incomplete: str) -> list[str]:
    """A study, then one of its trials."""
    study, separator, _ = incomplete.partition("/")
    if not separator:
        return [f"{name}/" for name in complete_studies(context, incomplete)]
    from studies.results import load_results

    try:
        trials = load_results(home_at(context.params.get("home")), study).trials
    except Exception:
        return []
    return [run for each in trials if (run := f"{study}/{each.key}").startswith(incomplete)]


StudyFile = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="A study file (YAML), or the name of a preset.",
        autocompletion=lambda incomplete: [n for n in preset_names() if n.startswith(incomplete)],
    ),
]
StudyName = Annotated[
    str,
    typer.Argument(metavar="STUDY", help="A study of the home.", autocompletion=complete_studies),
]
HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        envvar="FAIRTUNE_HOME",
        help="Folder that holds everything; `mlruns` in the current folder unless given.",
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Override a value of the file; repeatable."),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="MODULE",
        help="A module or package whose classes the file may name; repeatable. Its code is run. "
        "Also FAIRTUNE_ALLOW, separated by commas.",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="One JSON object on the last line of standard output.")
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", min=1, max=256, help="Trials side by side; one per core unless given."
    ),
]


def home_at(path: Path | None) -> Home:
    """The home at `path`, or the default one, as it is."""
    from studies.home import Home
    from studies.home.home import DEFAULT_HOME

    return Home.at(path or Path(DEFAULT_HOME))


def open_home(path: Path | None) -> Home:
    """The home at `path`, or the default one; studies that an earlier version has run there are
    imported, which standard error says."""
    from studies.home import earlier_studies

    home = home_at(path)
    if earlier_studies(home):
        from studies.maintenance.importing.earlier_home import import_earlier

        done = import_earlier(home)
        for failure in done.failures:
            print(f"fairtune: {failure}", file=sys.stderr)
        if done.imported:
            text = f"home {home.path} is of an earlier version: imported "
            text += f"{len(done.imported)} {'study' if len(done.imported) == 1 else 'studies'}"
            if done.copy is not None:
                text += f"; the copy of its Optuna database is {done.copy}"
            print(f"fairtune: {text}", file=sys.stderr)
    return home


def load_spec(file: Path, overrides: list[str] | None, allow: list[str] | None, home: Home) -> Spec:
    """The study file at `file`, the preset of that name, or the file that the home has kept of the
    study of that name; `allow` names modules of its own."""
    from studies import results
    from studies.study_file import document, resolve
    from studies.study_file.loading import load_study_file
    from studies.study_file.presets import preset_names

    imports.allow(allow or ())
    name = str(file)
    if file.exists() or name in preset_names():
        return load_study_file(find_preset(name) if not file.exists() else file, overrides or ())
    if results.exists(home) and name in results.names(home):
        kept = results.load_results(home, name).spec
        source = document.parse(kept.text, f"the stored file of {name}")
        return resolve(source, overrides or (), recorded=True)
    return load_study_file(find_preset(name), overrides or ())


def worker_count(given: int | None) -> int:
    """As many workers as were asked for, else one per core that this process may use."""
    if given is not None:
        return given
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def print_json(value: Any) -> None:
    """One JSON object on one line of standard output; NaN and infinity become null."""
    print(json.dumps(_finite(value), ensure_ascii=False, default=str), flush=True)


def console(*, stderr: bool = False) -> Console:
    """Where a command prints for people: standard error where JSON has standard output."""
    from rich.console import Console

    tty = (sys.stderr if stderr else sys.stdout).isatty()
    # user text such as `[red]` is shown as it is; a file has room for tables
    return Console(
        stderr=stderr,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=not tty,
        width=None if tty else 120,
    )


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value


def check_port(port: int) -> None:
    """Raise UserError where something listens on that port of this machine."""
    import socket

    with socket.socket() as probe:
        if os.name == "posix":  # a server that has just ended does not count
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise UserError(f"port {port} is taken; choose another with --port") from None
