"""How many workers one driver can serve: simulated workers that finish an epoch every second.

    python benchmarks/many_workers.py --output many_workers.json

The driver is the real one, with a home and a record on disk, the display of a terminal and the
mirrors (`--no-mirrors`: without). Its workers only wait: each has finished an epoch, with eight
metrics, one second after its last answer, and a trial after 20 epochs. They come up one after the
other in `--stagger` seconds; 0 lets all trials of a study begin, and then end, at the same time.
Measured are `--seconds`, from `--settle` seconds after all workers are busy on. Every row has a
process of its own (many_workers_run.py). What the network and the messages of real workers cost is
not in it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from machine import machine
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

PROCESS = Path(__file__).with_name("many_workers_run.py")
SEARCHES = {"random": ("random", "none"), "tpe": ("tpe", "median")}
"""The sampler and the pruner of a search, by what the command line calls it."""
TARGET_WORKERS, TARGET_EPOCHS, TARGET_MEDIAN, TARGET_P99 = 500, 450, 50, 300
"""So many workers get so many answers a second, half and 99 % of them within so many ms."""


def measured(workers: int, search: str, options: argparse.Namespace) -> dict[str, Any]:
    """One row, in a fresh process."""
    command = [sys.executable, str(PROCESS), str(workers), *SEARCHES[search]]
    for name in ("stagger", "settle", "seconds"):
        command += [f"--{name}", str(getattr(options, name))]
    if options.no_mirrors:
        command.append("--no-mirrors")
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        tail = "\n".join((done.stderr or done.stdout).splitlines()[-20:])
        raise SystemExit(f"{' '.join(command)} ended with code {done.returncode}:\n{tail}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {"workers": workers, "search": search, **found}


def reaches_target(row: dict[str, Any]) -> bool:
    """Whether workers were answered as often and as soon as they are to be."""
    answer = row["answer_ms"]
    return bool(
        row["epochs_per_second"] >= TARGET_EPOCHS
        and answer["median"] < TARGET_MEDIAN
        and answer["p99"] < TARGET_P99
    )


def show(rows: Sequence[dict[str, Any]], console: Console) -> None:
    """Print the table in Markdown, and whether the target is reached."""
    table = Table(box=MARKDOWN)
    table.add_column("search")
    for name in ("workers", "epochs/s", "answer, ms", "99 %", "longest", "trials/s",
                 "next trial, ms", "99 %", "driver, cores", "others, cores", "peak, MB",
                 "record, MB", "load"):  # fmt: skip
        table.add_column(name, justify="right")
    for row in rows:
        answer, refill = row["answer_ms"], row["refill_ms"]
        table.add_row(
            " + ".join(word for word in SEARCHES[row["search"]] if word != "none"),
            f"{row['workers']:,}",
            f"{row['epochs_per_second']:,.0f}",
            *(f"{answer[name]:,.1f}" for name in ("median", "p99", "max")),
            f"{row['trials_per_second']:.1f}",
            *(f"{refill[name]:,.0f}" if refill else "" for name in ("median", "p99")),
            f"{row['driver_cores']:.2f}",
            f"{row['other_cores']:.2f}",
            f"{row['peak_mb']:.0f}",
            f"{row['record_mb']:.0f}",
            f"{row['load_average']:.1f}",
        )
    console.print(table)
    console.print(
        "answer: from the end of an epoch to its answer, the median; next trial: from the end of a "
        "trial to the next one for its worker; others: everything but the driver."
    )
    for row in rows:
        if row["workers"] == TARGET_WORKERS:
            said = "reached" if reaches_target(row) else "missed"
            console.print(
                f"{row['search']}: the target of {TARGET_EPOCHS} epochs a second, half of them "
                f"answered within {TARGET_MEDIAN} ms and 99 % within {TARGET_P99} ms, is {said}."
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every size, print the table and write its JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", nargs="+", type=int, default=[100, 250, 500, 1_000, 2_000])
    parser.add_argument("--searches", nargs="+", choices=SEARCHES, default=list(SEARCHES))
    parser.add_argument("--stagger", type=float, default=20.0, help="seconds, default 20")
    parser.add_argument("--settle", type=float, default=20.0, help="seconds, default 20")
    parser.add_argument("--seconds", type=float, default=60.0, help="default 60")
    parser.add_argument("--no-mirrors", action="store_true")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write JSON here")
    options = parser.parse_args(arguments)
    if min(options.workers) < 1:
        parser.error(f"--workers must be at least 1, got {min(options.workers)}")
    about = machine()
    console, progress = Console(width=160), Console(stderr=True)
    rows: list[dict[str, Any]] = []
    for search in options.searches:
        for workers in options.workers:
            rows.append(measured(workers, search, options))
            speed = rows[-1]["epochs_per_second"]
            progress.print(f"{search}, {workers:,} workers: {speed:,.0f} epochs a second")
    show(rows, console)
    console.print(f"{about['processor']}, {about['cores']} cores, load {about['load_average'][0]}")
    if options.output:
        result = {"machine": about, "mirrors": not options.no_mirrors, "rows": rows}
        result |= {name: getattr(options, name) for name in ("stagger", "settle", "seconds")}
        options.output.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
