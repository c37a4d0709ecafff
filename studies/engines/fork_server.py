"""A fork server that ends while it imports what workers need says why, to its driver."""

from __future__ import annotations

import os
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studies.home.secrets import without_secrets

LAST_WORDS = "FAIRTUNE_LAST_WORDS"
"""Names the file for them to a fork server."""


class LastWords:
    """The file in which a fork server says why it ended, as its driver has it."""

    def __init__(self) -> None:
        self._file = tempfile.NamedTemporaryFile(prefix="fairtune-")  # noqa: SIM115  (until `close`)

    @contextmanager
    def asked_for(self) -> Iterator[None]:
        """While a fork server may be started."""
        os.environ[LAST_WORDS] = self._file.name
        try:
            yield
        finally:
            del os.environ[LAST_WORDS]

    @property
    def said(self) -> str:
        """The error that ended it; nothing where it lives, or was killed."""
        return Path(self._file.name).read_text(errors="replace").strip()

    def why_no_worker(self, error: Exception) -> str:
        """What is said where no worker could be started because of `error`."""
        ended = isinstance(error, EOFError | ConnectionError)
        why = "the process that starts them has ended" if ended else error
        reason = self.said or f"{why}; what was printed above says why"
        return without_secrets(f"no worker process can be started: {reason}")

    def close(self) -> None:
        """Nobody will be asked any more."""
        self._file.close()


@contextmanager
def last_words() -> Iterator[None]:
    """Around the imports of a fork server, which ends with the first that fails: a worker would
    fail at it, too, and multiprocessing passes over some."""
    file = os.environ.pop(LAST_WORDS, None)
    try:
        yield
    except BaseException as error:
        traceback.print_exc()
        if file is not None:
            Path(file).write_text("".join(traceback.format_exception_only(error)))
        os._exit(1)
