"""What data became: rows of the parts, columns by kind, classes, and what looks odd about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

import numpy as np

KINDS = {"numbers": "numbers", "category": "categories", "dates": "dates", "text": "texts",
         "id": "ids"}  # fmt: skip
"""The kinds of columns, and what several of them are called."""
SHOWN = 8
"""Names that are shown of a kind."""
CLASSES = 12
"""Classes that are shown."""
DIVIDED = (
    "a row may have several labels, so that rows are not stratified: the parts have other shares "
    "of each"
)
CHUNK = 1024
"""Rows that are compared at a time."""
AMBIGUOUS = 0.05
"""The share of rows alike with other targets from which on rows are equal by chance."""


@dataclass(frozen=True)
class ColumnSummary:
    """A column of a file, over all of its rows."""

    name: str
    kind: str
    """One of `KINDS`."""
    levels: int
    """Different values, a missing one left out."""
    missing: int
    """Rows without a value."""

    @property
    def constant(self) -> bool:
        """Whether it is the same in every row."""
        return self.levels + bool(self.missing) == 1


@dataclass(frozen=True)
class DataSummary:
    """What a data set became, in plain values."""

    name: str
    """The file, or the name of the set."""
    outputs: int
    """Classes, or values to predict."""
    rows: Mapping[str, int]
    """By part."""
    shape: Sequence[int]
    """Of the inputs of one row."""
    megabytes: float
    """Of all inputs in memory."""
    classes: Mapping[str, Sequence[int]]
    """The rows of every class or label, by its name: of train, validation and test; empty where
    values are predicted."""
    columns: Sequence[ColumnSummary] = ()
    notices: Sequence[str] = ()
    """What was recognized, a sentence each."""
    warnings: Sequence[str] = ()
    values: Sequence[str] = ()
    """The names of the values to predict, where there are several."""
    several: bool = False
    """Whether a row may have several labels."""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> DataSummary:
        """The summary that `as_values` wrote."""
        return cls(**{**values, "columns": [ColumnSummary(**each) for each in values["columns"]]})

    def as_values(self) -> dict[str, Any]:
        """In dictionaries, lists, texts and numbers."""
        return asdict(self)


def summarize(
    name: str,
    parts: Mapping[str, Sequence[Any]],
    outputs: int,
    classes: Sequence[str],
    *,
    columns: Sequence[ColumnSummary] = (),
    notices: Sequence[str] = (),
    warnings: Sequence[str] = (),
    values: Sequence[str] = (),
) -> DataSummary:
    """The summary of parts that are ready to be learned: inputs first, targets last.

    Targets are class numbers (n,), or values (n, k), or labels (n, k) where there are `classes`;
    inputs are arrays, or have a shape alone.
    """
    targets = {part: np.asarray(each[-1]) for part, each in parts.items()}
    numbered = all(each.ndim == 1 and each.dtype.kind in "iu" for each in targets.values())
    several = bool(classes) and not numbered
    counts: dict[str, list[int]] = {}
    if numbered:
        names = classes or [str(place) for place in range(outputs)]
        found = [np.bincount(each, minlength=outputs).tolist() for each in targets.values()]
        counts = {each: list(rows) for each, *rows in zip(names, *found, strict=True)}
    if several:
        found = [each.sum(0).astype(int).tolist() for each in targets.values()]
        counts = {each: list(rows) for each, *rows in zip(classes, *found, strict=True)}
        notices = [*notices, DIVIDED]
        warnings = [*warnings, *_unlearned(counts)]
    shape = tuple(int(side) for side in parts["train"][0].shape[1:])
    rows = {part: len(each) for part, each in targets.items()}
    return DataSummary(
        name=name,
        outputs=outputs,
        rows=rows,
        shape=shape,
        megabytes=round(sum(rows.values()) * prod(shape) * 4 / 1e6, 3),
        classes=counts,
        columns=tuple(columns),
        notices=tuple(notices),
        warnings=(
            *warnings,
            *_classes_alike({name: sum(each) for name, each in counts.items()}),
            *_shared_rows(parts),
        ),
        values=tuple(values),
        several=several,
    )


def summary_lines(summary: DataSummary) -> list[str]:
    """The summary in about ten lines; a line for each warning at the end."""
    parts = ", ".join(f"{count:,} {part}" for part, count in summary.rows.items())
    shape = " × ".join(map(str, summary.shape))
    lines = [f"data {summary.name}: {sum(summary.rows.values()):,} rows ({parts})"]
    if summary.shape:
        lines.append(f"  inputs: {shape} numbers a row, {summary.megabytes:.3g} MB in memory")
    for kind, several in KINDS.items():
        found = [column for column in summary.columns if column.kind == kind]
        if found:
            lines.append(f"  {several}: {len(found)} ({_names(found, kind == 'category')})")
    for what, chosen in (
        ("missing", [f"{c.name} {c.missing:,}" for c in summary.columns if c.missing]),
        ("constant", [c.name for c in summary.columns if c.constant]),
    ):
        if chosen:
            lines.append(f"  {what}: {_listed(chosen, SHOWN)}")
    if summary.classes:
        total = sum(summary.rows.values())
        each = [f"{name} {sum(rows):,} ({sum(rows) / total:.1%})"
                for name, rows in summary.classes.items()]  # fmt: skip
        lines.append(f"  {'labels' if summary.several else 'classes'}: {_listed(each, CLASSES)}")
    if summary.values:
        said = "each is learned on a scale of its own"
        lines.append(f"  values: {_listed(summary.values, SHOWN)}; {said}")
    lines += [f"  {notice}" for notice in summary.notices]
    return lines + [f"  warning: {warning}" for warning in summary.warnings]


def _names(columns: Sequence[ColumnSummary], with_levels: bool) -> str:
    names = [f"{c.name}: {c.levels} levels" if with_levels else c.name for c in columns]
    return _listed(names, SHOWN)


def _listed(names: Sequence[str], most: int) -> str:
    more = [f"and {len(names) - most} more"] if len(names) > most else []
    return ", ".join([*names[:most], *more])


def _classes_alike(counts: Mapping[str, int]) -> list[str]:
    """A sentence for classes whose names differ in case or spaces alone."""
    alike: dict[str, list[str]] = {}
    for name in counts:
        alike.setdefault("".join(name.split()).casefold(), []).append(name)
    return [
        "the classes "
        + " and ".join(f"{name!r} ({counts[name]:,} rows)" for name in several)
        + " differ in case or spaces alone; write them alike where they are one"
        for several in alike.values()
        if len(several) > 1
    ]


def _unlearned(counts: Mapping[str, Sequence[int]]) -> list[str]:
    """A sentence for labels that no row of the training part has."""
    lost = [name for name, (trained, *_) in counts.items() if not trained]
    if not lost:
        return []
    return [
        f"no row of the training part has the label {_listed(lost, SHOWN)}, which nothing can "
        "learn; divide the rows otherwise, or leave it out"
    ]


def _shared_rows(parts: Mapping[str, Sequence[Any]]) -> list[str]:
    """A sentence for every part with rows that stand in the training part as well, target included.

    Inputs are compared as the network sees them, to three decimals. Where rows alike often have
    other targets, few rows are possible, and those of two parts are equal by chance.
    """
    if not all(isinstance(each[0], np.ndarray) and each[0].ndim > 1 for each in parts.values()):
        return []
    keys = {part: _keys(each[0], each[-1]) for part, each in parts.items()}
    if _are_ambiguous(_keys(parts["train"][0]), keys["train"]):
        return []
    found = []
    for part in [name for name in keys if name != "train"]:
        shared = int(np.isin(keys[part], keys["train"]).sum())
        if shared:
            found.append(
                f"{shared:,} of {len(keys[part]):,} rows of the {part} part stand in the training "
                "part too, so that the part measures memory as well; remove what stands twice, or "
                "keep it together with group or split_column"
            )
    return found


def _are_ambiguous(inputs: Any, rows: Any) -> bool:
    """Whether many of the rows whose inputs stand twice have other targets there; both (n,) are
    what `_keys` gives."""
    _, place, count = np.unique(inputs, return_inverse=True, return_counts=True)
    _, place_of_row, same = np.unique(rows, return_inverse=True, return_counts=True)
    twice = count[place] > 1
    other = same[place_of_row] < count[place]
    return bool(other.sum() > AMBIGUOUS * twice.sum())


def _keys(rows: Any, targets: Any = None) -> Any:
    """A number for every row that equal rows with equal targets share; of inputs alone without."""
    flat = rows.reshape(len(rows), -1)
    keys: list[int] = []
    for start in range(0, len(flat), CHUNK):
        some = np.round(flat[start : start + CHUNK].astype(np.float64), 3) + 0.0  # -0 is 0
        answers = np.zeros(len(some)) if targets is None else targets[start : start + CHUNK]
        keys += [
            hash(each.tobytes() + answer.tobytes())
            for each, answer in zip(some, answers, strict=True)
        ]
    return np.array(keys, dtype=np.int64)
