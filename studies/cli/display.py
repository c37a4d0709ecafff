"""What a person sees: progress while a study runs, and tables of what it found."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from lightning_modules.configuration import Configuration
from studies.analysis import recommended, summary
from studies.analysis.recommendation import Recommendation
from studies.cli.options import console
from studies.records import Outcome, Trial, TrialEnd
from studies.results import StudyResults, outcome_counts
from studies.running.trial_loop import Display
from studies.search import AskedTrial
from studies.statistics import best_of
from studies.study_file import Spec

STOPPING = "stopping: the running trials end after their epoch"


@contextmanager
def display_for(spec: Spec, *, quiet: bool) -> Iterator[Display]:
    """The display that fits: none, a live one on a terminal, or plain lines."""
    screen = console(stderr=True)
    if quiet:
        yield Display()
    elif not screen.is_terminal:
        screen.print(f"study {spec.study}: starting the workers")
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

    def ended(self, asked: AskedTrial, end: TrialEnd, value: float | None) -> None:
        if end.outcome != Outcome.interrupted:
            self.ended_trials += 1
        self.best = better(self.spec, self.best, value, end)
        count = f"{self.ended_trials}/{self.total}" if self.total else str(self.ended_trials)
        shown = "" if value is None else f" {self.spec.objective.metric} {value:.4f}"
        reason = f" ({end.reason})" if end.reason and end.outcome != Outcome.pruned else ""
        best = "" if self.best is None else f" · best {self.best:.4f}"
        self.screen.print(
            f"[{count}] {asked.key} {end.outcome}{shown} in {end.epochs} epochs, "
            f"{end.seconds:.1f} s{best}{reason}"
        )

    def retried(self, asked: AskedTrial, end: TrialEnd) -> None:
        self.screen.print(f"{asked.key} {end.outcome} ({end.reason}); it is tried again")

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

    def started(self, asked: AskedTrial) -> None:
        self.running[asked.key] = (asked, 0, None, time.monotonic())

    def epoch(self, asked: AskedTrial, epoch: int, value: float) -> None:
        since = self.running[asked.key][3]
        self.running[asked.key] = (asked, epoch, value, since)

    def ended(self, asked: AskedTrial, end: TrialEnd, value: float | None) -> None:
        self.running.pop(asked.key, None)
        self.counts[end.outcome] = self.counts.get(end.outcome, 0) + 1
        before, self.best = self.best, better(self.spec, self.best, value, end)
        if self.best != before:
            self.best_key = asked.key
        if end.outcome != Outcome.interrupted:
            self.bar.advance(self.task)

    def retried(self, asked: AskedTrial, end: TrialEnd) -> None:
        self.running.pop(asked.key, None)

    def waiting(self, text: str) -> None:
        console(stderr=True).print(text, soft_wrap=True)

    def stopping(self, trials: int) -> None:
        self.bar.update(self.task, description=STOPPING)

    def __rich__(self) -> RenderableType:
        table = Table(box=None, pad_edge=False, show_header=False)
        for key, (asked, epoch, value, since) in list(self.running.items()):
            epochs = asked.configuration.trainer["epochs"]
            shown = "" if value is None else f"{self.spec.objective.metric} {value:.4f}"
            seconds = f"{time.monotonic() - since:.0f} s"
            table.add_row(f"  {key}", f"epoch {epoch}/{epochs}", shown, seconds)
        said = ", ".join(f"{count} {outcome}" for outcome, count in self.counts.items())
        if self.best is not None:
            said += f" · best {self.spec.objective.metric} {self.best:.4f} ({self.best_key})"
        return Group(self.bar, table, said)


def better(spec: Spec, best: float | None, value: float | None, end: TrialEnd) -> float | None:
    """The better of two objective values; only completed trials count. Of several searches, whose
    values are of different splits, there is none."""
    if value is None or end.outcome != Outcome.completed or spec.repeats > 1:
        return best
    if best is None:
        return value
    best_value: float = best_of(spec.objective.goal)(best, value)
    return best_value


def print_summary(results: StudyResults, screen: Console) -> None:
    """What a study found: a row per arm, the best configuration, and where to look further."""
    found = summary(results)
    state = "finished" if found["finished"] else "not finished; the same command continues it"
    count = sum(found["trials"].values())
    spent = f"{count} trials, {found['epochs']} epochs, {found['seconds']:.1f} s"
    screen.print(f"\nstudy {results.study}: {state} ({spent})")
    screen.print(_arms_table(results))
    if (best := recommended(results)) is not None:
        _print_best(results, best, screen)
    for warning in found["warnings"]:
        screen.print(f"warning: {warning}")
    home = shlex.quote(str(results.home.path))
    screen.print(f"explore it: fairtune dashboard --home {home}")
    screen.print(f"browse the runs: fairtune ui --home {home}")


def _arms_table(results: StudyResults) -> Table:
    """A row per arm; of several searches without the best value, as their splits differ."""
    metric, several = results.spec.objective.metric, results.spec.repeats > 1
    head = " × ".join(results.spec.factors) or "study"
    columns = ["searches"] if several else [f"best {metric}"]
    table = Table(head, *columns, "trials", "epochs", "training time", box=None, pad_edge=False)
    for arm in results.arms:
        trials = [trial for trial in results.search if trial.arm == arm]
        best = next(iter(results.ranked(trials)), None)
        searches = str(len({trial.repeat for trial in trials}))
        table.add_row(
            arm or results.study,
            searches if several else "none" if best is None else f"{best.value:.4f}",
            _outcomes(trials),
            str(sum(trial.epochs for trial in trials)),
            f"{sum(trial.seconds for trial in trials):.1f} s",
        )
    return table


def _outcomes(trials: Sequence[Trial]) -> str:
    reused = sum(trial.duplicate_of is not None for trial in trials)
    counts = [f"{count} {outcome}" for outcome, count in outcome_counts(trials).items()]
    return ", ".join(counts) + (f" ({reused} reused)" if reused else "")


def _print_best(results: StudyResults, best: Recommendation, screen: Console) -> None:
    from studies.sentences.expectation import expectation  # scipy takes half a second

    expected = expectation(results)
    if expected is not None:
        screen.print(f"expect {expected.words}")
    found_by = f"found by {best.trial.key}"
    arm = f" for {best.trial.arm}" if best.trial.arm else ""
    screen.print(f"the configuration to use, {found_by}{arm}:")
    flat = Configuration.resolve(best.trial.configuration).flat()
    space = next(arm.space for arm in results.spec.arms if arm.name == best.trial.arm)
    for path, value in space.open_values_of(flat).items():
        screen.print(f"  {path} = {value}")
    home = shlex.quote(str(results.home.path))
    screen.print(f"  the whole configuration: fairtune best {results.study} --home {home}")


def print_studies(studies: Sequence[StudyResults], screen: Console) -> None:
    """A row per study of a home."""
    table = Table("study", "state", "trials", "best", "metric", box=None, pad_edge=False)
    for results in studies:
        best = recommended(results)
        table.add_row(
            results.study,
            "finished" if results.finished else "not finished",
            _outcomes(results.ended),
            "none" if best is None else f"{best.value:.4f}",
            results.spec.objective.metric if best is None else best.metric,
        )
    screen.print(table)
