"""What every repeat of a study found for every arm: its winner, and the winner's fresh runs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median

from lightning_modules.optimization import lower_is_better
from lightning_modules.optimization.metrics import measure_of
from studies.records import Outcome, Trial
from studies.results.study_results import StudyResults
from studies.study_file import confirm_seeds

NEGLIGIBLE = 1e-6
"""A value below this share of the median makes logarithms of all values meaningless."""


@dataclass(frozen=True)
class RepeatResult:
    """One search of one arm, and the fresh runs of the configuration that it found."""

    arm: str
    repeat: int
    winner: Trial | None
    runs: Sequence[Trial]
    """Fresh runs of the winner that have ended."""
    is_complete: bool
    """Whether the search has used its budget and all of its fresh runs have ended."""
    by_seed: Mapping[int, float] = field(default_factory=dict)
    """Values of the winner by the seed of the run: of the part under comparison."""

    @property
    def value(self) -> float | None:
        """The mean over the winner's fresh seeds; None where there is none."""
        return fmean(self.by_seed.values()) if self.by_seed else None

    @property
    def is_lost(self) -> bool:
        """Whether the repeat gave the arm nothing: no winner, or one that fails on all seeds."""
        tried = self.winner is None or bool(self.runs)
        return self.is_complete and not self.by_seed and tried

    def validation(self, metric: str) -> float | None:
        """The mean of a metric over the winner's fresh seeds, on its own validation part."""
        values = [value for run in self.runs if (value := value_of(run, metric)) is not None]
        return fmean(values) if values else None


@dataclass(frozen=True)
class ComparedPart:
    """The part on which winners are compared, and the metric there."""

    name: str
    """`test` or `validation`."""
    metric: str


def value_of(trial: Trial, metric: str) -> float | None:
    """A metric at the trial's best epoch, or of the test part; None where it is not finite."""
    value = trial.best.get(metric, trial.test.get(metric))
    return value if value is not None and math.isfinite(value) else None


def on_test(metric: str) -> str:
    """The same metric of the test part."""
    return "test/" + re.sub(r"^(train|val|valid|validation|test)[/_]", "", metric)


def compared_part(results: StudyResults, metric: str) -> ComparedPart:
    """The part on which winners are compared. The objective: on the test part of each repeat's own
    split, where repeats have one and fresh runs meet it (a run that says nothing of it has no
    value), else on validation. Any other metric: where it was logged."""
    runs = [
        run for run in results.ended if run.phase == "confirm" and run.outcome == Outcome.completed
    ]
    if metric.startswith("test/"):
        return ComparedPart("test", metric)
    if metric != results.spec.objective.metric:
        return ComparedPart("training" if metric.startswith("train") else "validation", metric)
    tested = on_test(metric)
    own = bool(results.redrawn) or any(run.split is not None for run in runs)
    if own and any(tested in run.test for run in runs):
        return ComparedPart("test", tested)
    return ComparedPart("validation", metric)


def repeat_results(results: StudyResults, metric: str) -> dict[str, dict[int, RepeatResult]]:
    """Every search that was begun, by arm and repeat; values are of `metric`."""
    begun = {(trial.arm, trial.repeat) for trial in results.ended}
    return {
        arm.name: {
            repeat: _repeat_result(results, arm.name, repeat, metric)
            for repeat in range(1, results.spec.repeats + 1)
            if (arm.name, repeat) in begun
        }
        for arm in results.spec.arms
    }


def _repeat_result(results: StudyResults, arm: str, repeat: int, metric: str) -> RepeatResult:
    candidates = results.candidates(arm, repeat)
    winner, runs = results.winner(arm, repeat)
    values = {run.seed: value_of(run, metric) for run in runs if run.outcome == Outcome.completed}
    seeds = confirm_seeds(results.spec) if results.spec.confirm is not None else 0
    confirmed = all(len(results.confirmations(trial)) >= seeds for trial in candidates)
    return RepeatResult(
        arm,
        repeat,
        winner,
        runs,
        is_complete=search_is_done(results, arm, repeat) and confirmed,
        by_seed={seed: value for seed, value in values.items() if value is not None},
    )


def search_is_done(results: StudyResults, arm: str, repeat: int) -> bool:
    """Whether a search has used its budget."""
    spec = results.spec
    ended = [t for t in results.searched(arm, repeat) if t.outcome != Outcome.interrupted]
    if spec.epochs is not None:
        return sum(trial.epochs for trial in ended) + spec.max_epochs > spec.epochs
    if spec.trials_asked is not None:
        return len(ended) >= spec.trials_asked
    grid = next(each for each in spec.arms if each.name == arm)
    return len(ended) >= grid.space.grid_size()


def is_error(metric: str) -> bool:
    """Whether a metric is a loss or an error measure of the metrics table: positive, and better
    the smaller it is."""
    return "/" in metric and measure_of(metric) in {"loss", *lower_is_better()}


def on_log_scale(wanted: str, metric: str, values: Iterable[float]) -> tuple[bool, str]:
    """Whether values are compared as logarithms; and why not, where that was asked for or usual."""
    known = list(values)
    if wanted == "raw" or (wanted == "auto" and not is_error(metric)):
        return False, ""
    if not known:
        return True, ""
    least = min(known)
    if least <= 0:
        return False, f"a value of {metric} is not positive ({least:.3g}), so none is a logarithm"
    if least < NEGLIGIBLE * median(known):
        return False, (
            f"a value of {metric} ({least:.3g}) is below a millionth of the median, so logarithms "
            "would show that one only"
        )
    return True, ""
