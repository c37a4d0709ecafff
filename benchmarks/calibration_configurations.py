"""Verdicts about configurations, on made up comparisons with a known truth.

    python benchmarks/calibration.py --rows configurations
    python benchmarks/calibration.py --rows configurations --repetitions 10000

For 8, 10 and 16 seeds, and for values with normal, skewed (exponential) and heavily tied noise (the
accuracy on 200 items, of which four are wrong on average):

- *false better*: the share of comparisons of three equally good arms in which any of the three
  pairs is called "better"; at most 5 %;
- *coverage*: the share of 95 % intervals that contain the truth, for the difference between two
  equal arms and for the mean of one arm;
- *power*: the share of verdicts for an arm that is better by exactly what `detectable_difference`
  claims to detect with a power of 0.8: for a study of two arms; for one pair of three arms, at the
  first step of Holm; and for three arms of which one is better than two equal ones, where Holm's
  later step helps (the mean over its two pairs).

Effects are in standard deviations of the paired differences. Errors are Monte Carlo standard errors
over comparisons: the three pairs of one comparison are correlated and count as one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, product
from time import perf_counter
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from studies.statistics import Interval
from studies.statistics.intervals import Array, mean_interval
from studies.statistics.power import detectable_difference
from studies.statistics.verdicts import PairedResult, compare, verdict

SEEDS = (8, 10, 16)
REPETITIONS = 2_000
"""Comparisons of a row, unless given."""
POWER = 0.8
ITEMS, ACCURACY = 200, 0.98
RESAMPLES = 100
"""Of the interval of P(A > B), which decides nothing."""


@dataclass(frozen=True)
class Noise:
    """How values scatter around an arm, with their mean and standard deviation."""

    draw: Callable[[np.random.Generator, tuple[int, int]], Array]
    mean: float
    sd: float


NOISES = {
    "normal": Noise(lambda rng, shape: rng.standard_normal(shape), 0.0, 1.0),
    "skewed": Noise(lambda rng, shape: rng.standard_exponential(shape), 1.0, 1.0),
    "tied": Noise(
        lambda rng, shape: rng.binomial(ITEMS, ACCURACY, shape) / ITEMS,
        ACCURACY,
        math.sqrt(ACCURACY * (1 - ACCURACY) / ITEMS),
    ),
}


@dataclass(frozen=True)
class Share:
    """A share of comparisons with its Monte Carlo standard error."""

    value: float
    error: float

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} ± {100 * self.error:.1f}"


@dataclass(frozen=True)
class Calibration:
    """What one kind of noise and one number of seeds gave; effects in standard deviations."""

    noise: str
    seeds: int
    false_better: Share
    coverage_difference: Share
    coverage_mean: Share
    effect: float
    power: Share
    effect_of_three: float
    power_first_step: Share
    power_of_three: Share
    seconds: float


def calibrate(name: str, seeds: int, repetitions: int) -> Calibration:
    """Compare synthetic arms with one kind of noise and one number of seeds."""
    started, noise = perf_counter(), NOISES[name]
    rng = np.random.default_rng([list(NOISES).index(name), seeds])
    effect = detectable_difference(1.0, seeds, power=POWER)
    effect_of_three = detectable_difference(1.0, seeds, pairs=3, power=POWER)

    def compared(arms: int, lead: float) -> list[PairedResult]:
        values = noise.draw(rng, (arms, seeds))
        values[0] += lead * math.sqrt(2) * noise.sd
        return compare(list(combinations(values, 2)), rng=rng, resamples=RESAMPLES)

    rows: list[tuple[float, ...]] = []
    for _ in range(repetitions):
        equal = compared(3, 0.0)
        values = noise.draw(rng, (1, seeds))[0]
        mean = mean_interval(values, rng=rng)
        pair_of_two, pair_of_three = compared(2, effect)[0], compared(2, effect_of_three)[0]
        leads = compared(3, effect_of_three)[:2]
        rows.append(
            (
                any(pair.verdict.better != "none" for pair in equal),
                float(np.mean([covers(pair.difference, 0.0) for pair in equal])),
                covers(mean, noise.mean),
                pair_of_two.verdict.better == "a",
                at_first_step(pair_of_three, 3),
                float(np.mean([pair.verdict.better == "a" for pair in leads])),
            )
        )
    false_better, difference, mean_of_one, two, first_step, three = map(
        share, zip(*rows, strict=True)
    )
    return Calibration(
        noise=name,
        seeds=seeds,
        false_better=false_better,
        coverage_difference=difference,
        coverage_mean=mean_of_one,
        effect=effect,
        power=two,
        effect_of_three=effect_of_three,
        power_first_step=first_step,
        power_of_three=three,
        seconds=round(perf_counter() - started, 1),
    )


def at_first_step(pair: PairedResult, pairs: int) -> bool:
    """Whether arm a would be better were this the smallest of so many p values."""
    decided = verdict(
        pair.difference, min(1.0, pairs * pair.p), pair.probability_a_better,
        seeds=pair.seeds, pairs=pairs,
    )  # fmt: skip
    return decided.better == "a"


def covers(interval: Interval, truth: float) -> bool:
    """Whether the interval contains the truth, up to rounding."""
    return interval.low - 1e-12 <= truth <= interval.high + 1e-12


def share(per_comparison: Sequence[float]) -> Share:
    """The mean over comparisons and its standard error."""
    y = np.asarray(per_comparison, dtype=np.float64)
    return Share(float(y.mean()), float(y.std(ddof=1) / math.sqrt(len(y))))


def show(rows: Sequence[Calibration], repetitions: int, console: Console) -> None:
    """Print a table: all shares in percent."""
    table = Table(title=f"{repetitions} comparisons a row; percent ± Monte Carlo standard error")
    for heading in (
        "noise", "seeds", "false better", "coverage\ndifference", "coverage\nmean",
        "effect\n2 arms", "power\n2 arms", "effect\n3 arms", "power\nfirst step",
        "power\n3 arms",
    ):  # fmt: skip
        table.add_column(heading, justify="left" if heading == "noise" else "right")
    for row in rows:
        table.add_row(
            row.noise, str(row.seeds), str(row.false_better), str(row.coverage_difference),
            str(row.coverage_mean), f"{row.effect:.2f}", str(row.power),
            f"{row.effect_of_three:.2f}", str(row.power_first_step), str(row.power_of_three),
        )  # fmt: skip
    console.print(table)


def measured(repetitions: int | None, console: Console) -> list[dict[str, Any]]:
    """Measure every row, print the table and give its record."""
    count = repetitions or REPETITIONS
    rows = [calibrate(name, seeds, count) for name, seeds in product(NOISES, SEEDS)]
    show(rows, count, console)
    return [asdict(row) for row in rows]
