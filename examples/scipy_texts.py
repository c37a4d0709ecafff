"""A small text set that every installation has: what SciPy says of its functions, in one sentence.

    python examples/scipy_texts.py texts.csv

Its label is the part of SciPy that the function belongs to; at most 60 sentences of each.
"""

from __future__ import annotations

import csv
import importlib
import inspect
import sys
from pathlib import Path

PARTS = ("interpolate", "linalg", "ndimage", "optimize", "signal", "sparse", "stats")
MOST = 60


def sentences(part: str) -> list[str]:
    """The first lines of the documentation, in the order of the functions' names."""
    module = importlib.import_module(f"scipy.{part}")
    found = []
    for name in sorted(module.__all__):
        one = getattr(module, name)
        text = inspect.getdoc(one) if callable(one) else None
        lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
        if lines and lines[0].endswith(".") and len(lines[0].split()) > 3:
            found.append(lines[0])
    return list(dict.fromkeys(found))[:MOST]


def main(target: str) -> None:
    with Path(target).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "part"])
        writer.writerows((text, part) for part in PARTS for text in sentences(part))


if __name__ == "__main__":
    main(*sys.argv[1:])
