"""Starts the dashboard's server: `python -m dashboard.server` with Streamlit's options."""

from __future__ import annotations

import sys
from pathlib import Path

from streamlit.web.cli import main as streamlit

from dashboard.page import preparing

APP = Path(__file__).with_name("app.py")


def main(options: list[str]) -> None:
    """Serve until somebody ends it."""
    preparing.start()
    streamlit(["run", str(APP), *options], prog_name="streamlit")


if __name__ == "__main__":
    main(sys.argv[1:])
