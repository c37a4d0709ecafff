"""`fairtune ui`: the MLflow UI on a home."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Annotated

import typer

from lightning_modules.errors import StorageError, UserError
from studies.api.opening import open_home
from studies.cli.options import HomeOption, Token, check_port
from studies.servers.process import serve
from studies.servers.running_ui import EXPERIMENTS
from studies.servers.token import address, new_token


def ui(
    home: HomeOption = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 5000,
    token: Token = None,
) -> None:
    """Open the MLflow UI on a home; it listens on this machine only. Ctrl-C ends it."""
    from studies.home import damage, home_option, redact, sqlite_file
    from studies.home.boundary import refuse_links
    from studies.mirrors.mlflow.places import is_own, settle
    from studies.results import names

    place = open_home(home)
    if place.mlflow_uri.startswith(("http://", "https://")):
        raise UserError(f"the runs are on {redact(place.mlflow_uri)}: open that in a browser")
    file = sqlite_file(place.mlflow_uri)
    if file is None:
        from studies.mirrors.mlflow.client import connect

        connect(place.mlflow_uri)  # MLflow's server would try for minutes
    elif not file.exists():
        names(place)  # says so where there is no study
        raise UserError(
            f"{file}: MLflow has nothing of this home's studies yet; "
            f"`fairtune sync{home_option(place.path)}` brings it up"
        )
    elif (what := damage(file)) is not None:
        raise StorageError(
            f"{file}: {what}; move it away, and "
            f"`fairtune sync{home_option(place.path)}` makes it again"
        )
    if is_own(place):
        refuse_links(place.path, [place.artifacts])
        with contextlib.suppress(sqlite3.Error):  # MLflow says what is wrong
            settle(place)
    check_port(port)
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    quiet["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    quiet["MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE"] = "false"
    quiet["MLFLOW_SERVER_ALLOWED_HOSTS"] = f"127.0.0.1:{port},localhost:{port}"
    quiet["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"] = ""
    quiet["MLFLOW_BACKEND_STORE_URI"] = place.mlflow_uri
    quiet["MLFLOW_ARTIFACTS_DESTINATION"] = str(place.artifacts)
    secret = new_token(token)
    page = address(port, secret) + ("" if secret else "/") + EXPERIMENTS
    print(f"MLflow UI of {place.path}: {page}  (Ctrl-C ends it)", flush=True)
    code = 0
    with contextlib.suppress(KeyboardInterrupt):
        code = serve("studies.servers.mlflow_ui", place, port, secret, quiet)
    raise typer.Exit(code)
