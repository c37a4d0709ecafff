"""Whether an open dashboard slows the trainings of a study down.

    python benchmarks/dashboard_overhead.py --rounds 10 --output dashboard_overhead.json

A round is one study without a dashboard and the same study while its page is open in headless
Chromium, on the same machine: in turn, each in a fresh process and a fresh home, forwards in one
round and backwards in the next. The study has one worker; its trials are those of
`overhead.py`, with more epochs, so that the page is redrawn many times. The time of an epoch is
what the study logs as `time/epoch_s`, and a study's is the mean over all of its epochs.

The ratio of a round is the epoch time with the dashboard over that without. What is printed is the
median over the rounds and a 95 % bootstrap interval of it (10,000 draws of rounds).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import raw_loop
from large_home import FLAGS, PAINTED, PATIENCE, dashboard, server
from machine import machine
from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.table import Table
from rounds import ratios, spread, turn
from whole_runs import FAIRTUNE, execute

from studies.home import Home
from studies.records import RecordReader

STUDY = "watched"
FILE = f"""\
study: {STUDY}
description: Twelve learning rates, watched in a browser or not
data: {{name: digits, batch_size: {raw_loop.BATCH_SIZE}}}
model: {{name: mlp, hidden: {list(raw_loop.HIDDEN)}, activation: relu}}
optimizer: {{name: adam, lr: {{values: {raw_loop.LEARNING_RATES}}}}}
trainer: {{epochs: EPOCHS, accelerator: cpu}}
objective: {{metric: val/accuracy, goal: maximize}}
search: {{method: grid}}
"""
PAGE = f"answer?study={STUDY}"
WAYS = ("alone", "watched")
DRAWS, TARGET = 10_000, 1.03


@contextmanager
def watching(browser: Browser, home: Home) -> Iterator[None]:
    """The study's page is open, and stays so until the block ends; it follows the study itself."""
    command, environment, address, health = dashboard(home)
    with server(command, environment, address + health):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.goto(f"{address}/{PAGE}", wait_until="commit", timeout=PATIENCE)
        page.wait_for_function(PAINTED, timeout=PATIENCE, polling=200)
        yield
        followed = page.locator('[data-testid="stVegaLiteChart"]').count()
        context.close()
        if not followed:
            raise SystemExit("the open page has not followed the study")


def epoch_seconds(way: str, browser: Browser, epochs: int) -> float:
    """The mean time of an epoch of the study."""
    with TemporaryDirectory(prefix="watched-") as folder:
        home, file = Home.at(Path(folder) / "home"), Path(folder) / "study.yaml"
        file.write_text(FILE.replace("EPOCHS", str(epochs)))
        home.path.mkdir()
        command = [str(FAIRTUNE), "run", str(file), "--home", str(home.path), "--json"]
        command += ["--workers", "1"]
        if way == "watched":
            with watching(browser, home):
                execute(command, Path(folder))
        else:
            execute(command, Path(folder))
        return mean(_epochs(home, epochs))


def _epochs(home: Home, epochs: int) -> list[float]:
    with RecordReader.open(home, STUDY) as record:
        trials = [trial.key for trial in record.trials()]
        histories = record.histories(trials, ["time/epoch_s"])
    found = [value for each in histories.values() for value in each["time/epoch_s"].values()]
    expected = len(raw_loop.LEARNING_RATES) * epochs
    if len(found) != expected:
        raise SystemExit(f"{len(found)} epochs were trained, expected {expected}")
    return found


def bootstrap(values: Sequence[float], rng: np.random.Generator) -> tuple[float, float]:
    """A 95 % percentile interval of the median."""
    drawn = np.median(rng.choice(np.array(values), (DRAWS, len(values))), axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def measured(rounds: int, epochs: int, progress: Console) -> dict[str, list[float]]:
    """The epoch times of every way, round by round."""
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(FLAGS)
        )
        for number in range(rounds):
            for way in turn(WAYS, number):
                seconds[way].append(epoch_seconds(way, browser, epochs))
                said = f"{1000 * seconds[way][-1]:.2f} ms per epoch"
                progress.print(f"round {number + 1} of {rounds}: {way}: {said}")
        browser.close()
    return seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all rounds, print the ratio and write its JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10, help="paired rounds (default 10)")
    parser.add_argument("--epochs", type=int, default=100, help="of each trial (default 100)")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")
    for name in ("FAIRTUNE_STORAGE", "MLFLOW_TRACKING_URI"):
        os.environ.pop(name, None)  # the mirrors are those of the home
    console, on = Console(), machine()
    seconds = measured(options.rounds, options.epochs, Console(stderr=True))
    found = ratios(seconds["watched"], seconds["alone"])
    low, high = bootstrap(found, np.random.default_rng(0))
    table = Table("way", "ms per epoch: median (min-max)", title=f"{options.rounds} rounds")
    for way in WAYS:
        table.add_row(way, spread([1000 * each for each in seconds[way]], digits=2))
    console.print(table)
    console.print(
        f"watched / alone: {median(found):.3f} (95 % interval {low:.3f} to {high:.3f}; target at "
        f"most {TARGET})"
    )
    console.print(f"{on['processor']}, {on['cores']} cores, load {on['load_average']}")
    console.print(", ".join(f"{name} {version}" for name, version in on["versions"].items()))
    if options.output:
        result: dict[str, Any] = {"benchmark": "dashboard_overhead", "machine": on}
        result |= {"epochs": options.epochs, "seconds": seconds, "ratios": found}
        result |= {"median": median(found), "interval": [low, high]}
        options.output.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
