"""A study that a fault test hits."""

import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import psutil
import pytest

from studies.home import Home
from tests.support.drivers import Faulty
from tests.support.invariants import CANARY, TOKEN, VARIABLE, no_secret_is_written
from tests.support.servers import Postgres, free_port


@pytest.fixture(autouse=True)
def no_secret_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """I7 after every test: in no file of the test's, and in no process's arguments."""
    monkeypatch.setenv(VARIABLE, TOKEN)
    yield
    no_secret_is_written(tmp_path)
    for process in psutil.process_iter(["cmdline"]):
        said = " ".join(process.info["cmdline"] or [])
        assert TOKEN not in said and CANARY not in said, said


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """I7: nor in what a test has printed."""
    report = yield
    said = report.capstdout + report.capstderr + report.caplog
    if report.passed and (TOKEN in said or CANARY in said):
        report.outcome = "failed"
        report.longrepr = f"{item.name} printed a secret"
    return report


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
