"""Sequences of one's own, of any lengths: a long table, a `.ts` file or an `.npz` archive.

A preparation is a plain dictionary: the names of the `channels`, and their `mean` and `scale` over
the steps of the training part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lightning_modules.data.columns.cells import origin_of, refuse_unknown, texts_of
from lightning_modules.data.columns.target_columns import TargetColumns, columns_of_array
from lightning_modules.data.preparation.prepared import PARTS, Facts, Prepared
from lightning_modules.data.preparation.summary import DataSummary
from lightning_modules.data.preparation.target_rules import TargetRules
from lightning_modules.data.readers.files import Stamp, file_at, stamp
from lightning_modules.data.readers.memory import require_memory
from lightning_modules.data.readers.series.gaps import SeriesFile, filled
from lightning_modules.data.readers.series.long_table import LongTable
from lightning_modules.data.readers.series.sequence_archive import read_archive
from lightning_modules.data.readers.series.ts_file import read_ts
from lightning_modules.data.readers.series.ucr_files import (
    is_class_first,
    read_arff_series,
    read_class_first,
)
from lightning_modules.data.readers.tables.content import ending_of
from lightning_modules.data.readers.tables.form import FileForm
from lightning_modules.data.readers.tables.read import read_frame
from lightning_modules.data.readers.tables.source import Source
from lightning_modules.data.sets.labelled import Labelled, Shares, divide
from lightning_modules.data.sets.table_settings import listed
from lightning_modules.errors import DataError

if TYPE_CHECKING:
    from lightning_modules.data.tensors import Splits, TensorDataModule

ROLES = ("series", "time")
"""What a column of a long table is; each is the column's own name unless another is given."""

ARCHIVES = (".ts", ".npz", ".arff")
"""The endings of files whose series have no names."""


@dataclass(frozen=True)
class Sequences:
    """What a study file says of sequences, in values that can key a cache."""

    path: str
    series: str | None
    time: str | None
    target: tuple[str, ...]
    """The columns to predict; of a long table `target` where none is named."""
    channels: tuple[str, ...]
    task: str
    label_separator: str | None
    missing_targets: str
    rare_classes: str
    validation: float
    test: float
    split_seed: int
    stratify: bool
    split_column: str | None
    group: str | None
    validation_path: str | None
    test_path: str | None
    standardize: bool
    interpolate: bool | None
    dates: tuple[tuple[str, str], ...]
    form: FileForm

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Sequences:
        """The sequences that the parameters of the row describe."""
        own = ("dates", "form")
        given = {each.name: parameters[each.name] for each in fields(cls) if each.name not in own}
        given["dates"] = tuple(sorted(parameters.get("dates", {}).items()))
        lists = {"target": listed(given["target"] or ()), "channels": tuple(given["channels"])}
        return cls(**{**given, **lists, "form": FileForm.of(parameters)})

    @property
    def rules(self) -> TargetRules:
        """What is said of what there is to predict."""
        return TargetRules.of(self.target or ("target",), vars(self))

    @property
    def apart(self) -> dict[str, str]:
        """The files of parts that have their own."""
        found = {"validation": self.validation_path, "test": self.test_path}
        return {part: path for part, path in found.items() if path is not None}

    @property
    def roles(self) -> dict[str, str]:
        """The column of everything in a long table that is neither a channel nor a target."""
        found = {role: getattr(self, role) or role for role in ROLES}
        dividing = {role: getattr(self, role) for role in ("split_column", "group")}
        return found | {role: name for role, name in dividing.items() if name}


@dataclass(frozen=True)
class Found:
    """What a file holds: the series, each (t, channels), and what is said of them."""

    channels: tuple[str, ...]
    labelled: Labelled


def sequences(
    *, batch_size: int | str, balance: str, augment: Mapping[str, Any] | None, **parameters: Any
) -> TensorDataModule:
    """The sequences that the parameters describe."""
    from lightning_modules.data.tensors import TensorDataModule

    chosen = Sequences.of(parameters)
    paths = (chosen.path, *chosen.apart.values())
    return TensorDataModule(
        "sequences",
        lambda: _splits(chosen, tuple(map(stamp, paths))),
        batch_size,
        augment=augment,
        balance=balance,
    )


def check(**parameters: Any) -> DataSummary:
    """Read the files and prepare them; what they became.

    Raises DataError where they cannot be used.
    """
    chosen = Sequences.of(parameters)
    return prepare(chosen).summary(chosen.path)


def read_new(
    path: str | Path, preparation: Mapping[str, Any], /, **parameters: Any
) -> tuple[Any, ...]:
    """New series, padded, and their lengths, in the order of the file; they need no target."""
    import torch

    chosen = Sequences.of(parameters)
    channels = tuple(preparation["channels"])
    found = _read(chosen, str(path), channels, labelled=False)
    _refuse_other_channels(str(path), found, channels)
    rows = found.labelled.rows
    columns = _padded(rows, preparation, max(map(len, rows)))
    return tuple(torch.from_numpy(column) for column in columns)


def names_new(path: str | Path, /, **parameters: Any) -> dict[str, list[str]]:
    """The column `series`: what a long table calls its series; nothing for the other files."""
    return _names(Sequences.of(parameters), str(path))


def _names(chosen: Sequences, path: str) -> dict[str, list[str]]:
    if _is_archive(chosen, path):
        return {}
    table = _long_table(chosen, path)
    return {"series": [table.names[row] for row in table.first]}


def _long_table(chosen: Sequences, path: str) -> LongTable:
    roles, dates = chosen.roles, dict(chosen.dates)
    form = chosen.form.read_as(path, chosen.path)
    frame = read_frame(path, [roles["series"], *dates], form=form)
    refuse_unknown([("data.dates", name) for name in dates], frame, path)
    return LongTable(frame, roles["series"], roles["time"], path, dates.get(roles["time"]))


def prepare(chosen: Sequences) -> Prepared:
    """Read the files, divide the series, and scale all of them by the training part."""
    main = _read(chosen, chosen.path, chosen.channels)
    apart = {part: _read(chosen, path, main.channels) for part, path in chosen.apart.items()}
    for part, found in apart.items():
        _refuse_other_channels(chosen.apart[part], found, main.channels)
    shares = Shares(chosen.validation, chosen.test, chosen.split_seed, chosen.stratify)
    own = {part: found.labelled for part, found in apart.items()}
    divisions = divide(main.labelled, own, shares, chosen.rules)
    parts, targets = divisions.parts, divisions.targets
    preparation = _fit(parts["train"].rows, main.channels, chosen.standardize)
    longest = max(len(row) for part in PARTS for row in parts[part].rows)
    columns = {
        part: (*_padded(parts[part].rows, preparation, longest), targets[part]) for part in PARTS
    }
    numbers = parts["test"].numbers
    known = _names(chosen, chosen.apart.get("test", chosen.path))
    names: dict[str, list[Any]] = {"row": [number + 1 for number in numbers]}
    names |= {name: [every[number] for number in numbers] for name, every in known.items()}
    facts = Facts(notices=divisions.notes)
    return Prepared(columns, divisions.outputs, preparation, names, lambda: facts)


def _read(chosen: Sequences, path: str, channels: Sequence[str], labelled: bool = True) -> Found:
    """A file by its ending; `channels` of a long table are all that have no other role if none."""
    if not _is_archive(chosen, path):
        return _read_table(chosen, path, channels, labelled)
    for name in ("series", "time", "target", "channels", "split_column", "group"):
        if path == chosen.path and getattr(chosen, name):
            raise DataError(f"{path}: has no columns, but data.{name} names one; leave it out")
    held = _read_archive(chosen, path, labelled)
    called = "array y" if ending_of(path) == ".npz" else "the label"
    columns = columns_of_array(np.array(held.targets), path, called, "series")
    names = tuple(str(number) for number in range(1, held.rows[0].shape[1] + 1))
    return Found(names, Labelled(held.rows, path, columns, notices=held.notices))


def _is_archive(chosen: Sequences, path: str) -> bool:
    """Whether a file has series without names, and no columns."""
    ending = ending_of(path)
    return ending in ARCHIVES or is_class_first(Source(file_at(path), path), ending, chosen.form)


def _read_archive(chosen: Sequences, path: str, labelled: bool) -> SeriesFile:
    ending, source = ending_of(path), Source(file_at(path), path)
    may_miss = chosen.missing_targets == "drop" or not labelled
    interpolate = bool(chosen.interpolate)
    if ending == ".npz":
        rows, targets = read_archive(path, labelled, interpolate, may_miss)
        found, said = filled(rows, True, path, lambda at: f"series {at + 1}")
        return SeriesFile(found, targets, said)
    if ending == ".arff":
        return read_arff_series(source, chosen.form, interpolate, may_miss)
    if ending != ".ts":
        return read_class_first(source, chosen.form, interpolate, may_miss)
    read = read_ts(path, chosen.interpolate, chosen.form.encoding, may_miss)
    if labelled and not read.targets:
        raise DataError(
            f"{path}: its header says neither @classLabel true nor @targetLabel true; give every "
            "series a label and say so"
        )
    return read


def _read_table(chosen: Sequences, path: str, channels: Sequence[str], labelled: bool) -> Found:
    roles, targets = chosen.roles, chosen.rules.columns
    for role, name in [*roles.items(), *(("target", name) for name in targets)]:
        if name in chosen.channels:
            raise DataError(f"{path}: column {name} is both data.{role} and a channel; keep one")
    frame = (table := _long_table(chosen, path)).frame
    free = [str(name) for name in frame.columns if name not in (*roles.values(), *targets)]
    channels = tuple(channels or free)
    if not channels:
        raise DataError(f"{path}: no column is left for a channel; write the values into it")
    for name in channels:
        if name.startswith("Unnamed: "):
            raise DataError(
                f"{path}: a column has no name, as the row numbers that some programs write; name "
                "it, or list the columns of values in channels"
            )
    rows = table.values(channels, bool(chosen.interpolate))
    filled_in: tuple[str, ...] = ()
    if chosen.interpolate:
        called = [table.names[row] for row in table.first]
        rows, filled_in = filled(rows, True, path, lambda at: f"series {called[at]!r}")
    if not labelled:
        return Found(channels, Labelled(rows, path))
    said_of = [table.of_series("data.target", name, may_miss=True) for name in targets]
    said, groups = (
        texts_of(table.of_series(f"data.{role}", roles[role]), path)
        if path == chosen.path and role in roles
        else None
        for role in ("split_column", "group")
    )
    columns = TargetColumns(said_of, path)
    notices = (*origin_of(frame).notices, *filled_in)
    found = Labelled(rows, path, columns, said=said, groups=groups, notices=notices)
    return Found(channels, found)


def _refuse_other_channels(path: str, found: Found, channels: Sequence[str]) -> None:
    if len(found.channels) != len(channels):
        raise DataError(
            f"{path}: has {len(found.channels)} channels, and the training part {len(channels)}; "
            "give it the same"
        )


def _fit(rows: Sequence[Any], channels: Sequence[str], standardize: bool) -> dict[str, Any]:
    mean, scale = np.zeros(len(channels)), np.ones(len(channels))
    if standardize:
        steps = np.concatenate(rows)
        mean, deviation = steps.mean(0), steps.std(0)
        scale = np.where(deviation > 0, deviation, 1.0)
    return {"channels": list(channels), "mean": mean.tolist(), "scale": scale.tolist()}


def _padded(rows: Sequence[Any], preparation: Mapping[str, Any], longest: int) -> tuple[Any, Any]:
    """Inputs (n, longest, channels), float32, 0 beyond the end of a series, and lengths (n,)."""
    mean, scale = (np.array(preparation[name]) for name in ("mean", "scale"))
    what = f"data: {len(rows):,} series, as long as the longest ({longest:,} steps),"
    require_memory(what, 4 * len(rows) * longest * len(mean))
    inputs = np.zeros((len(rows), longest, len(mean)), np.float32)
    for padded, row in zip(inputs, rows, strict=True):
        padded[: len(row)] = (row - mean) / scale
    return inputs, np.array([len(row) for row in rows], np.int64)


@lru_cache(maxsize=4)
def _splits(chosen: Sequences, stamps: tuple[Stamp, ...]) -> Splits:
    return prepare(chosen).splits()
