"""Options that several commands share, and how they print."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lightning_modules.errors import UserError
from studies.api.opening import home_at
from studies.api.worker_plan import MOST_CPUS, MOST_WORKERS
from studies.devices.discovery import MOST_PER_GPU
from studies.study_file.presets import preset_names

if TYPE_CHECKING:
    from studies.inputs.consent import Consent


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


def complete_studies_and_runs(context: typer.Context, incomplete: str) -> list[str]:
    """A study, or one of its trials."""
    studies = [] if "/" in incomplete else complete_studies(context, incomplete)
    return [*studies, *complete_runs(context, incomplete)]


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
Annotatable = Annotated[
    str,
    typer.Argument(
        metavar="STUDY[/TRIAL]",
        help="A study of the home, or one of its trials.",
        autocompletion=complete_studies_and_runs,
    ),
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
AllowCommand = Annotated[
    bool,
    typer.Option(
        "--allow-command", help="Run the program that the home names, and that is shown first."
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="One JSON object on the last line of standard output.")
]
Shared = Annotated[
    bool,
    typer.Option(
        "--shared", help="Make a new home for all of the group of the folder in which it lies."
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        max=MOST_WORKERS,
        help="Trials side by side; one per GPU unless given, one per core where there is none.",
    ),
]
PerGpu = Annotated[
    int | None,
    typer.Option(
        "--per-gpu", min=1, max=MOST_PER_GPU, help="Trials that share a GPU; 1 unless given."
    ),
]


class EngineName(StrEnum):
    """Where trials train that have no Python function."""

    local = "local"
    ray = "ray"


Engine = Annotated[
    EngineName,
    typer.Option("--engine", help="Train on this machine, or on the machines of a Ray cluster."),
]
Address = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="HOST:PORT",
        help="The head of a Ray cluster, or auto on one of its nodes; also RAY_ADDRESS. Without, "
        "Ray is started on this machine.",
    ),
]
CpusPerWorker = Annotated[
    int | None,
    typer.Option(
        "--cpus-per-worker",
        min=1,
        max=MOST_CPUS,
        help="Of a worker on Ray; its threads unless given, or its part of those beside its GPU.",
    ),
]
Token = Annotated[
    bool | None,
    typer.Option(
        "--token/--no-token",
        help="Whether the pages open only at the printed address, which has a token; they do on a "
        "machine that other people use unless this is given.",
    ),
]


def consent_to(command: Sequence[str], *, given: bool) -> Consent:
    """Whether a command may run programs that a home names; a person at a terminal is asked."""
    from studies.inputs.consent import Consent

    again = shlex.join(["fairtune", *command, "--allow-command"])
    asks = sys.stdin.isatty() and sys.stderr.isatty()
    ask = (lambda text: typer.confirm(f"{text}. Run it?", err=True)) if asks else None
    return Consent(f"`{again}` gives it", given, ask)


def print_json(value: Any) -> None:
    """One JSON object on one line of standard output; NaN and infinity become null."""
    print(json.dumps(_finite(value), ensure_ascii=False, default=str), flush=True)


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


def file_to_write(output: Path | None, usual: str, force: bool, *, streams: bool = False) -> Path:
    """The file that a command writes: that of --output, else one of the usual name in the current
    folder, where somebody else may have put a link or a pipe of that name.

    Raises UserError where one is there and --force is not given, and where none can be written:
    so before what takes time. With `streams`, --output may also name a device or a pipe.
    """
    path = output or Path(usual)
    if path.is_dir():
        raise UserError(f"{path} is a folder; name a file in it with --output")
    is_stream = path.exists() and not path.is_file()
    if is_stream and output is not None and streams:
        return path
    if is_stream or (output is None and path.is_symlink()):
        raise UserError(
            f"{path} is no file of its own but a link, a pipe or a device; name one with --output"
        )
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}; make it, or name another file")
    if os.path.lexists(path) and not force:
        raise UserError(f"{path} exists already; --force replaces it, --output names another")
    return path
