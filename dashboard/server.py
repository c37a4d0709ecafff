"""The dashboard's server: `python -m dashboard.server PORT`."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from starlette.middleware import Middleware
from streamlit.starlette import App

from dashboard.page import preparing
from studies.servers.gate import Gate
from studies.servers.token import TOKEN

SETTINGS = {
    "server.address": "127.0.0.1",
    "server.allowedHosts": ["127.0.0.1", "localhost"],
    "server.headless": True,
    "server.fileWatcherType": "none",
    "server.enableCORS": True,
    "server.corsAllowedOrigins": [],
    "server.enableXsrfProtection": True,
    "server.xsrfCookieSameSite": "strict",
    "server.enableStaticServing": False,
    "server.enableAgentApi": False,
    "server.scriptHealthCheckEnabled": False,
    "server.trustedUserHeaders": {},
    "server.maxUploadSize": 1,
    "server.baseUrlPath": "",
    "server.customComponentBaseUrlPath": "",
    "server.runOnSave": False,
    "server.allowRunOnSave": False,
    "server.folderWatchList": [],
    "browser.serverAddress": "127.0.0.1",
    "browser.gatherUsageStats": False,
    "client.allowedOrigins": [],
    "client.toolbarMode": "viewer",
    "client.showErrorDetails": "type",
    "global.developmentMode": False,
    "logger.hideWelcomeMessage": True,
    "secrets.files": [],
    "theme.headingFontSizes": ["1.6rem", "1.4rem", "1.2rem", "1.15rem", "1.05rem", "1rem"],
    "theme.light.primaryColor": "#0072B2",
    "theme.dark.primaryColor": "#3C94D2",
    "theme.light.textColor": "#111010",  # captions have three fifths of it
    "theme.dark.codeTextColor": "#7ED5B0",
    "runner.magicEnabled": False,
}
"""Of Streamlit's; said here, none of them can be set otherwise by a file or in the environment."""
APP = Path(__file__).with_name("app.py")


def main(port: int) -> None:
    """Serve until somebody ends it."""
    preparing.start()
    token = os.environ.pop(TOKEN, None)
    app = App(APP, middleware=[Middleware(Gate, command="fairtune dashboard", token=token)])
    ports = {"server.port": port, "browser.serverPort": port}
    with suppress(KeyboardInterrupt):
        app.run(config={**SETTINGS, **ports})


if __name__ == "__main__":
    main(int(sys.argv[1]))
