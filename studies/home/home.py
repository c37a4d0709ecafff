"""The home: the folder that holds everything a project has run."""

from __future__ import annotations

import errno
import os
import re
import shlex
import socket
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import Timeout

from lightning_modules.errors import BusyError, StorageError, UserError
from lightning_modules.files import user_path
from lightning_modules.hashing import short_hash
from lightning_modules.rights import make_file, make_folder
from studies.home.boundary import folder_name, refuse_links, require_no_pipe
from studies.home.database import file_lock

DEFAULT_HOME = "mlruns"
PRIVATE, SHARED = 0o700, 0o2770
"""The rights of a new home: its owner's, or those of a group, to which all in it belongs."""
RECORD = "record.db"
"""The name of a record in the folder of its study."""
DATABASES = ("sqlite", "postgresql", "mysql", "mariadb")
STORES = (*DATABASES, "mssql", "http", "https", "databricks", "uc")
DEFAULT_PORTS = {"postgres": "5432", "mysql": "3306"}


@dataclass(frozen=True)
class Home:
    """Where a project's databases, artifacts and checkpoints are."""

    path: Path
    optuna_url: str
    mlflow_uri: str
    shared: bool = False
    """Whether it is made for all of a group where it is missing: that of the folder around it."""

    @classmethod
    def at(cls, path: Path) -> Home:
        """The home at `path`; FAIRTUNE_STORAGE and MLFLOW_TRACKING_URI may place its databases.

        Raises UserError where a URL is none, and where both are the same database, which would
        destroy it.
        """
        path = user_path(path).absolute()
        optuna_url = os.environ.get("FAIRTUNE_STORAGE") or f"sqlite:///{path / 'optuna.db'}"
        mlflow_uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{path / 'mlflow.db'}"
        for name, schemes in (("FAIRTUNE_STORAGE", DATABASES), ("MLFLOW_TRACKING_URI", STORES)):
            if wrong := _wrong(os.environ.get(name, ""), schemes):
                raise UserError(f"{name}: {wrong}")
        if _same_database(optuna_url, mlflow_uri):
            raise UserError(
                "FAIRTUNE_STORAGE and MLFLOW_TRACKING_URI name the same database; Optuna and "
                "MLflow would destroy each other's tables; give each its own"
            )
        return cls(path, _absolute(optuna_url), _absolute(mlflow_uri))

    @property
    def artifacts(self) -> Path:
        """The folder of MLflow's artifacts."""
        return self.path / "artifacts"

    @property
    def deleted(self) -> Path:
        """The folder of what is left of deleted studies until the mirrors have deleted them."""
        return self.path / "deleted"

    def study(self, name: str) -> Path:
        """The folder of a study: its record, its checkpoints and the lock.

        Every path that has the name of a study in it comes from here. Raises UserError where the
        name would lead elsewhere.
        """
        return self.path / "studies" / folder_name(name)

    def record(self, study: str) -> Path:
        """The file of the record of a study."""
        return self.study(study) / RECORD

    def checkpoint(self, study: str, trial: str) -> Path:
        """The file of a trial's best weights."""
        return self.study(study) / "checkpoints" / f"{slug(trial)}.pt"

    def continuation(self, study: str, trial: str) -> Path:
        """The folder of the state from which an interrupted trial continues."""
        return self.study(study) / "continuations" / slug(trial)

    def logged(self, study: str, trial: str) -> Path:
        """The folder of the figures, texts and other files that a trial's own code has logged."""
        return self.study(study) / "logged" / slug(trial)

    def create(self, study: str | None = None) -> None:
        """Make the folder, and those of a study; StorageError where one cannot be written or is a
        link that leads out of the home, and UserError where it is to be shared and is there for its
        owner alone."""
        refuse_links(self.path, [] if study is None else [self.study(study)])
        way_out = "choose another with --home"
        if not self.path.exists():
            with _writable(self.path, "the home cannot be written", way_out):
                _make_home(self.path, SHARED if self.shared else PRIVATE)
        elif self.shared and not self.path.stat().st_mode & stat.S_ISGID:
            place = shlex.quote(str(self.path))
            raise UserError(
                f"{self.path} is there already and is not shared; "
                f"`chmod -R g+rwX {place} && find {place} -type d -exec chmod g+s {{}} +` shares it"
            )
        _make(self.path, "the home cannot be written", way_out)
        if study is not None:
            own = self.study(study)
            folders = [own, *(own / name for name in ("checkpoints", "continuations"))]
            for folder in [*folders, self.artifacts]:
                _make(
                    folder, "cannot be written", "make it writable and run the same command again"
                )

    def driver(self, study: str) -> str | None:
        """The process that runs a study now, such as `process 12 on host`; nothing is locked.

        A process of another machine is believed, since nobody here can ask for it.
        """
        file = self.study(study) / "driver"
        require_no_pipe(file)
        try:
            who, since = file.read_text().strip(), file.stat().st_mtime
        except OSError:
            return None
        found = re.fullmatch(r"process (\d+) on (.+)", who)
        if found and found[2] == socket.gethostname():
            try:
                if psutil.Process(int(found[1])).create_time() > since:
                    return None  # another process has its number now
            except psutil.NoSuchProcess:
                return None
        return who

    @contextmanager
    def lock(self, study: str) -> Iterator[None]:
        """Hold a study for this process; raises BusyError naming the process that has it, and
        StorageError where a link leads out of the home.

        The operating system releases the lock when its process ends, however it ends.
        """
        folder = self.study(study)
        refuse_links(self.path, [folder])
        owner = folder / "driver"
        lock = file_lock(folder / "lock")
        try:
            make_folder(folder)
            lock.acquire(timeout=0)
            owner.unlink(missing_ok=True)  # of a process that died, perhaps another user's
            make_file(owner).write_text(f"process {os.getpid()} on {socket.gethostname()}\n")
        except Timeout:
            who = owner.read_text().strip() if owner.exists() else "another process"
            raise BusyError(f"study {study} is being run by {who}; wait or stop it") from None
        except OSError as error:
            if lock.is_locked:
                with suppress(OSError):
                    owner.unlink()
            lock.release()
            way_out = "make room" if disk_is_full(error) else "make it writable"
            raise StorageError(
                f"{folder}: cannot be written ({error.strerror}); {way_out} and run the same "
                "command again"
            ) from None
        try:
            yield
        finally:
            owner.unlink(missing_ok=True)
            lock.release()


def home_option(home: Path) -> str:
    """What a command needs to find a home: nothing where it looks there anyway. Who reads it may
    have another environment than this process."""
    usual = "FAIRTUNE_HOME" not in os.environ and home == Path(DEFAULT_HOME).absolute()
    return "" if usual else f" --home {shlex.quote(str(home))}"


def _make_home(path: Path, mode: int) -> None:
    """A new home: nobody but its owner, or its group, sees what is in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700)
    if mode & stat.S_ISGID:
        with suppress(OSError):  # not a member: the group stays the user's own
            os.chown(path, -1, path.parent.stat().st_gid)
    path.chmod(mode)


def _make(folder: Path, what: str, way_out: str) -> None:
    with _writable(folder, what, way_out):
        make_folder(folder)
        probe = folder / f".write-{os.getpid()}"
        probe.touch()
        probe.unlink()


@contextmanager
def _writable(folder: Path, what: str, way_out: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{folder}: {what} ({error.strerror}); {way_out}") from None


def slug(name: str) -> str:
    """A file name for any name: unchanged where safe, else made safe and told apart by a hash."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".")[:100]
    return safe if safe == name else f"{safe[:91]}-{short_hash(name, 8)}"


def disk_is_full(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, says so."""
    while error is not None:
        number = getattr(error, "errno", None)
        if number in (errno.ENOSPC, errno.EDQUOT) or "disk is full" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _wrong(url: str, schemes: Sequence[str]) -> str | None:
    """What is wrong with a URL; its password is not repeated."""
    scheme, separator, rest = url.partition("://")
    kind = scheme.partition("+")[0]
    if not separator or kind == "sqlite":
        return None
    if kind not in schemes:
        return f"cannot be {kind}://...; it may be {', '.join(f'{s}://' for s in schemes)}"
    server = rest.partition("/")[0]
    if server.count("@") > 1:
        return "has more than one @; write those of the password as %40"
    port = re.fullmatch(r"(?:\[.*\]|[^:]*):?(\d*)", server.rpartition("@")[2])
    return None if port else "has a port that is no number"


def _absolute(url: str) -> str:
    """A URL that means the same in every folder: relative paths start from the current one."""
    scheme, separator, rest = url.partition(":///")
    file, mark, query = rest.partition("?")
    if scheme.partition("+")[0] != "sqlite" or not file or file == ":memory:":
        return url
    return f"{scheme}{separator}{Path(file).absolute()}{mark}{query}"


def _same_database(one: str, other: str) -> bool:
    return _place(one) == _place(other)


def _place(url: str) -> str:
    """Which database a URL means, however it is spelled."""
    scheme, _, rest = url.partition("://")
    kind = scheme.split("+")[0].replace("postgresql", "postgres")
    if kind == "sqlite":
        return "sqlite:" + os.path.realpath(rest.partition("?")[0].removeprefix("/"))
    host, _, name = rest.rpartition("@")[2].partition("?")[0].partition("/")
    host, _, port = host.partition(":")
    host = "localhost" if host in ("", "127.0.0.1", "localhost") else host.lower()
    return f"{kind}:{host}:{port or DEFAULT_PORTS.get(kind, '')}/{name.rstrip('/')}"
