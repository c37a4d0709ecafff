"""Brings one mirror up to the record, again and again, until there is nothing left to do.

An outage costs its user nothing: after a failure it pauses, longer every time, and looks again.
"""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, suppress
from typing import Protocol

from lightning_modules.errors import FairtuneError, StorageError
from lightning_modules.rights import limit_umask, make_file
from studies.home import Home, database, without_secrets
from studies.mirrors.backlog import Backlog, Until
from studies.mirrors.progress import Progress
from studies.records import RecordReader
from studies.records.deliveries import Deliveries, MirrorStatus, statuses, store_name

POLL_SECONDS = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 15.0
"""Seconds between attempts that fail."""
LOG = "mirrors.log"
"""In the folder of the study: what nobody has foreseen."""
MOST_LOG = 2**20


class Mirror(Protocol):
    """A copy of the record for other tools."""

    name: str
    store: str
    """Where it is, in words."""
    url: str

    def usable(self) -> AbstractContextManager[None]:
        """Say what is wrong with the store in a StorageError."""
        ...

    def bring_up(self, record: RecordReader, backlog: Backlog, until: Until) -> bool:
        """Write what is missing; whether nothing is left to do."""
        ...

    def forget(self) -> None:
        """Something failed: look again before the next writing."""
        ...

    def prefetch(self) -> None:
        """Load all that bringing up needs; nothing is written but to the user's cache."""
        ...


class Request:
    """What the driver waits for, and whether it is time to deliver anything."""

    def __init__(self) -> None:
        self.until: Until = ""
        self._changed = threading.Condition()
        self._begun = threading.Event()

    def begin(self) -> None:
        """From here on the study may pay for its mirrors."""
        self._begun.set()

    def change(self, until: Until) -> None:
        """The driver waits for something else, which begins what has not begun."""
        with self._changed:
            self.until = until
            self._changed.notify_all()
        self.begin()

    @property
    def has_begun(self) -> bool:
        """Whether it is time to deliver."""
        return self._begun.is_set()

    def wait_to_begin(self) -> None:
        """Wait until it is time to deliver."""
        self._begun.wait()

    def wait(self, seconds: float, seen: Until) -> None:
        """Wait so long, or until it is no more what was seen."""
        with self._changed:
            self._changed.wait_for(lambda: self.until != seen, seconds)


class Follower:
    """Brings one mirror of a study up to its record; to be used as a context."""

    def __init__(self, home: Home, study: str, name: str, url: str) -> None:
        self.home = home
        self.study = study
        store = store_name(url, home)
        # two connections: what is being computed is said from a thread of its own
        self._deliveries = [Deliveries.open(home, study) for _ in range(2)]
        status = statuses(home, study).get(name) or MirrorStatus(name)
        self.progress = Progress(self._deliveries[0], store, status)
        self.progress.fails("")
        self.backlog = Backlog(name, self._deliveries[1], store, self.progress)

    def __enter__(self) -> Follower:
        # what libraries write for us has the rights of the home
        self._umask = limit_umask(self.home.path)
        return self

    def __exit__(self, *_: object) -> None:
        os.umask(self._umask)
        with suppress(StorageError):  # what could not be noted is looked for again
            self.progress.say()
            self.backlog.flush()
        for each in self._deliveries:
            each.close()

    def bring_up(self, mirror: Mirror, until: Until) -> bool:
        """Bring it up to the record once; whether nothing is left to do.

        Raises StorageError where it cannot be used.
        """
        try:
            with mirror.usable(), closing(RecordReader.open(self.home, self.study)) as record:
                revision = record.revision
                done = mirror.bring_up(record, self.backlog, until)
        except BaseException:
            with suppress(Exception):
                mirror.forget()
            raise
        if done:
            with suppress(Exception):
                mirror.forget()
            if (path := database.sqlite_file(mirror.url)) is not None:
                database.empty_log(path)
            self.progress.is_complete(revision)
        return done

    def follow(self, build_mirror: Callable[[], Mirror], request: Request) -> None:
        """Load what that takes, wait until it is time, and bring the mirror up to the record until
        the driver has what it waits for."""
        mirror: Mirror | None = None
        prefetched = False
        while True:
            until = request.until
            try:
                if mirror is None:
                    mirror = build_mirror()
                    self.progress()
                if not prefetched:
                    prefetched = True
                    with self.progress.computing():
                        mirror.prefetch()
                request.wait_to_begin()
                until = request.until
                if self.bring_up(mirror, until):
                    return
            except FairtuneError as error:
                if request.has_begun:
                    self.progress.fails(str(error))
            except Exception as error:
                log(self.home, self.study, traceback.format_exc())
                if not request.has_begun:
                    continue  # whether it works is seen when something is delivered
                name = mirror.store if mirror else self.backlog.mirror
                line = (str(error).strip().splitlines() or [""])[0]
                said = f"{name} failed: {type(error).__name__}: {line}"
                self.progress.fails(f"{said}; see {self.home.study(self.study) / LOG}")
            else:
                self.progress.fails("")
            request.wait(self._pause(until), until)

    def _pause(self, until: Until) -> float:
        failed = self.progress.failed
        if not failed:
            return FIRST_PAUSE if until else POLL_SECONDS
        longest = FIRST_PAUSE if until else LONGEST_PAUSE
        return min(longest, FIRST_PAUSE * 2.0 ** min(failed - 1, 16))


def log(home: Home, study: str, text: str) -> None:
    """Write down what nobody has foreseen, without passwords."""
    path = home.study(study) / LOG
    with suppress(OSError):
        if not path.exists() or path.stat().st_size < MOST_LOG:
            with make_file(path).open("a") as file:
                file.write(without_secrets(text))
