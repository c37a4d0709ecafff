"""For a Python training that fairtune runs as a program: `from fairtune.program import report`.

It imports nothing but Python's own modules, and a script that runs by itself reports to nobody.
"""

import json
import os
import sys
from collections.abc import Mapping

TRIAL = "FAIRTUNE_TRIAL"
"""Names its trial to a program; one that runs by itself has none."""


def report(epoch: int, metrics: Mapping[str, float] | None = None, /, **named: float) -> bool:
    """Tell fairtune an epoch, counted from 1, and its metrics; False asks the program to end.

    `_` in a keyword after val, train or test becomes `/`: `val_accuracy=0.9` is `val/accuracy`.
    """
    if TRIAL not in os.environ:
        return True
    _say({"epoch": epoch, "metrics": _numbers(metrics, named)})
    return sys.stdin.readline().strip() != "stop"


def report_test(metrics: Mapping[str, float] | None = None, /, **named: float) -> None:
    """Tell fairtune the metrics of the test part, before the program ends."""
    if TRIAL in os.environ:
        _say({"test": _numbers(metrics, named)})


def metric_name(keyword: str) -> str:
    """`val_accuracy` as the name of a metric: `val/accuracy`."""
    part, _, rest = keyword.partition("_")
    return f"{part}/{rest}" if rest and part in ("train", "val", "test") else keyword


def _numbers(metrics: Mapping[str, float] | None, named: Mapping[str, float]) -> dict[str, float]:
    together = {**(metrics or {}), **{metric_name(key): named[key] for key in named}}
    return {name: float(value) for name, value in together.items()}


def _say(said: object) -> None:
    print(json.dumps(said), file=sys.__stdout__, flush=True)  # wherever the script prints to
