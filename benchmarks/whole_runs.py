"""A study as a whole, by a script of this folder or by `fairtune run`: its seconds and its result.

Each has a fresh process in a fresh folder, and prints a JSON object on its last line. The tuning
phase lasts from the start of the first trial to the end of the last one.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import raw_loop

from studies.home import Home
from studies.records import RecordReader
from studies.records.deliveries import is_behind

HERE = Path(__file__).parent
FAIRTUNE = Path(sys.executable).with_name("fairtune")
FIXED = f"""\
study: overhead
description: The same twelve trainings as raw_loop.py and todays_script.py
data: {{name: digits, batch_size: {raw_loop.BATCH_SIZE}}}
model: {{name: mlp, hidden: {list(raw_loop.HIDDEN)}, activation: relu}}
optimizer: {{name: adam, lr: {{values: {raw_loop.LEARNING_RATES}}}}}
trainer: {{epochs: {raw_loop.EPOCHS}, accelerator: cpu}}
objective: {{metric: val/accuracy, goal: maximize}}
search: {{method: grid}}
"""
TRIALS = len(raw_loop.LEARNING_RATES)
TRIAL_EPOCHS = TRIALS * raw_loop.EPOCHS


@dataclass(frozen=True)
class Timing:
    """Seconds of one execution, and what was done in them."""

    tuning: float
    process: float
    best: float
    trials: int
    epochs: int


def run_script(
    folder: Path, name: str, *options: str, environment: Mapping[str, str] | None = None
) -> Timing:
    """Execute a script of this folder in `folder`."""
    command = [sys.executable, str(HERE / name), *options]
    report, seconds = execute(command, folder, environment)
    return Timing(
        report["tuning_seconds"], seconds, report["best"], report["trials"], report["epochs"]
    )


def run_fairtune(
    folder: Path, study: str, *options: str, environment: Mapping[str, str] | None = None
) -> Timing:
    """Execute `fairtune run` on the text of a study file, with a home in `folder`."""
    if not FAIRTUNE.exists():
        raise SystemExit(f"{FAIRTUNE} does not exist; install fairtune, or choose other --ways")
    file, place = folder / "study.yaml", folder / "home"
    file.write_text(study)
    command = [str(FAIRTUNE), "run", str(file), "--home", str(place), "--json", *options]
    report, seconds = execute(command, folder, environment)
    home = Home.at(place)
    check_mirrors(home, report["study"])
    return Timing(
        tuning_phase(home.record(report["study"])),
        seconds,
        report["best"]["value"],
        sum(report["trials"].get(outcome, 0) for outcome in ("completed", "pruned")),
        report["epochs"],
    )


def execute(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], float]:
    """The JSON object on the last line of a command's output, and the seconds that it took."""
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("FAIRTUNE_", "MLFLOW_"))
    }
    inherited["MLFLOW_DISABLE_TELEMETRY"] = "true"
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=inherited | dict(environment or {}), capture_output=True, text=True
    )
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        tail = "\n".join((done.stderr or done.stdout).splitlines()[-20:])
        raise SystemExit(f"{' '.join(command)} ended with code {done.returncode}:\n{tail}")
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report, seconds


def check_fixed(name: str, timing: Timing) -> None:
    """Refuse a time that was not spent on all of the twelve trainings."""
    if (timing.trials, timing.epochs) != (TRIALS, TRIAL_EPOCHS):
        raise SystemExit(
            f"{name} completed {timing.trials} trials with {timing.epochs} epochs, "
            f"expected {TRIALS} with {TRIAL_EPOCHS}"
        )


def check_mirrors(home: Home, study: str) -> None:
    """Refuse a time that leaves something to deliver."""
    with RecordReader.open(home, study) as record:
        revision = record.revision
    if is_behind(home, study, revision):
        raise SystemExit(f"fairtune ended before its mirrors were complete: {home.path}")


def tuning_phase(record: Path) -> float:
    """Seconds from the start of a study's first trial to the end of its last one."""
    connection = sqlite3.connect(f"file:{record}?mode=ro", uri=True)
    try:
        query = "SELECT max(ended) - min(started) FROM attempts"
        (milliseconds,) = connection.execute(query).fetchone()
    finally:
        connection.close()
    return float(milliseconds) / 1000
