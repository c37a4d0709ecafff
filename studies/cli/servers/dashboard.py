"""`fairtune dashboard`: the Streamlit dashboard on a home."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from lightning_modules.errors import UserError
from studies.api.opening import open_home
from studies.cli.options import HomeOption, check_port
from studies.cli.servers.process import serve

SETTINGS = {
    "server.address": "127.0.0.1",
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "server.enableCORS": "true",
    "server.enableXsrfProtection": "true",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "viewer",
    "client.showErrorDetails": "type",
    "logger.hideWelcomeMessage": "true",
    "theme.light.primaryColor": "#0072B2",
    "theme.dark.primaryColor": "#56B4E9",
    "runner.magicEnabled": "false",
}
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""More threads wait for each other longer than the small matrices of a page take."""
HOSTS = ("127.0.0.1", "localhost")
"""Names under which a browser may ask; another one would be a page that posed as this machine."""


def dashboard(
    home: HomeOption = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 8501,
) -> None:
    """Open the dashboard on a home; it listens on this machine only. Ctrl-C ends it."""
    place = open_home(home)
    if find_spec("dashboard") is None:
        raise UserError("the dashboard is not installed; install fairtune again")
    check_port(port)
    # -P: no module of the current folder takes the place of an installed one
    command = [sys.executable, "-P", "-m", "dashboard.server"]
    for name, value in {**SETTINGS, "server.port": str(port)}.items():
        command += [f"--{name}", value]
    for host in HOSTS:
        command += ["--server.allowedHosts", host]
    print(f"Dashboard of {place.path}: http://127.0.0.1:{port}  (Ctrl-C ends it)", flush=True)
    environment = {"FAIRTUNE_HOME": str(place.path), "DO_NOT_TRACK": "true", **ONE_THREAD}
    raise typer.Exit(serve(command, environment))
