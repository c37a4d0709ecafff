"""What to expect of a study's configuration on new rows, with what is uncertain about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from numpy.random import default_rng
from scipy import special

from studies.analysis import recommended
from studies.results import (
    RepeatResult,
    StudyResults,
    compared_part,
    on_log_scale,
    on_test,
    plural,
    value_of,
)
from studies.results.repeat_results import is_error, repeat_results
from studies.results.wording import interval
from studies.statistics import Interval
from studies.statistics.intervals import mean_interval


@dataclass(frozen=True)
class Expectation:
    """A value to expect, its 95 % interval, and what that rests on."""

    metric: str
    interval: Interval
    rests_on: str
    """Of which values the mean is taken, and which errors the interval holds."""

    @property
    def words(self) -> str:
        """The value, its interval and what it rests on in one sentence."""
        return f"{self.metric} {interval(self.metric, self.interval)}: {self.rests_on}"


def expectation(results: StudyResults) -> Expectation | None:
    """What to expect of the configuration to use; None where no trial has completed.

    With repeats it is the mean over the winners of its arm on their own splits: an estimate for
    "search, then take the winner", since the configuration itself was chosen with rows that other
    splits test on. The interval adds the sampling error of one part (binomial, for accuracy).
    """
    best = recommended(results)
    if best is None:
        return None
    if best.repeats:
        return _of_winners(results, best.trial.arm)
    if not best.runs:
        one = Interval(best.value, math.nan, math.nan, "one value")
        said = "one trial of the search, which looks better than it is"
        return Expectation(best.metric, one, said)
    tested = on_test(best.metric)
    is_tested = all(tested in run.test for run in best.runs)
    metric = tested if is_tested else best.metric
    part = "test" if is_tested else "validation"
    values = [value for run in best.runs if (value := value_of(run, metric)) is not None]
    sizes = [run.rows[part] for run in best.runs if part in run.rows]
    found, sampling = with_sampling(metric, values, min(sizes, default=None), part)
    said = f"the mean of {plural(len(values), 'fresh seed')} on one split{sampling}"
    if results.spec.design.top > 1:
        said += (
            f"; the best of {results.spec.design.top} configurations by it, so a little optimistic"
        )
    return Expectation(metric, found, said)


def _of_winners(results: StudyResults, arm: str) -> Expectation:
    part = compared_part(results, results.spec.objective.metric)
    rows = [row for row in repeat_results(results, part.metric)[arm].values() if row.by_seed]
    values = [fmean(row.by_seed.values()) for row in rows]
    logarithms, _ = on_log_scale(results.spec.design.scale, part.metric, values)
    found, sampling = with_sampling(
        part.metric, values, _size(rows, part.name), part.name, logarithms=logarithms
    )
    mean = "geometric mean" if logarithms else "mean"
    whose = f" of {arm}" if arm else ""
    own = f"their own {part.name} parts" if part.name == "test" else "validation"
    chosen = f" (the best of {len(results.arms)} arms by it)" if len(results.arms) > 1 else ""
    said = (
        f"the {mean} of the {plural(len(values), 'winner')}{whose}{chosen} on {own}{sampling}; an "
        'estimate for "search, then take the winner"'
    )
    return Expectation(part.metric, found, said)


def _size(rows: Sequence[RepeatResult], part: str) -> int | None:
    sizes = [run.rows[part] for row in rows for run in row.runs if part in run.rows]
    return min(sizes, default=None)


def with_sampling(
    metric: str,
    values: Sequence[float],
    rows: int | None,
    part: str,
    *,
    logarithms: bool = False,
) -> tuple[Interval, str]:
    """The mean of values with a 95 % interval that holds the sampling error of one part, and the
    words for that.

    Student's t over the values, of their logarithms where these are compared. For an accuracy the
    binomial variance of so many rows is added, at the share (successes + 2) / (rows + 4), which is
    not zero where every row is right (Agresti and Coull 1998).
    """
    left_out = f", without the sampling error of the {part} part"
    if logarithms:
        of_logs = mean_interval([math.log(value) for value in values], rng=default_rng(0))
        ends = [math.exp(x) for x in (of_logs.estimate, of_logs.low, of_logs.high)]
        return Interval(ends[0], ends[1], ends[2], of_logs.method), left_out
    mean, count = fmean(values), len(values)
    binomial = metric.rpartition("/")[2] == "accuracy" and rows is not None
    sampling = 0.0
    if binomial and rows:
        share = (mean * rows + 2) / (rows + 4)
        sampling = share * (1 - share) / (rows + 4)
    variance = t = 0.0
    if count > 1:
        t = float(special.stdtrit(count - 1, 0.975))
        variance = sum((value - mean) ** 2 for value in values) / (count - 1) / count
    half = math.sqrt(t**2 * variance + 1.96**2 * sampling)
    if count < 2 and not sampling:
        half = math.nan
    low = mean - half
    if is_error(metric):
        low = max(0.0, low)
    found = Interval(mean, low, mean + half, "student t with sampling error")
    if binomial:
        return found, f", with the sampling error of a {part} part of {rows} rows"
    return found, left_out
