"""Whether a running study is slowed by a dashboard that looks at it.

    python benchmarks/polling.py --output polling.json

One study (an MLP on digits, one random trial after the other) runs all the time. Beside it, in
turns of some seconds, a browser shows an empty page, or the study's page of the dashboard, which
asks for what is new every few seconds. The server of the dashboard and the browser run all the
time. An epoch lasts from the driver's hearing of the one before until its hearing of this one,
the driver's own work included; epochs that began in one turn and ended in the next do not count.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles

from large_home import FAIRTUNE, FLAGS, PAINTED, dashboard, opened, server
from machine import machine
from playwright.sync_api import Page, sync_playwright
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from studies.home import Home
from studies.records import RecordReader

STUDY = """\
study: polled
description: Trials without end, to be looked at
data: {name: digits, batch_size: 64}
model: {name: mlp, hidden: [64]}
optimizer: {name: adam, lr: {min: 1e-4, max: 1e-1, log: true}}
trainer: {epochs: 20, accelerator: cpu}
search: {method: random, trials: 100000}
"""
WAYS = ("closed", "open")


@dataclass(frozen=True)
class Turn:
    """One way from one moment to another, in seconds since the epoch."""

    way: str
    begins: float
    ends: float
    epochs_ms: list[float]


@contextmanager
def running(home: Home, workers: int) -> Iterator[subprocess.Popen[bytes]]:
    """A study that runs, until the block ends."""
    home.create()
    file = home.path / "polled.yaml"
    file.write_text(STUDY)
    argv = [FAIRTUNE, "run", str(file), "--home", str(home.path), "--workers", str(workers)]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with subprocess.Popen([*argv, "--quiet"], env=environment, stdout=subprocess.DEVNULL) as study:
        try:
            yield study
        finally:
            study.terminate()


def take_turns(page: Page, address: str, turns: int, seconds: float) -> list[tuple[str, float]]:
    """Closed, open, closed, ...; the ways with the moments at which they begin, and the end."""
    begins = []
    for number in range(2 * turns):
        way = WAYS[number % 2]
        begins.append((way, time.time()))
        if way == "open":
            opened(page, f"{address}/timeline?study=polled", PAINTED)
        else:
            page.goto("about:blank")
        page.wait_for_timeout(max(0.0, begins[-1][1] + seconds - time.time()) * 1000)
    return [*begins, ("", time.time())]


def heard(home: Home) -> list[list[float]]:
    """For every trial the moments, in seconds, at which the driver heard of its epochs."""
    with RecordReader.open(home, "polled") as record:
        return [[row.time / 1000 for row in record.epochs(t.id)] for t in record.trials()]


def measured(trials: Sequence[Sequence[float]], begins: Sequence[tuple[str, float]]) -> list[Turn]:
    """The epochs of every turn."""
    epochs = [pair for moments in trials for pair in pairwise(moments)]
    return [
        Turn(way, start, end, [1000 * (b - a) for a, b in epochs if start <= a and b <= end])
        for (way, start), (_, end) in pairwise(begins)
    ]


def show(turns: Sequence[Turn], console: Console) -> float:
    """Print a row for each way, in Markdown; the ratio of the medians of the turns' medians."""
    table = Table(box=MARKDOWN)
    for column in ("dashboard", "epochs", "ms per epoch", "each turn", "99 % below", "longest"):
        table.add_column(column, justify="left" if column == "dashboard" else "right")
    typical = {}
    for way in WAYS:
        each = [median(turn.epochs_ms) for turn in turns if turn.way == way]
        every = [ms for turn in turns if turn.way == way for ms in turn.epochs_ms]
        typical[way] = median(each)
        table.add_row(
            way,
            f"{len(every):,}",
            f"{typical[way]:.1f}",
            ", ".join(f"{ms:.1f}" for ms in each),
            f"{quantiles(every, n=100)[-1]:.0f}",
            f"{max(every):.0f}",
        )
    ratio = typical["open"] / typical["closed"]
    console.print(table)
    console.print(f"An epoch takes {ratio:.3f} times as long while the dashboard is open.")
    return ratio


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study, take turns, print the table and write its JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=4, metavar="N", help="of each way (default 4)")
    parser.add_argument("--seconds", type=float, default=12, help="of a turn (default 12)")
    parser.add_argument("--workers", type=int, default=1, help="of the study (default 1)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write JSON here")
    options = parser.parse_args(arguments)
    if options.turns < 1:
        parser.error(f"--turns must be at least 1, got {options.turns}")
    about = machine()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Home.at(Path(folder) / "home")
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(FLAGS)
        )
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        command, environment, address, health = dashboard(home)
        with server(command, environment, f"{address}{health}"):
            with running(home, options.workers):
                page.goto(address)
                page.get_by_text("1 of 1 studies").wait_for(timeout=120_000)
                opened(page, f"{address}/timeline?study=polled", PAINTED)
                begins = take_turns(page, address, options.turns, options.seconds)
            turns = measured(heard(home), begins)
        browser.close()
    console = Console(width=120)
    ratio = show(turns, console)
    console.print(f"{about['processor']}, {about['cores']} cores, load {about['load_average'][0]}")
    if options.output:
        result = {"machine": about, "workers": options.workers, "ratio": ratio}
        result["turns"] = [asdict(turn) for turn in turns]
        options.output.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
