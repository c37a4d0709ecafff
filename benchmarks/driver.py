"""What the driver of a study costs, beside plain Optuna with the same trials in the same run.

    python benchmarks/driver.py --output driver.json

Trainings are instant: 10 epochs with 8 metrics each, nine parameters. fairtune writes its record,
asks sampler and pruner, keeps both mirrors up to date and sums up at the end; plain Optuna asks,
reports and tells on SQLite, on its journal and in memory. Every measurement has a process of its
own (driver_ways.py). Milliseconds are CPU, per trial; growth is the CPU of the last tenth of the
trials over that of the second one.

Plain Optuna on SQLite would take a long time for 10,000 trials, and so do the mirrors and every
TPE: they get as many trials as `--most-...` say, and the table says how many they had.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from machine import machine
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

PROCESS = Path(__file__).with_name("driver_ways.py")
FAIRTUNE, UNMIRRORED = "fairtune", "unmirrored"
SQLITE, JOURNAL, MEMORY = "sqlite", "journal", "memory"
OWN = (FAIRTUNE, UNMIRRORED)
LABELS = {
    FAIRTUNE: "fairtune, everything on",
    UNMIRRORED: "fairtune without mirrors",
    SQLITE: "Optuna on SQLite",
    JOURNAL: "Optuna on its journal",
    MEMORY: "Optuna in memory",
}
TARGET_RATIO, TARGET_EPOCHS, TARGET_MB = 0.17, 500, 250
BEFORE = 1.75
"""What the driver cost of plain Optuna on SQLite when it wrote Optuna's storage itself."""


def measured(way: str, sampler: str, pruner: str, trials: int) -> dict[str, Any]:
    """One way in a fresh process."""
    command = [sys.executable, str(PROCESS), way, sampler, pruner, str(trials)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        tail = "\n".join((done.stderr or done.stdout).splitlines()[-20:])
        raise SystemExit(f"{' '.join(command)} ended with code {done.returncode}:\n{tail}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def plan(options: argparse.Namespace) -> Iterator[tuple[str, str, str, int]]:
    """What is to be measured: way, sampler, pruner, trials, each once."""
    most = {SQLITE: options.most_sqlite, JOURNAL: options.most_journal}
    for sampler in options.samplers:
        for pruner in options.pruners:
            wanted = []
            for trials in sorted(options.trials):
                allowed = min(trials, options.most_tpe) if sampler == "tpe" else trials
                own = FAIRTUNE if allowed <= options.most_mirrored else UNMIRRORED
                ways = [own, SQLITE, JOURNAL, MEMORY]
                wanted += [(way, min(allowed, most.get(way, allowed))) for way in ways]
            for way, trials in dict.fromkeys(wanted):
                yield way, sampler, pruner, trials


def ratios(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The driver's CPU per trial over that of plain Optuna on SQLite with most trials."""
    found = []
    for row in rows:
        alike = [
            other for other in rows
            if other["way"] == SQLITE
            and (other["sampler"], other["pruner"]) == (row["sampler"], row["pruner"])
        ]  # fmt: skip
        if row["way"] in OWN and alike:
            beside = max(alike, key=lambda other: int(other["trials"]))
            both = row["cpu_ms"] + row["mirror_cpu_ms"] if row["way"] == FAIRTUNE else None
            found.append(
                {
                    **{name: row[name] for name in ("sampler", "pruner", "trials")},
                    "sqlite_trials": beside["trials"],
                    "driver": row["cpu_ms"] / beside["cpu_ms"],
                    "driver_and_mirrors": None if both is None else both / beside["cpu_ms"],
                }
            )
    return found


def show(rows: Sequence[dict[str, Any]], found: Sequence[dict[str, Any]], console: Console) -> None:
    """Print the table in Markdown, and what it comes to."""
    table = Table(box=MARKDOWN)
    table.add_column("way")
    table.add_column("sampler")
    table.add_column("pruner")
    for name in ("trials", "epochs", "CPU, ms", "mirrors, ms", "rest, s", "epochs/s", "growth",
                 "peak, MB"):  # fmt: skip
        table.add_column(name, justify="right")
    for row in rows:
        own = row["way"] in OWN
        table.add_row(
            LABELS[row["way"]],
            row["sampler"],
            row["pruner"],
            f"{row['trials']:,}",
            f"{row['epochs']:,}",
            f"{row['cpu_ms']:.2f}",
            f"{row['mirror_cpu_ms']:.2f}" if row["way"] == FAIRTUNE else "",
            f"{row['rest_cpu_s']:.1f}" if own else "",
            f"{row['epochs_per_second']:,.0f}",
            f"{row['growth']:.2f}",
            f"{row['peak_mb']:.0f}",
        )
    console.print(table)
    console.print(
        "CPU per trial of the process that asks and tells, and of the process of the mirrors; "
        "rest: CPU of the driver before the first and after the last trial."
    )
    for each in found:
        console.print(
            f"{each['sampler']}, pruner {each['pruner']}, {each['trials']:,} trials: driver "
            f"{each['driver']:.3f} of plain Optuna on SQLite (at {each['sqlite_trials']:,} trials; "
            f"target {TARGET_RATIO})"
            + (
                f", driver and mirrors {both:.2f} (the driver of before: {BEFORE})"
                if (both := each["driver_and_mirrors"])
                else ""
            )
        )
    own = [row for row in rows if row["way"] in OWN]
    slowest = min(row["epochs_per_second"] for row in own)
    largest = max(row["peak_mb"] for row in own)
    console.print(
        f"The slowest of fairtune: {slowest:,.0f} epochs/s (target {TARGET_EPOCHS}); most memory "
        f"of the driver: {largest:.0f} MB (target {TARGET_MB})."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every way, print the table and write its JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", nargs="+", type=int, default=[100, 1_000, 10_000])
    parser.add_argument("--samplers", nargs="+", choices=["random", "tpe"],
                        default=["random", "tpe"])  # fmt: skip
    parser.add_argument("--pruners", nargs="+", choices=["none", "median"], default=["none"],
                        help="of both; with median most trials end early")  # fmt: skip
    parser.add_argument("--most-sqlite", type=int, default=300, help="trials of plain Optuna there")
    parser.add_argument("--most-journal", type=int, default=1_000, help="the same on its journal")
    parser.add_argument("--most-mirrored", type=int, default=1_000, help="trials with mirrors on")
    parser.add_argument("--most-tpe", type=int, default=1_000, help="trials of every TPE")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write JSON here")
    options = parser.parse_args(arguments)
    about = machine()
    progress = Console(stderr=True)
    rows = []
    for way, sampler, pruner, trials in plan(options):
        rows.append(measured(way, sampler, pruner, trials))
        progress.print(
            f"{LABELS[way]}, {sampler}, {pruner}, {trials:,} trials: {rows[-1]['cpu_ms']:.2f} ms"
        )
    found = ratios(rows)
    console = Console(width=140)
    show(rows, found, console)
    console.print(f"{about['processor']}, {about['cores']} cores, load {about['load_average'][0]}")
    if options.output:
        result = {"machine": about, "rows": rows, "ratios": found}
        options.output.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
