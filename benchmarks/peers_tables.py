"""What `peers.py` has measured, as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from peers_records import Records
from rounds import ratios, spread
from whole_runs import Timing

RATIOS = [
    ("raw", "fairtune-2"),
    ("today", "fairtune-1"),
    ("today", "fairtune-2"),
    ("today-2", "fairtune-2"),
    ("ray", "fairtune-2"),
    ("ray-mlflow", "fairtune-2"),
    ("ray-default", "fairtune-2"),
    ("ray", "fairtune-ray"),
    ("ray-mlflow", "fairtune-ray"),
]


@dataclass(frozen=True)
class Measured:
    """A way: its rounds, and what the last of them recorded."""

    label: str
    timings: Sequence[Timing]
    records: Records

    @property
    def tuning(self) -> list[float]:
        """Seconds of the tuning phase per epoch."""
        return [each.tuning / each.epochs for each in self.timings]

    @property
    def process(self) -> list[float]:
        """Seconds of the whole process per epoch."""
        return [each.process / each.epochs for each in self.timings]


def times_table(measured: Mapping[str, Measured]) -> list[str]:
    """Seconds, trials, epochs and accuracy: medians, with the smallest and the largest."""
    rows = [
        (
            way.label,
            spread([each.tuning for each in way.timings]),
            spread([each.process for each in way.timings]),
            whole([each.trials for each in way.timings]),
            whole([each.epochs for each in way.timings]),
            f"{median(each.best for each in way.timings):.3f}",
        )
        for way in measured.values()
    ]
    return table(("way", "tuning, s", "whole process, s", "trials", "epochs", "accuracy"), rows)


def ratios_table(measured: Mapping[str, Measured]) -> list[str]:
    """Ratios of seconds per epoch: medians of the rounds', with the smallest and the largest."""
    rows = [
        (
            f"{measured[a].label} / {measured[b].label}",
            spread(ratios(measured[a].tuning, measured[b].tuning), digits=2),
            spread(ratios(measured[a].process, measured[b].process), digits=2),
        )
        for a, b in RATIOS
        if {a, b} <= set(measured)
    ]
    return table(("ratio", "tuning", "whole process"), rows)


def records_table(measured: Mapping[str, Measured]) -> list[str]:
    """What the last round of every way has written."""
    rows = []
    for way in measured.values():
        found, own = way.records, way.records.own
        kept = f"{own.kept_by}: {own.trials} trials, {own.epochs} epochs" if own.kept_by else "none"
        numbers = (found.runs, found.parameters, found.points, found.checkpoints)
        rows.append((way.label, *map(str, numbers), kept, own.continues))
    head = ("way", "MLflow runs", "parameters", "points", "checkpoints", "own record", "resumes")
    return table(head, rows, texts=2)


def whole(values: Sequence[int]) -> str:
    """A number, or from the smallest to the largest."""
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low}-{high}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 0) -> list[str]:
    """A Markdown table, if there are rows; the first column and the last `texts` ones are text."""
    if not rows:
        return []
    numbers = len(head) - 1 - texts
    rules = ["---", *["--:"] * numbers, *["---"] * texts]
    return [f"| {' | '.join(cells)} |" for cells in (head, rules, *rows)]
