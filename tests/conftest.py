"""What all tests share: an environment of their imports, and homes that are quick to make."""

import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import forkserver
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from lightning_modules.user_code import imports
from studies.engines.process_group import DRIVER
from studies.home import Home

MakeHome = Callable[[Path], Home]
pytest.register_assert_rewrite("tests.support")
WriteModule = Callable[[str, str], str]

# Tests run side by side: threads of a library that wait for each other on busy processors spin,
# which can make a computation take several times the processor time. No library is loaded yet.
for setting in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[setting] = "1"

RUN = "FAIRTUNE_TEST_RUN"
"""All processes of one run of the tests have it in their environment, with the same value."""
os.environ.setdefault(RUN, uuid4().hex)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what is left of tests that hung, where xdist's processes ran them.

    pytest-timeout ends such a process at once, and its children go on: whoever reads what this one
    prints through a pipe would wait for them.
    """
    if not config.pluginmanager.hasplugin("dsession"):
        return
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(RUN) == os.environ[RUN] and process.pid != os.getpid():
                process.kill()


@pytest.fixture(scope="session", autouse=True)
def own_environment() -> Iterator[None]:
    """No setting of the user's reaches a test, and a command without --home fails."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "FAIRTUNE_STORAGE"):
            patch.delenv(name, raising=False)
        patch.setenv("FAIRTUNE_HOME", "/dev/null/a-test-must-name-its-home")
        yield


@pytest.fixture(scope="session", autouse=True)
def one_fork_server() -> Iterator[None]:
    """The first test that needs a fork server starts it for all that follow.

    Whoever that is: also the process of a mirror, which says nothing of what to import.
    """
    from tests.support.fork_server import preload_everything

    preload_everything(())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forkserver, "set_forkserver_preload", preload_everything)
        patch.setenv(DRIVER, str(os.getpid()))
        yield


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow database; MLflow takes seconds to make one."""
    from studies.mirrors.mlflow.client import connect

    path = tmp_path_factory.mktemp("migrated") / "mlflow.db"
    connect(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def make_home(migrated: Path) -> MakeHome:
    """Makes homes whose MLflow database is migrated already."""

    def make(path: Path) -> Home:
        home = Home.at(path)
        home.create()
        source, target = sqlite3.connect(migrated), sqlite3.connect(path / "mlflow.db")
        source.backup(target)
        source.close()
        target.close()
        return home

    return make


@pytest.fixture
def home(tmp_path: Path, make_home: MakeHome) -> Home:
    """A new home in a folder whose name has a space."""
    return make_home(tmp_path / "my home")


@pytest.fixture
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty current folder; nothing is allowed, and its modules are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(imports.ALLOW, "")
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def write_module(own_folder: Path) -> WriteModule:
    """Writes a module of that name into the current folder, and allows it."""

    def write(name: str, text: str) -> str:
        (own_folder / f"{name}.py").write_text(text)
        imports.allow([name])
        return name

    return write
