"""What a trial is among the others, and what can be done about one that did not complete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studies.analysis.failure_causes import beyond_what_worked
from studies.home import home_option
from studies.records import Outcome, Trial
from studies.results import StudyResults, plural, value_text
from studies.results.commands import command
from studies.results.wording import listed


@dataclass(frozen=True)
class Standing:
    """Where a trial stands among the completed ones of its search."""

    words: str
    """Such as `3rd of 12 completed trials of its search`; empty where it has no rank."""
    better: str = ""
    """The trial just before it, by its key; empty where it is the best."""
    worse: str = ""


def standing(results: StudyResults, trial: Trial) -> Standing:
    """The rank of a trial of a search by the objective, and its neighbours there."""
    others = results.ranked(results.searched(trial.arm, trial.repeat))
    keys = [each.key for each in others]
    if trial.key not in keys:
        return Standing("")
    at = keys.index(trial.key)
    whose = f" of {trial.arm}" if trial.arm else ""
    return Standing(
        f"{_ordinal(at + 1)} of {plural(len(keys), 'completed trial')} of its search{whose}",
        keys[at - 1] if at else "",
        keys[at + 1] if at + 1 < len(keys) else "",
    )


def same_configuration(results: StudyResults, trial: Trial) -> Sequence[str]:
    """The other trials of a trial's configuration, by key: its runs on fresh seeds and other
    splits, and the trial of the search that found it."""
    alike = [
        each
        for each in results.trials
        if (each.arm, each.config_hash) == (trial.arm, trial.config_hash)
    ]
    if trial.phase == "search":
        return [each.key for each in alike if each.phase != "search"]
    return [each.key for each in alike if each.phase == "search" and each.duplicate_of is None]


def way_on(results: StudyResults, trial: Trial) -> str:
    """What can be done about a trial that did not complete; commands stand in backticks. Empty
    where nothing is to be done."""
    name, home = results.study, home_option(results.home.path)
    again = (
        f"`fairtune reset {name} --failed{home}` then queues the failed trials of all arms again, "
        f"and `{command(results)}` trains them"
    )
    if trial.outcome == Outcome.diverged:
        return f"This is its result, and no command trains it again. {_diverged(results, trial)}"
    if trial.outcome == Outcome.pruned:
        return (
            "Nothing is wrong: it was behind others at that epoch. Its study file (Copy YAML) "
            "trains its configuration to the end"
        )
    if trial.outcome == Outcome.error:
        return f"Mend what the reason and the traceback name; {again}"
    if trial.outcome == Outcome.crashed:
        return (
            "Its process ended without a word, each time that it was tried: look in the system's "
            f"log for who ended it, for instance for want of memory; {again}"
        )
    if trial.outcome == Outcome.out_of_memory:
        return (
            "Let fewer trials train side by side (`--workers`, `--per-gpu`), or begin a study with "
            "a smaller data.batch_size and as much more trainer.accumulate, or with "
            f"trainer.precision: bf16. With fewer side by side {again}"
        )
    if trial.outcome == Outcome.timeout:
        longer = f"trainer.trial_timeout={2 * (results.spec.trial_timeout or 3600):g}"
        return (
            f"`fairtune reset {name} --failed{home}` queues the failed trials of all arms again, "
            f"and `{command(results, longer)}` gives them more time"
        )
    if trial.outcome == Outcome.interrupted:
        return f"`{command(results)}` continues it where it was"
    return ""


def _diverged(results: StudyResults, trial: Trial) -> str:
    """What a range of the parameters, or other values, would make of a trial that diverged."""
    beyond = beyond_what_worked(results, trial)
    if beyond:
        ends = [
            f"{each.name} {'ends' if each.above else 'begins'} at {value_text(each.limit)}"
            for each in beyond
        ]
        return f"A study whose range of {listed(ends)} loses fewer trials"
    rate = _rate(trial)
    worked = [
        found
        for each in results.ranked(results.searched(trial.arm, trial.repeat))
        if (found := _rate(each)) is not None
    ]
    if rate is None or not worked or rate > max(worked):
        return (
            "A smaller learning rate, or clipped gradients (regularization.gradient_clip), make "
            "that rarer"
        )
    return (
        f"Its learning rate, {rate:.3g}, is not above the largest that completed "
        f"({max(worked):.3g}): look at its other values beside those of a trial that completed"
    )


def _rate(trial: Trial) -> float | None:
    optimizer = trial.configuration.get("optimizer")
    rate = optimizer.get("lr") if isinstance(optimizer, dict) else None
    return float(rate) if isinstance(rate, int | float) and rate > 0 else None


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10)
    return f"{number:,}{ending or 'th'}"
