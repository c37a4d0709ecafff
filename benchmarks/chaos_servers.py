"""The servers behind the studies of `chaos.py --postgres`."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.invariants import CANARY
from tests.support.servers import MlflowServer, Postgres, free_port


@contextmanager
def servers(folder: Path) -> Iterator[tuple[MlflowServer, Postgres]]:
    """PostgreSQL for Optuna and a server for MLflow, named in the environment."""
    data = Path(tempfile.mkdtemp(prefix="fairtune-postgres-"))
    postgres = Postgres(data, free_port(), password=f"p@ss%{{}}:/{CANARY}")
    (folder / "home").mkdir()
    server = MlflowServer(folder / "home", free_port())
    postgres.create()
    server.start()
    os.environ["FAIRTUNE_STORAGE"] = postgres.database("chaos")
    os.environ["MLFLOW_TRACKING_URI"] = server.url
    try:
        yield server, postgres
    finally:
        server.kill()
        postgres.control("stop", "-m", "immediate")
        shutil.rmtree(data)
