"""What a person sees while a study runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from lightning_modules.data.preparation.summary import DataSummary, summary_lines
from lightning_modules.errors import visible
from studies.api.opening import console
from studies.records import Outcome, Trial, TrialEnd
from studies.running.display import Display
from studies.search import AskedTrial
from studies.study_file import Spec

NOTEBOOK_SECONDS = 0.25
OTHER_LINES = 4
"""Lines of a screen that show something else than running trials."""
STOPPING = "stopping: the running trials end after their epoch"


@contextmanager
def display_for(spec: Spec, workers: str, *, quiet: bool) -> Iterator[Display]:
    """The display that fits: none, one that a notebook updates, a live one on a terminal, or plain
    lines; the last two begin with what `workers` says of them."""
    screen = console(stderr=True)
    if quiet:
        yield Display()
        return
    if in_notebook():
        yield NotebookDisplay(spec)
        return
    screen.print(f"study {spec.study}: starting {workers}")
    if not screen.is_terminal:
        yield Lines(spec, screen)
    else:
        watch = LiveDisplay(spec)
        with Live(watch, console=screen, refresh_per_second=4, transient=True):
            yield watch


@dataclass
class Lines(Display):
    """One line per finished trial."""

    spec: Spec
    screen: Console
    name: str = ""
    total: int | None = None
    ended_trials: int = 0
    best: float | None = None

    def phase(self, name: str, total: int | None, done: int) -> None:
        self.name, self.total, self.ended_trials = name, total, done
        of = f" of {total} trials" if total is not None else " trials"
        self.screen.print(f"{name}: {done}{of} done" if done else f"{name}: 0{of}")

    def resumed(self, ended: Sequence[Trial]) -> None:
        for trial in ended:
            self.best = better(self.spec, self.best, trial.value, trial.outcome)

    def data(self, summaries: Sequence[DataSummary]) -> None:
        print_data(summaries, self.screen)

    def ended(self, asked: AskedTrial, end: TrialEnd, value: float | None) -> None:
        if end.outcome != Outcome.interrupted:
            self.ended_trials += 1
        self.best = better(self.spec, self.best, value, end.outcome)
        count = f"{self.ended_trials}/{self.total}" if self.total else str(self.ended_trials)
        shown = "" if value is None else f" {self.spec.objective.metric} {value:.4f}"
        reason = f" ({end.reason})" if end.reason and end.outcome != Outcome.pruned else ""
        best = "" if self.best is None else f" · best {self.best:.4f}"
        self.screen.print(
            f"[{count}] {asked.key} {end.outcome}{shown} in {end.epochs} epochs, "
            f"{end.seconds:.1f} s{best}{reason}"
        )

    def retried(self, asked: AskedTrial, end: TrialEnd) -> None:
        alone = " alone" if end.outcome == Outcome.out_of_memory else ""
        self.screen.print(f"{asked.key} {end.outcome} ({end.reason}); it is tried again{alone}")

    def waiting(self, text: str) -> None:
        self.screen.print(text, soft_wrap=True)

    def stopping(self, trials: int) -> None:
        if trials:
            self.screen.print(f"{STOPPING}; once more ends them at once")


@dataclass
class LiveDisplay(Display):
    """An overall bar, the running trials, and the best so far."""

    spec: Spec
    best: float | None = None
    best_key: str = ""
    counts: dict[Outcome, int] = field(default_factory=dict)
    running: dict[str, tuple[AskedTrial, int, float | None, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self.task = self.bar.add_task("starting the workers", total=None)

    def phase(self, name: str, total: int | None, done: int) -> None:
        self.bar.reset(self.task, total=total, completed=done, description=name)

    def resumed(self, ended: Sequence[Trial]) -> None:
        for trial in ended:
            self._count(trial.key, trial.value, trial.outcome)

    def data(self, summaries: Sequence[DataSummary]) -> None:
        print_data(summaries, console(stderr=True))

    def started(self, asked: AskedTrial) -> None:
        self.running[asked.key] = (asked, 0, None, time.monotonic())

    def epoch(self, asked: AskedTrial, epoch: int, value: float) -> None:
        since = self.running[asked.key][3]
        self.running[asked.key] = (asked, epoch, value, since)

    def ended(self, asked: AskedTrial, end: TrialEnd, value: float | None) -> None:
        self.running.pop(asked.key, None)
        self._count(asked.key, value, end.outcome)
        if end.outcome != Outcome.interrupted:
            self.bar.advance(self.task)

    def _count(self, key: str, value: float | None, outcome: Outcome | None) -> None:
        """Count a trial that has ended, and keep the best."""
        if outcome is not None:
            self.counts[outcome] = self.counts.get(outcome, 0) + 1
        before, self.best = self.best, better(self.spec, self.best, value, outcome)
        if self.best != before:
            self.best_key = key

    def retried(self, asked: AskedTrial, end: TrialEnd) -> None:
        self.running.pop(asked.key, None)

    def waiting(self, text: str) -> None:
        console(stderr=True).print(text, soft_wrap=True)

    def stopping(self, trials: int) -> None:
        self.bar.update(self.task, description=STOPPING)

    def __rich_console__(self, screen: Console, options: ConsoleOptions) -> RenderResult:
        """The bar, the trials that have run longest, as many as fit below it, and the best."""
        running = list(self.running.items())
        room = max(1, options.size.height - OTHER_LINES)
        if len(running) > room + 1:  # a line that says how many more there are shows as much as one
            running, more = running[:room], len(running) - room
        else:
            more = 0
        table = Table(box=None, pad_edge=False, show_header=False)
        for key, (asked, epoch, value, since) in running:
            epochs = asked.configuration.reports
            shown = "" if value is None else f"{self.spec.objective.metric} {value:.4f}"
            seconds = f"{time.monotonic() - since:.0f} s"
            table.add_row(f"  {key}", f"epoch {epoch}/{epochs}", shown, seconds)
        yield self.bar
        yield table
        if more:
            yield f"  and {more} more"
        said = ", ".join(f"{count} {outcome}" for outcome, count in self.counts.items())
        if self.best is not None:
            said += f" · best {self.spec.objective.metric} {self.best:.4f} ({self.best_key})"
        yield said


def print_data(summaries: Sequence[DataSummary], screen: Console) -> None:
    """What the data became, in about ten lines each."""
    for summary in summaries:
        for line in summary_lines(summary):
            screen.print(visible(line), soft_wrap=True)


def better(
    spec: Spec, best: float | None, value: float | None, outcome: Outcome | None
) -> float | None:
    """The better of two objective values; only completed trials count. Of several searches, whose
    values are of different splits, there is none."""
    if value is None or outcome != Outcome.completed or spec.repeats > 1:
        return best
    if best is None:
        return value
    return max(best, value) if spec.objective.goal == "maximize" else min(best, value)


class NotebookDisplay(LiveDisplay):
    """The same as text below the cell, at most four times a second."""

    def __init__(self, spec: Spec) -> None:
        from IPython.display import display

        super().__init__(spec)
        show: Any = display
        self._shown = show({"text/plain": ""}, raw=True, display_id=True)
        self._last = 0.0

    def phase(self, name: str, total: int | None, done: int) -> None:
        super().phase(name, total, done)
        self._show(now=True)

    def epoch(self, asked: AskedTrial, epoch: int, value: float) -> None:
        super().epoch(asked, epoch, value)
        self._show()

    def ended(self, asked: AskedTrial, end: TrialEnd, value: float | None) -> None:
        super().ended(asked, end, value)
        self._show(now=True)

    def waiting(self, text: str) -> None:
        self._shown.update({"text/plain": text}, raw=True)

    def _show(self, *, now: bool = False) -> None:
        if not now and time.monotonic() - self._last < NOTEBOOK_SECONDS:
            return
        self._last = time.monotonic()
        text = StringIO()
        screen = Console(
            file=text,
            width=100,
            markup=False,
            emoji=False,
            highlight=False,
            force_jupyter=False,  # it would show a line of its own for every update
            color_system=None,
        )
        screen.print(self)
        self._shown.update({"text/plain": text.getvalue()}, raw=True)


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this."""
    found = sys.modules.get("IPython")
    shell = None if found is None else found.get_ipython()
    return shell is not None and hasattr(shell, "kernel")
