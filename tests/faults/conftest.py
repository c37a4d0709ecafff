"""A study that a fault test hits."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from studies.home import Home
from tests.support.drivers import Faulty
from tests.support.servers import Postgres, free_port


@pytest.fixture
def faulty(home: Home, tmp_path: Path) -> Faulty:
    return Faulty.make(home, tmp_path)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server, in a folder that its own user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="fairtune-postgres-"))
    server = Postgres(folder, free_port())
    server.create()
    yield server
    server.control("stop", "-m", "immediate")
    shutil.rmtree(folder)
