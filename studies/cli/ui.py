"""`fairtune ui`: the MLflow UI on a home."""

from __future__ import annotations

import contextlib
import sys
from typing import Annotated

import typer

from lightning_modules.errors import UserError
from studies.cli.options import HomeOption, check_port, open_home
from studies.cli.server import serve


def ui(
    home: HomeOption = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 5000,
) -> None:
    """Open the MLflow UI on a home; it listens on this machine only. Ctrl-C ends it."""
    place = open_home(home)
    if "://" in place.mlflow_uri and not place.mlflow_uri.startswith("sqlite"):
        raise UserError(f"the runs are on {place.mlflow_uri}: open that address in a browser")
    if not (place.path / "mlflow.db").exists():
        raise UserError(f"{place.path} holds no runs yet; start a study with `fairtune run`")
    check_port(port)
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", place.mlflow_uri]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--allowed-hosts", f"127.0.0.1:{port},localhost:{port}"]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    quiet["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    print(f"MLflow UI of {place.path}: http://127.0.0.1:{port}  (Ctrl-C ends it)", flush=True)
    code = 0
    with contextlib.suppress(KeyboardInterrupt):
        code = serve(command, quiet)
    raise typer.Exit(code)
