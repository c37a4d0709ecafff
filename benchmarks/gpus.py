"""Trials per hour on a GPU: in float32 and bf16, with one and with four workers on each GPU.

    python benchmarks/gpus.py --trials 12 --output gpus.json

Runs a small network (the preset cnn-digits) and a large one (a resnet18, digits enlarged to 128
pixels) by whole `fairtune run` processes, every way in a fresh home: the same random draws, none of
them pruned. The clock of the trials lasts from the start of the first one to the end of the last
one; memory and utilization are what the record says of the trials. Without a GPU nothing is run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from machine import machine

from studies.devices import discovery
from studies.devices.measuring import GPU_MEMORY, GPU_UTILIZATION
from studies.home import Home
from studies.records import Outcome, Trial
from studies.results import load_results, memory_text

FAIRTUNE = Path(sys.executable).with_name("fairtune")
RESNET = """\
study: gpu-resnet18
description: How fast do trials of a large network follow one another?
data: digits
model: {name: resnet18, image_size: 128}
optimizer: {name: adam, lr: {min: 1e-4, max: 1e-2, log: true}}
schedule: cosine
trainer: {epochs: 8}
search: {method: random, trials: 12}
"""
STUDIES = ("cnn-digits", "gpu-resnet18")
PRECISIONS = ("32", "bf16")
PER_GPU = (1, 4)
NO_GPU = 2


@dataclass(frozen=True)
class Measured:
    """What a run of a study took."""

    study: str
    precision: str
    per_gpu: int
    trials: int
    """Those that completed."""
    hours: float
    """From the start of the first trial to the end of the last one."""
    utilization: float | None
    """The mean of the trials' in per cent; None where nobody knows it."""
    memory: float | None
    """The largest peak of a trial on its GPU, in MiB."""


def command(study: str, precision: str, per_gpu: int, trials: int, home: Path) -> list[str]:
    """The command of one way; a study that is no preset is a file beside the home."""
    file = study if study == "cnn-digits" else str(home.parent / f"{study}.yaml")
    overrides = (
        "search.method=random", "search.pruner=none", f"search.trials={trials}",
        "trainer.accelerator=gpu", f"trainer.precision={precision}",
    )  # fmt: skip
    return [
        str(FAIRTUNE), "run", file, "--home", str(home), "--per-gpu", str(per_gpu), "--quiet",
        *(word for each in overrides for word in ("--set", each)),
    ]  # fmt: skip


def measured(study: str, precision: str, per_gpu: int, trials: Sequence[Trial]) -> Measured:
    """What the trials of a run took."""
    done = [trial for trial in trials if trial.outcome == Outcome.completed]
    starts = [trial.started for trial in trials if trial.started]
    ends = [trial.ended for trial in trials if trial.ended]
    if not done or not starts or not ends:
        raise SystemExit(f"{study} with precision {precision}: no trial completed")
    busy = [trial.system[GPU_UTILIZATION] for trial in done if GPU_UTILIZATION in trial.system]
    held = [trial.system[GPU_MEMORY] for trial in done if GPU_MEMORY in trial.system]
    return Measured(
        study,
        precision,
        per_gpu,
        len(done),
        (max(ends) - min(starts)) / timedelta(hours=1),
        fmean(busy) if busy else None,
        max(held, default=None),
    )


def run(study: str, precision: str, per_gpu: int, trials: int) -> Measured:
    """Run a study in a fresh home."""
    with TemporaryDirectory(prefix="gpus-") as folder:
        home = Path(folder) / "home"
        (Path(folder) / "gpu-resnet18.yaml").write_text(RESNET)
        words = command(study, precision, per_gpu, trials, home)
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            tail = "\n".join((done.stderr or done.stdout).splitlines()[-20:])
            raise SystemExit(f"{' '.join(words)} ended with code {done.returncode}:\n{tail}")
        return measured(study, precision, per_gpu, load_results(Home.at(home), study).ended)


def table(rows: Sequence[Measured]) -> str:
    """The rows as Markdown."""
    lines = [
        "| study | precision | workers per GPU | trials per hour | GPU busy | peak of a trial |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for row in rows:
        busy = "unknown" if row.utilization is None else f"{row.utilization:.0f} %"
        peak = "unknown" if row.memory is None else memory_text(row.memory)
        cells = [row.study, row.precision, str(row.per_gpu), f"{row.trials / row.hours:.0f}"]
        lines.append(f"| {' | '.join([*cells, busy, peak])} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=12, metavar="N", help="of each (default 12)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write JSON here")
    options = parser.parse_args(arguments)
    if options.trials < 1:
        parser.error(f"--trials must be at least 1, got {options.trials}")
    gpus = discovery.gpus()
    if not gpus:
        print("there is no GPU that PyTorch can use here: run this on a machine with one")
        return NO_GPU
    rows: list[Measured] = []
    for way in product(STUDIES, PRECISIONS, PER_GPU):
        print(*way, file=sys.stderr, flush=True)
        rows.append(run(*way, options.trials))
    about = machine()
    counts = Counter(gpu.kind for gpu in gpus)
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    print(f"{table(rows)}\n\n{kinds}; {about['cores']} cores; {versions}.")
    if options.output:
        result = {"benchmark": "gpus", "gpus": [asdict(gpu) for gpu in gpus], "machine": about}
        result["rows"] = [asdict(row) for row in rows]
        options.output.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
