"""An engine of long-lived processes on this machine.

Workers come from a fork server that has imported the training stack once. Its imports run beside
the driver's own: `Process.start()` waits for them, so it is called on a thread, and a task that is
submitted meanwhile lies in the worker's pipe.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from multiprocessing import connection, forkserver, get_all_start_methods, resource_tracker

from lightning_modules.errors import WorkersError
from studies.devices.loader_workers import loader_workers
from studies.engines import Ended, Event, process_group
from studies.engines.fork_server import LastWords
from studies.engines.places import MACHINE, Place, ProcessName
from studies.engines.pool import Pool
from studies.engines.worker import Perform, work
from studies.engines.worker_handle import WorkerHandle
from studies.home.safe_path import safe_path
from studies.records import Outcome, TrialEnd

CLOSE_SECONDS = 1.0
"""What processes that are being started have to appear; the fork server may still import."""
MAX_STARTUP_FAILURES = 3
"""Workers that may end before a first trial, one after the other, until that says enough."""

_environment = threading.Lock()
"""Workers are started side by side, and share one environment."""


class LocalEngine(Pool[WorkerHandle]):
    """Runs each task in one of `workers` processes, which are spread over the places."""

    def __init__(
        self,
        workers: int,
        perform: Perform,
        preload: Sequence[str] = (),
        places: Sequence[Place] = (MACHINE,),
        loader_workers_each: int | None = None,
    ) -> None:
        """`perform` must be importable by name; `preload` are modules for the fork server.
        `loader_workers_each` is `Task.loader_workers`, else by the cores of this machine."""
        super().__init__()
        self._slots = [places[number % len(places)] for number in range(workers)]
        self._perform = perform
        beside = loader_workers(workers) if loader_workers_each is None else loader_workers_each
        self._loader_workers = beside
        method = "forkserver" if "forkserver" in get_all_start_methods() else "spawn"
        self._context = multiprocessing.get_context(method)
        if method == "forkserver":
            self._context.set_forkserver_preload([*preload, work.__module__])
        self._parent_pipe, self._driver_end = self._context.Pipe(duplex=False)
        self._wake, self._waker = self._context.Pipe(duplex=False)
        self._workers: list[WorkerHandle] = []
        self._starting: list[threading.Thread] = []
        self._startup_failures = 0
        self._closed = threading.Event()
        self._last_words = LastWords()

    def start(self) -> None:
        """Start the workers; the first task does it otherwise."""
        if not self._workers:
            for place in self._slots:
                self._spawn_worker(place)

    @property
    def kinds(self) -> Mapping[str, int]:
        ready = [worker.place for worker in self._idle if worker.started]
        return self._at.free(self._slots, ready if self._workers else self._slots)

    def kill(self, trial: str, end: TrialEnd) -> None:
        if trial not in self.waiting:
            worker = self._busy.pop(trial)
            worker.kill()
            self._replace(worker)
        self._report_end(Ended(trial, end))

    def events(self, timeout: float | None) -> Sequence[Event]:
        if not self._reported:
            self._listen(timeout)
        events, self._reported = self._reported, []
        return events

    def wake(self) -> None:
        """End a wait for events; another thread may."""
        self._waker.send_bytes(b"wake")

    def close(self) -> None:
        self._closed.set()
        for worker in self._workers:
            worker.kill()
        until = time.monotonic() + CLOSE_SECONDS
        for thread in self._starting:
            thread.join(max(0.0, until - time.monotonic()))
        for worker in self._workers:
            if worker.started:  # another one is killed by its thread when it starts
                worker.kill()
                worker.join()
        for end in (self._driver_end, self._parent_pipe, self._wake, self._waker):
            end.close()
        self._last_words.close()

    def _listen(self, timeout: float | None) -> None:
        talking = {worker.pipe: worker for worker in self._workers if not worker.pipe.closed}
        ready = connection.wait([*talking, self._wake], timeout)
        for worker in [worker for worker in self._workers if worker.not_started]:
            self._handle_worker_exit(worker)
        for end in ready:
            if end is self._wake:
                self._wake.recv_bytes()
                continue
            worker = talking[end]  # type: ignore[index]
            if worker.pipe.closed:
                continue
            try:
                event: Event = worker.pipe.recv()
            except (EOFError, ConnectionResetError):
                self._handle_worker_exit(worker)
                continue
            if not isinstance(event, Ended):
                self._reported.append(event)
                continue
            del self._busy[event.trial]
            worker.trial, worker.proven, self._startup_failures = None, True, 0
            if event.broken:
                worker.kill()
                self._replace(worker)
            else:
                self._idle.append(worker)
            self._report_end(event)

    def _handle_worker_exit(self, worker: WorkerHandle) -> None:
        """A worker has ended, or has not started: its trial, if any, crashed with it."""
        worker.join()
        worker.kill()  # its children
        self._startup_failures += bool(worker.not_started) or not (worker.trial or worker.proven)
        if self._last_words.said or self._startup_failures == MAX_STARTUP_FAILURES:
            raise WorkersError(
                worker.not_started
                or f"a worker process ended before its first trial ({worker.death()}); "
                "what it printed above says why"
            )
        end = None
        if worker.trial is not None:
            del self._busy[worker.trial]
            end = TrialEnd(Outcome.crashed, worker.death(), traceback=worker.traceback())
        self._replace(worker)
        if worker.trial is not None and end is not None:
            self._report_end(Ended(worker.trial, end))

    def _replace(self, worker: WorkerHandle) -> None:
        worker.pipe.close()
        worker.last_words.close()
        self._workers.remove(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        self._spawn_worker(worker.place)

    def _start_process(self, process: multiprocessing.process.BaseProcess) -> None:
        driver = {process_group.DRIVER: str(os.getpid())}
        if self._context.get_start_method() != "forkserver":
            with _environment, safe_path(**driver):
                process.start()
            return
        with _environment, safe_path(**driver), self._last_words.asked_for():
            resource_tracker.ensure_running()
            # The fork server inherits this; Ctrl-C would end it in the middle of its imports. The
            # start of the resource tracker would lift it.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            forkserver.ensure_running()
        process.start()  # waits for the imports of the fork server

    def _spawn_worker(self, place: Place) -> None:
        pipe, theirs = self._context.Pipe()
        last_words, dying = self._context.Pipe(duplex=False)
        process = self._context.Process(  # type: ignore[attr-defined]
            target=work,
            args=(theirs, self._parent_pipe, dying, self._perform),
            name=ProcessName.at(place),
            daemon=True,
        )
        worker = WorkerHandle(place, process, pipe, last_words, (theirs, dying))
        self._workers.append(worker)
        self._idle.append(worker)
        thread = threading.Thread(target=self._start, args=(worker,), daemon=True)
        self._starting.append(thread)
        thread.start()

    def _start(self, worker: WorkerHandle) -> None:
        with worker.lock:
            if not self._closed.is_set() and not worker.killed:
                try:
                    self._start_process(worker.process)
                except Exception as error:  # the fork server has ended, say
                    worker.not_started = self._last_words.why_no_worker(error)
                else:
                    worker.started = True
                if worker.killed and worker.started:  # while it was starting
                    worker.process.kill()
        # Only the process may hold these ends: then its death closes the pipes.
        for end in worker.theirs:
            end.close()
        with contextlib.suppress(OSError):
            self._waker.send_bytes(b"started")
