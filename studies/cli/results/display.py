"""What a person sees of a study: tables of what it found."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from lightning_modules.configuration import Configuration
from lightning_modules.errors import visible
from studies.analysis import recommended, summary
from studies.analysis.best_configuration import Recommendation
from studies.records import Annotation, Trial
from studies.results import StudyResults, largest, outcome_counts, resource_words


def print_summary(results: StudyResults, screen: Console) -> None:
    """What a study found: a row per arm, the best configuration, and where to look further."""
    found = summary(results)
    state = "finished" if found["finished"] else "not finished; the same command continues it"
    count = sum(found["trials"].values())
    spent = f"{count} trials, {found['epochs']} epochs, {found['seconds']:.1f} s"
    screen.print(f"\nstudy {results.study}: {state} ({spent})")
    for line in _written(results.annotation):
        screen.print(line)
    screen.print(_arms_table(results))
    if taken := resource_words(largest(results.ended)):
        screen.print(f"largest training: {taken}")
    if (best := recommended(results)) is not None:
        _print_best(results, best, screen)
    for warning in found["warnings"]:
        screen.print(f"warning: {warning}")
    home = shlex.quote(str(results.home.path))
    screen.print(f"explore it: fairtune dashboard --home {home}")
    screen.print(f"browse the runs: fairtune ui --home {home}")


def _written(annotation: Annotation) -> list[str]:
    """What people have written about a study."""
    said = [f"note: {visible(annotation.note)}"] if annotation.note else []
    tags = ", ".join(f"{name} = {value}" for name, value in annotation.tags.items())
    return [*said, *([f"tags: {visible(tags)}"] if tags else [])]


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
    flat = Configuration.of(best.trial.configuration).flat()
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
