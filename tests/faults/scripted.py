"""The command `fairtune run` inside the test, with trainings that follow a script."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from studies.cli import main
from studies.engines import Task
from studies.engines.inline import InlineEngine
from studies.home import Home
from studies.mirrors.mirroring import Mirroring
from studies.records import EpochReport, Outcome, TrialEnd

TRIALS, EPOCHS = 4, 4
FILE = """
study: {study}
data: iris
model: {{name: mlp, hidden: [4]}}
optimizer: {{name: adam, lr: {{values: [0.1, 0.03, 0.01, 0.003]}}}}
trainer: {{epochs: 4}}
search: {{method: grid}}
"""
Blow = Callable[[int, int], None]
"""What happens to a trial, by its number, at the end of an epoch."""


def metrics(seed: int, epoch: int) -> dict[str, float]:
    return {"val/accuracy": (seed % 89) / 100 + epoch / 1000, "val/loss": 1 / epoch}


@dataclass
class Scripted:
    """A study of four trials of four epochs, one after the other."""

    home: Home
    study: str
    waited: float = 0.0
    """Seconds that the driver has spent on its mirrors."""
    trained: int = 0
    """Epochs."""

    def run(self, blow: Blow = lambda trial, epoch: None) -> int:
        """Run the command; its exit code."""

        def perform(task: Task, ask: Callable[[EpochReport], bool]) -> TrialEnd:
            for epoch in range(1, EPOCHS + 1):
                blow(int(task.trial.rpartition("-")[2]), epoch)
                self.trained += 1
                if not ask(EpochReport(epoch, metrics(task.seed, epoch))):
                    return TrialEnd(Outcome.pruned, epochs=epoch)
            best = metrics(task.seed, EPOCHS)
            return TrialEnd(Outcome.completed, epochs=EPOCHS, best_epoch=EPOCHS, best=best)

        file = Path(self.home.path).with_suffix(".yaml")
        file.write_text(FILE.format(study=self.study))
        with (
            mock.patch("studies.driver.LocalEngine", lambda *_: Inline(perform)),
            self._timed("tick"),
        ):
            return main(["run", str(file), "--home", str(self.home.path)])

    @contextmanager
    def _timed(self, *names: str) -> Iterator[None]:
        def timed(call: Callable[..., Any]) -> Callable[..., Any]:
            def measured(*args: Any, **options: Any) -> Any:
                begun = time.monotonic()
                try:
                    return call(*args, **options)
                finally:
                    self.waited += time.monotonic() - begun

            return measured

        with ExitStack() as stack:
            for name in names:
                new = timed(getattr(Mirroring, name))
                stack.enter_context(mock.patch.object(Mirroring, name, new))
            yield


@contextmanager
def heard(text: str) -> Iterator[threading.Event]:
    """Set when fairtune warns of something."""
    event = threading.Event()

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if text in record.getMessage():
                event.set()

    ear = Ear()
    logging.getLogger("fairtune").addHandler(ear)
    try:
        yield event
    finally:
        logging.getLogger("fairtune").removeHandler(ear)


class Inline(InlineEngine):
    """One slot, in this process."""

    def start(self) -> None: ...
