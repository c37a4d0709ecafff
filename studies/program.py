"""For a Python training that fairtune runs as a program: `from studies.program import report`."""

import json
import sys


def report(epoch: int, **metrics: float) -> bool:
    """Tell fairtune an epoch, counted from 1, and its metrics; False asks the program to end.

    `_` in a name after val, train or test becomes `/`: `val_accuracy=0.9` is `val/accuracy`.
    """
    named = {_name(name): float(value) for name, value in metrics.items()}
    print(json.dumps({"epoch": epoch, "metrics": named}), flush=True)
    return sys.stdin.readline().strip() != "stop"


def _name(keyword: str) -> str:
    part, _, rest = keyword.partition("_")
    return f"{part}/{rest}" if rest and part in ("train", "val", "test") else keyword
