"""`fairtune dashboard`: the Streamlit dashboard on a home."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer

from lightning_modules.errors import UserError
from studies.api.opening import open_home
from studies.cli.options import HomeOption, Token, check_port
from studies.servers.process import serve
from studies.servers.token import address, new_token

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""More threads wait for each other longer than the small matrices of a page take."""


def dashboard(
    home: HomeOption = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 8501,
    token: Token = None,
) -> None:
    """Open the dashboard on a home; it listens on this machine only. Ctrl-C ends it."""
    place = open_home(home)
    if find_spec("dashboard") is None:
        raise UserError("the dashboard is not installed; install fairtune again")
    check_port(port)
    secret = new_token(token)
    print(f"Dashboard of {place.path}: {address(port, secret)}  (Ctrl-C ends it)", flush=True)
    settings = {"FAIRTUNE_HOME": str(place.path), "DO_NOT_TRACK": "true", **ONE_THREAD}
    raise typer.Exit(serve("dashboard.server", place, port, secret, settings))
