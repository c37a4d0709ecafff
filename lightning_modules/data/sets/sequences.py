"""Sequences of one's own, of any lengths: a long table, a `.ts` file or an `.npz` archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lightning_modules.data.columns.cells import origin_of, refuse_unknown, texts_of
from lightning_modules.data.columns.target_columns import TargetColumns, columns_of_array
from lightning_modules.data.preparation.prepared import PARTS, Facts, Prepared
from lightning_modules.data.preparation.summary import DataSummary
from lightning_modules.data.readers.files import Stamp, file_at, stamp
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
from lightning_modules.data.readers.tables.read import read_frame
from lightning_modules.data.readers.tables.source import Source
from lightning_modules.data.sets.labelled import Labelled, Shares, divide
from lightning_modules.data.sets.sequence_settings import Sequences
from lightning_modules.data.sets.series_inputs import (
    SIGNAL,
    fit_series,
    inputs_of,
    length_notices,
    refuse_other_lengths,
)
from lightning_modules.errors import DataError

if TYPE_CHECKING:
    from lightning_modules.data.tensors import Splits, TensorDataModule

ARCHIVES = (".ts", ".npz", ".arff")
"""The endings of files whose series have no names."""


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
    if "steps" in preparation:
        refuse_other_lengths(rows, preparation["steps"], str(path))
    columns = inputs_of({"new": rows}, preparation)["new"]
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
    if chosen.kind == SIGNAL:
        steps = len(main.labelled.rows[0])
        for found in (main, *apart.values()):
            refuse_other_lengths(found.labelled.rows, steps, found.labelled.where)
    shares = Shares(chosen.validation, chosen.test, chosen.split_seed, chosen.stratify)
    own = {part: found.labelled for part, found in apart.items()}
    divisions = divide(main.labelled, own, shares, chosen.rules)
    parts, targets = divisions.parts, divisions.targets
    preparation = fit_series(chosen.kind, parts["train"].rows, main.channels, chosen.standardize)
    rows = {part: parts[part].rows for part in PARTS}
    inputs = inputs_of(rows, preparation)
    columns = {part: (*inputs[part], targets[part]) for part in PARTS}
    numbers = parts["test"].numbers
    known = _names(chosen, chosen.apart.get("test", chosen.path))
    names: dict[str, list[Any]] = {"row": [number + 1 for number in numbers]}
    names |= {name: [every[number] for number in numbers] for name, every in known.items()}
    facts = Facts(notices=[*divisions.notes, *length_notices(chosen.kind, rows)])
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


@lru_cache(maxsize=4)
def _splits(chosen: Sequences, stamps: tuple[Stamp, ...]) -> Splits:
    return prepare(chosen).splits()
