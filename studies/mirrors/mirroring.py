"""The mirrors as the driver sees them: a process that it starts, looks after and does not need.

Nothing that happens here reaches the driver: whatever fails is said, once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from logging import getLogger

from lightning_modules.errors import FairtuneError
from studies.home import Home, without_secrets
from studies.mirrors.left import NAMES, sync_command, what_is_left
from studies.mirrors.mirror_process import MirrorProcess
from studies.records.deliveries import MirrorStatus, known_statuses

BEGIN_AFTER = 10.0
"""Seconds that a study runs before anything is delivered to its mirrors."""
LOOK_SECONDS = 2.0
RESTART_SECONDS, LONGEST_RESTART = 5.0, 60.0
"""The pause before a process that died is started again."""
RESTARTS = 2
"""How often it is started again while the end of a run waits for it."""
GIVE_UP_SECONDS = 5.0
"""How long the end of a run waits for mirrors that do not come along."""
LOADING_SECONDS = 60.0
"""How long it waits while they load their libraries, which says nothing of how it goes."""
LEAVE_SECONDS = 3.0
"""How long a user who stops a study waits."""
NOTICE_SECONDS = 2.0
"""How long a user waits without being told for what."""
WAIT_SECONDS = 0.1
BUSY_SECONDS = 0.01
"""Loading uses so much of the processor between two looks."""


class Mirroring:
    """Starts the process of the mirrors, tells it when to begin, and ends it."""

    def __init__(self, home: Home, study: str, begin_after: float = BEGIN_AFTER) -> None:
        self.home = home
        self.study = study
        self._next_look = time.monotonic() + begin_after
        self._begun = False
        """Whether it is time to deliver."""
        self._pause = RESTART_SECONDS
        self._process: MirrorProcess | None = None
        self._started = 0.0
        self._known: Mapping[str, MirrorStatus] = {}
        """The last status of every mirror, by its name."""
        self._first: Mapping[str, int] = {}
        """Their steps before the process was started."""
        self._used = 0.0
        """Seconds of the processor that the process has used."""
        self._warned: set[str] = set()
        self._asked = False
        """Whether the mirrors were told to finish."""
        self._leave_at: float | None = None
        """When nobody waits any more after a stop."""
        self._why_ended = ""
        """Why the last process that ended by itself did not end well."""

    def load_libraries(self) -> None:
        """Start the process: it loads its libraries while the workers load theirs."""
        with self._harmless():
            self._start()

    def tick(self) -> None:
        """Look after the process; to be called often."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        with self._harmless():
            self._begin()
            if self._process is None:
                self._start()
            elif not self._process.lives:
                self._end()
                self._next_look = now + self._pause
                self._pause = min(2 * self._pause, LONGEST_RESTART)
            else:
                self._look()
                text = "%s. The study goes on; its record is complete, and `%s` delivers what is"
                self._warn(text + " missing", sync_command(self.home, self.study))

    def begin_to_finish(self) -> None:
        """The study has ended: the mirrors are to come up to its end. `finish` waits for them."""
        with self._harmless():
            self._begin()
            if self._process is None or not self._process.lives:
                self._end()
                self._start()
            self._ask("finish")
        self._asked = True

    def finish(
        self,
        stopping: Callable[[], bool] = lambda: False,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Wait while the mirrors come along with the end of the study, and say what is left; where
        that takes a while, say for what."""
        with suppress(KeyboardInterrupt), self._harmless():
            if not self._asked:
                self.begin_to_finish()
            self._wait(stopping, say)
        self._conclude()

    def begin_to_leave(self) -> None:
        """The user has stopped the study: mirrors that have begun bring up what there is. `leave`
        waits for them a little."""
        with self._harmless():
            if self._begun:
                self._ask("leave")
            self._leave_at = time.monotonic() + LEAVE_SECONDS

    def leave(self) -> None:
        """Wait a little for mirrors that have begun, and say what is left."""
        with suppress(KeyboardInterrupt), self._harmless():
            if self._leave_at is None:
                self.begin_to_leave()
            running = self._begun and self._process is not None and self._process.lives
            if running and self._process is not None and self._leave_at is not None:
                self._process.wait(max(0.0, self._leave_at - time.monotonic()))
        self._conclude()

    def abandon(self) -> None:
        """The user does not wait for anything: only say what is left."""
        self._conclude()

    def close(self) -> None:
        """End the process of the mirrors."""
        with self._harmless():
            self._end()

    @contextmanager
    def _harmless(self) -> Iterator[None]:
        """No failure of the mirrors is one of the study."""
        try:
            yield
        except Exception as error:
            if "" not in self._warned:
                self._warned.add("")
                text = "the mirrors cannot be looked after: %s. The study's record is complete, and"
                text += " `%s` delivers what they miss"
                reason = f"{type(error).__name__}: {without_secrets(str(error))}"
                command = sync_command(self.home, self.study)
                getLogger("fairtune").warning(text, reason, command)

    def _start(self) -> None:
        self._look()
        self._first = {name: status.steps for name, status in self._known.items()}
        self._started, self._used = time.monotonic(), 0.0
        with suppress(OSError):  # it is tried again
            self._process = MirrorProcess(self.home, self.study)
        if self._begun:
            self._ask("begin")

    def _begin(self) -> None:
        """Let the mirrors begin: it is time to deliver."""
        if not self._begun:
            self._begun = True
            self._ask("begin")

    def _look(self) -> None:
        """See what the mirrors say; where that cannot be seen just now, what they said last."""
        found = known_statuses(self.home, self.study, timeout=0.0)
        if found is not None:
            self._known = found

    def _ask(self, word: str) -> None:
        """Tell the process what is waited for."""
        if self._process is not None:
            self._process.ask(word)

    def _wait(self, stopping: Callable[[], bool], say: Callable[[str], None]) -> None:
        """Wait until the process has ended, as long as it comes along."""
        began = time.monotonic()
        give_up = began + GIVE_UP_SECONDS
        restarts, said = 0, False
        while self._process is not None and not stopping():
            if self._process.wait(WAIT_SECONDS):
                done = self._process.exit_code == 0
                if done or restarts == RESTARTS or time.monotonic() > give_up:
                    return
                restarts += 1
                self._end()
                self._start()
                self._ask("finish")
            if not said and time.monotonic() - began > NOTICE_SECONDS:
                said = True
                text = "bringing MLflow and Optuna's storage up to date; Ctrl-C leaves that to"
                say(f"{text} `{sync_command(self.home, self.study)}`")
            # loading that has ended once in a failure is no good sign
            if self._comes_along() or (not restarts and self._loads()):
                give_up = time.monotonic() + GIVE_UP_SECONDS
            elif time.monotonic() > give_up:
                return

    def _comes_along(self) -> bool:
        """Whether something got done since the last look."""
        before = self._known
        self._look()
        return any(
            not status.error and (name not in before or before[name].steps != status.steps)
            for name, status in self._known.items()
        )

    def _loads(self) -> bool:
        """Whether the libraries of a mirror are being loaded."""
        loading = any(
            name not in self._known or self._known[name].steps == self._first.get(name, 0)
            for name in NAMES
        )
        if not loading or self._process is None:
            return False
        if time.monotonic() - self._started > LOADING_SECONDS:
            return False
        before, used = self._used, self._process.processor_seconds()
        self._used = before if used is None else used
        return self._used - before > BUSY_SECONDS

    def _conclude(self) -> None:
        """End the process and say what is left."""
        with self._harmless(), suppress(FairtuneError):  # the record says what is wrong with it
            self._end()
            self._look()
            left = what_is_left(self.home, self.study)
            if left:
                self._warn("%s")
                text = f"{left}: {self._why_ended}" if self._why_ended else left
                getLogger("fairtune").warning("%s", text)

    def _warn(self, text: str, *words: str) -> None:
        """Say why a mirror fails, once."""
        for name, status in self._known.items():
            if status.error and name not in self._warned:
                self._warned.add(name)
                getLogger("fairtune").warning(text, status.error, *words)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            self._why_ended = process.why_ended() or self._why_ended
            process.end()
