"""How long every page of the dashboard takes with 1,000 and with 10,000 trials of 20 epochs, of 4
arms and of 40.

    python benchmarks/large_home.py --output large_home.json

Homes are generated (generated_home.py), then each page is opened in headless Chromium:

- cold: the server was just started and no page was open before; the clock starts with the request.
- warm: the page is opened again in the same browser, as a whole, not as a click inside it.

A page has painted when the script behind it has ended, everything that it shows is there, its
charts are drawn, and nothing of that has changed for a moment; the moment is not counted. The
MLflow UI and, where it is installed, optuna-dashboard are opened on the same study: until rows of
the table of runs are seen, and until the charts of the study are. The second table has the times of
every page over those of the MLflow UI on as many trials in the same run, cold over cold and warm
over warm.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from machine import machine
from playwright.sync_api import Browser, Page, sync_playwright
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from studies.home import Home
from tests.support.generated_home import STUDY, generate

PAGES = {
    "Overview": "",
    "Answer": f"answer?study={STUDY}",
    "Parameters": f"parameters?study={STUDY}",
    "Trials": f"trials?study={STUDY}",
    "Trainings": f"trainings?study={STUDY}",
    "Timeline": f"timeline?study={STUDY}",
    "Data": f"data?study={STUDY}",
    "Trial": f"trial?study={STUDY}",
    "Compare": f"compare?study={STUDY}",
}
FIRST_SCREEN = "Answer, first screen"
"""Until the answer, the ranking and the map of what was compared are drawn."""
COMPARISONS = ("Answer", FIRST_SCREEN)
"""What answers a comparison."""
FAIRTUNE = str(Path(sys.executable).with_name("fairtune"))
MLFLOW, OPTUNA = "MLflow UI", "optuna-dashboard"
TARGET_WARM, TARGET_COLD = 0.4, 1.5
"""Of the time that MLflow's table of runs takes, warm and cold, with the most trials."""
TARGET_COMPARISON = 0.25
"""Of the same, for the page of a comparison, warm."""
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
    "--no-first-run",
)  # fmt: skip
PATIENCE = 120_000
"""Milliseconds until a page is given up."""
PAINTED = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  if (!app || app.getAttribute('data-test-script-state') !== 'notRunning') return false;
  const main = document.querySelector('[data-testid="stMain"]');
  if (!main || document.querySelector('[data-testid="stSkeleton"]')) return false;
  const charts = [...main.querySelectorAll('[data-testid="stVegaLiteChart"]')];
  if (charts.some(chart => !chart.querySelector('canvas, svg.marks'))) return false;
  const told = main.querySelectorAll('[data-testid="stElementContainer"]').length;
  const now = told + ' ' + charts.length + ' ' + main.innerText.length;
  const before = window.before || {};
  if (before.what !== now) window.before = {what: now, since: performance.now()};
  if (told < 2 || performance.now() - window.before.since < 400) return false;
  return window.before.since;
}"""
"""When the page's content was seen as it stays, in milliseconds since its request."""
FIRST = """() => {
  const main = document.querySelector('[data-testid="stMain"]');
  if (!main || !main.querySelector('h4')) return false;
  const charts = [...main.querySelectorAll('[data-testid="stVegaLiteChart"]')].slice(0, 2);
  const drawn = charts.filter(chart => chart.querySelector('canvas, svg.marks'));
  return drawn.length === 2 && performance.now();
}"""
"""When the card and the first two figures of a page were seen."""
ROWS = """() =>
  document.querySelectorAll('[role="row"] a[href*="/runs/"]').length > 0 && performance.now()"""
"""The table of runs begins with the study's own, its trials folded away."""
CHARTS = """() => document.querySelectorAll('.js-plotly-plot').length > 1 && performance.now()"""


@dataclass(frozen=True)
class Size:
    """Of a home."""

    trials: int
    arms: int = 4

    @classmethod
    def of(cls, text: str) -> Size:
        """`10000`, or `10000x40` with 40 arms."""
        return cls(*map(int, text.split("x")))

    def __str__(self) -> str:
        return f"{self.trials:,}" if self.arms == 4 else f"{self.trials:,}, {self.arms} arms"


SIZES = (Size(1_000), Size(10_000), Size(10_000, 40))


@dataclass(frozen=True)
class Paint:
    """One page of one home; seconds."""

    page: str
    size: Size
    cold: float
    warm: float
    """The median of the repetitions."""
    warm_all: list[float]


@contextmanager
def server(command: Sequence[str], environment: dict[str, str], health: str) -> Iterator[None]:
    """A server that has answered, until the block ends."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=log, stderr=log
        )
        try:
            _wait(health, process)
            yield
        finally:
            process.terminate()
            process.wait()


def _wait(health: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(health, timeout=2):
                return
        except OSError:
            if process.poll() is not None:
                raise SystemExit(f"{' '.join(map(str, process.args))} has ended") from None
            time.sleep(0.1)
    raise SystemExit(f"{health} does not answer")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def opened(page: Page, address: str, painted: str) -> float:
    """Seconds from the request of an address until its page has painted."""
    page.goto(address, wait_until="commit", timeout=PATIENCE)
    at = page.wait_for_function(painted, timeout=PATIENCE, polling=50).json_value()
    return round(float(at) / 1000, 2)


def measure(
    browser: Browser, name: str, size: Size, make: tuple[Sequence[str], dict[str, str], str, str],
    path: str, painted: str, repetitions: int,
) -> Paint:  # fmt: skip
    """A page cold, and then warm."""
    command, environment, address, health = make
    with server(command, environment, address + health):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        times = [opened(page, f"{address}/{path}", painted) for _ in range(1 + max(1, repetitions))]
        context.close()
    return Paint(name, size, times[0], round(median(times[1:]), 2), times[1:])


def dashboard(home: Home) -> tuple[Sequence[str], dict[str, str], str, str]:
    """How the dashboard of a home is started, where it is and where it tells its health."""
    port = free_port()
    command = [FAIRTUNE, "dashboard", "--port", str(port), "--no-token"]
    environment = {"FAIRTUNE_HOME": str(home.path)}
    return command, environment, f"http://127.0.0.1:{port}", "/_stcore/health"


def mlflow_ui(home: Home) -> tuple[Sequence[str], dict[str, str], str, str]:
    """The same of the MLflow UI."""
    port = free_port()
    command = [FAIRTUNE, "ui", "--port", str(port), "--no-token"]
    environment = {"FAIRTUNE_HOME": str(home.path)}
    return command, environment, f"http://127.0.0.1:{port}", "/health"


def optuna_dashboard(home: Home) -> tuple[Sequence[str], dict[str, str], str, str]:
    """The same of optuna-dashboard."""
    port = free_port()
    command = ["optuna-dashboard", home.optuna_url, "--host", "127.0.0.1", "--port", str(port)]
    return command, {}, f"http://127.0.0.1:{port}", "/dashboard"


def measured(
    browser: Browser, home: Home, size: Size, pages: Sequence[str], repetitions: int
) -> Iterator[Paint]:
    """Every page that was asked for."""
    for name in pages:
        if name == FIRST_SCREEN:
            made, path, painted = dashboard(home), PAGES["Answer"], FIRST
        elif name in PAGES:
            made, path, painted = dashboard(home), PAGES[name], PAINTED
        elif name == MLFLOW:
            made, path, painted = mlflow_ui(home), "#/experiments/1/runs", ROWS
        else:
            made, path, painted = optuna_dashboard(home), "dashboard/studies/1", CHARTS
        yield measure(browser, name, size, made, path, painted, repetitions)


def show(paints: Sequence[Paint], sizes: Sequence[Size], console: Console) -> None:
    """Print a row for each page, in Markdown, and the same beside MLflow's table of runs."""
    console.print(_table(paints, sizes, "page", 1))
    console.print("Seconds until all of a page is drawn.")
    beside = ratios(paints)
    if not beside:
        return
    console.print(_table(beside, sizes, f"page, over {MLFLOW}", 2))
    largest = max(size.trials for size in sizes)
    most = [each for each in beside if each.size == Size(largest) and each.page in PAGES]
    if most:
        cold, warm = (max(most, key=lambda p: p.cold), max(most, key=lambda p: p.warm))
        console.print(
            f"The slowest page of the dashboard with {largest:,} trials: {cold.cold:.2f} cold "
            f"({cold.page}; target {TARGET_COLD}), {warm.warm:.2f} warm ({warm.page}; target "
            f"{TARGET_WARM})."
        )
    for paint in beside:
        if paint.page in COMPARISONS:
            console.print(
                f"The comparison ({paint.page}) with {paint.size} trials, warm, over {MLFLOW}: "
                f"{paint.warm:.3f} (target {TARGET_COMPARISON})."
            )


def ratios(paints: Sequence[Paint]) -> list[Paint]:
    """The times of every page over those of MLflow's table of runs of the same home."""
    known = {paint.size: paint for paint in paints if paint.page == MLFLOW}
    found = []
    for paint in paints:
        if (of := known.get(paint.size)) is not None and paint is not of:
            warm_all = [round(time / of.warm, 3) for time in paint.warm_all]
            cold, warm = round(paint.cold / of.cold, 3), round(paint.warm / of.warm, 3)
            found.append(Paint(paint.page, paint.size, cold, warm, warm_all))
    return found


def _table(paints: Sequence[Paint], sizes: Sequence[Size], title: str, digits: int) -> Table:
    table = Table(box=MARKDOWN)
    table.add_column(title)
    for size in sizes:
        table.add_column(f"{size} cold", justify="right")
        table.add_column(f"{size} warm", justify="right")
    for name in dict.fromkeys(paint.page for paint in paints):
        found = {paint.size: paint for paint in paints if paint.page == name}
        times = [time for size in sizes for time in (found[size].cold, found[size].warm)]
        table.add_row(name, *(f"{time:.{digits}f}" for time in times))
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Generate the homes, open every page, print the table and write its JSON."""
    known = [*PAGES, FIRST_SCREEN, MLFLOW, OPTUNA]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--sizes", nargs="+", type=Size.of, default=list(SIZES), metavar="TRIALS[xARMS]",
        help="homes, such as 10000 or 10000x40 (default: 1000 10000 10000x40)",
    )  # fmt: skip
    parser.add_argument("--pages", nargs="+", choices=known, default=known)
    parser.add_argument("--repetitions", type=int, default=3, help="warm openings of each page")
    parser.add_argument("--homes", type=Path, help="folder to keep the homes in, made if missing")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    options = parser.parse_args(arguments)
    progress = Console(stderr=True)
    pages = list(options.pages)
    if OPTUNA in pages and find_spec("optuna_dashboard") is None:
        pages.remove(OPTUNA)
        progress.print(f"{OPTUNA} is not installed and not measured (pip install {OPTUNA})")
    paints = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(FLAGS)
        )
        for size in options.sizes:
            folder_name = f"{size.trials}x{size.arms}"
            home = Home.at((options.homes or Path(folder)) / folder_name)
            if not home.path.exists():
                started = time.perf_counter()
                generate(home, size.trials, arms=size.arms)
                progress.print(f"{size}: generated in {time.perf_counter() - started:.0f} s")
            for paint in measured(browser, home, size, pages, options.repetitions):
                paints.append(paint)
                progress.print(f"{size} {paint.page}: {paint.cold} s cold, {paint.warm} s warm")
        browser.close()
    show(paints, options.sizes, Console(width=120))
    if options.output:
        result = {"machine": machine(), "paints": [asdict(paint) for paint in paints]}
        result["ratios"] = [asdict(paint) for paint in ratios(paints)]
        options.output.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
