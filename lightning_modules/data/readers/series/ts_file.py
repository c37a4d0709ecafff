"""The `.ts` files of the UCR/UEA archive: a header of `@` lines, then a series per line.

A series is its channels separated by `:`, each a list of values separated by commas, and its label
or value at the end; with timestamps every value is `(time,value)`. A value that is missing is
`?` or `NaN`. Series may differ in length. Format: timeseriesclassification.com.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from lightning_modules.components import suggestion
from lightning_modules.data.columns.cells import LARGEST
from lightning_modules.data.columns.mistakes import Mistakes
from lightning_modules.data.readers.files import file_at
from lightning_modules.data.readers.memory import require_memory
from lightning_modules.data.readers.series.gaps import Floats, SeriesFile, filled, without_padding
from lightning_modules.data.readers.tables.encoding import encoding_of
from lightning_modules.data.readers.tables.source import Source
from lightning_modules.errors import DataError

HEADER = (
    "@problemname", "@timestamps", "@missing", "@univariate", "@dimension", "@dimensions",
    "@equallength", "@serieslength", "@classlabel", "@targetlabel", "@data",
)  # fmt: skip
MAX_CHANNELS = 10_000
"""Of a series; the archive has at most 1,345."""
PER_CHANNEL, PER_VALUE, PER_WORD = 200, 8, 64
"""Bytes of memory: of an array of its own, of a number in it, and of the text of one at work."""
MISSING = ("?", "nan")
TIMED = re.compile(r"\(([^()]*),([^(),]*)\)")
"""A value with its time."""
BETWEEN = re.compile(r":(?![^(]*\))")
"""A colon that is not within a timestamp."""
Header = Mapping[str, list[str]]


def read_ts(
    path: str,
    interpolate: bool | None = None,
    encoding: str | None = None,
    may_miss: bool = False,
) -> SeriesFile:
    """Every series (t, channels), and the text of every target; no texts where there are none.

    `interpolate` is whether missing values are filled in; None where the header decides. Targets
    that are missing are empty texts, where they `may_miss`. Raises DataError that names every line
    which cannot be used.
    """
    lines = _lines(path, encoding)
    header = _header(path, lines)
    rows: list[Floats] = []
    targets: list[str] = []
    numbers: list[int] = []
    mistakes = Mistakes()
    for number, line in lines:
        with mistakes.gathered():
            where = f"{path}: line {number}"
            row, label = _row(line, header, where, may_miss)
            if rows and row.shape[1] != rows[0].shape[1]:
                raise DataError(
                    f"{where}: has {row.shape[1]} channels, and the first series "
                    f"{rows[0].shape[1]}; give each as many"
                )
            rows.append(row)
            numbers.append(number)
            targets += [label] if label is not None else []
    mistakes.refuse()
    if not rows:
        raise DataError(f"{path}: has no series below @data; write one per line")
    allowed = _says(header, "@missing") if interpolate is None else interpolate
    found, said = filled(rows, allowed, path, lambda at: f"line {numbers[at]}")
    timed = "timestamps order the steps, and how far apart they are is not seen"
    return SeriesFile(found, targets, ((timed,) if _says(header, "@timestamps") else ()) + said)


def _says(header: Header, key: str) -> bool:
    return header.get(key, ["false"])[0] == "true"


def _row(line: str, header: Header, where: str, may_miss: bool) -> tuple[Floats, str | None]:
    """The series of a line, and its label where the header says that it has one."""
    if line.count(":") > MAX_CHANNELS and not _says(header, "@timestamps"):
        raise DataError(f"{where}: has more than {MAX_CHANNELS:,} channels; remove some")
    timed = _says(header, "@timestamps")
    channels = BETWEEN.split(line) if timed else line.split(":")
    label = None
    if _says(header, "@classlabel") or _says(header, "@targetlabel"):
        label = channels.pop().strip()
        allowed = header.get("@classlabel", [])[1:]
        if label.lower() in ("", "?", "nan"):
            label = ""
            if not may_miss:
                raise DataError(
                    f"{where}: has no label at its end; write one, or write missing_targets: "
                    "drop, which leaves such series out"
                )
        elif allowed and label.lower() not in allowed:
            raise DataError(
                f"{where}: label {label!r} is none of @classLabel ({', '.join(allowed)}); "
                "correct one of them"
            )
    if not channels:
        raise DataError(f"{where}: has no channel before its label; write values, a colon, a label")
    row = _timed(channels, where) if timed else _series(channels, where)
    row = without_padding(row)
    if not len(row):
        raise DataError(f"{where}: has no value; remove the line")
    return row, label


def _lines(path: str, encoding: str | None) -> Iterator[tuple[int, str]]:
    """Numbered lines with something on them that is no comment."""
    file = file_at(path)
    source = Source(file, path)
    require_memory(f"{path}: its series", file.stat().st_size * 8)
    require_memory(f"{path}: its series", _size(source))
    with source.text(encoding_of(source, encoding)[0]) as opened:
        for number, line in enumerate(opened, start=1):
            if (text := line.strip()) and not text.startswith(("#", "%")):
                yield number, text


def _size(source: Source) -> int:
    """Bytes of memory that reading takes at most: of all arrays, and of the line at work."""
    kept = at_work = 0
    with source.opened() as opened:
        for line in opened:
            channels = 1 + line.count(b":")
            values = channels + line.count(b",")
            kept += PER_CHANNEL * channels + PER_VALUE * values
            at_work = max(at_work, PER_WORD * values)
    return kept + at_work


def _header(path: str, lines: Iterator[tuple[int, str]]) -> dict[str, list[str]]:
    """The words after every header line up to `@data`, in lower case."""
    found: dict[str, list[str]] = {}
    for number, line in lines:
        key, *words = line.lower().split()
        if key not in HEADER:
            hint = suggestion(key, HEADER) or "; a .ts file begins with lines such as @data"
            raise DataError(f"{path}: line {number}: {key[:40]!r} is no header line{hint}")
        found[key] = words or [""]
        if key == "@data":
            return found
    raise DataError(f"{path}: has no line @data; write it above the series")


def _series(channels: list[str], where: str) -> Floats:
    read = [_channel(text, f"{where}: channel {at}") for at, text in enumerate(channels, start=1)]
    _refuse_lengths(read, where)
    return np.stack(read, axis=1)


def _refuse_lengths(channels: list[Floats], where: str) -> None:
    for at, values in enumerate(channels, start=1):
        if len(values) != len(channels[0]):
            raise DataError(
                f"{where}: channel {at} has {len(values)} values, and channel 1 "
                f"{len(channels[0])}; the channels of a series are equally long"
            )


def _timed(channels: list[str], where: str) -> Floats:
    """The channels in the order of their times, which are the same in all of them."""
    values, times = [], []
    for at, text in enumerate(channels, start=1):
        pairs = TIMED.findall(text)
        if not pairs or TIMED.sub("", text).strip(", "):
            raise DataError(
                f"{where}: channel {at} is no list such as (time,value),(time,value); write it so"
            )
        values.append(_channel(",".join(value for _, value in pairs), f"{where}: channel {at}"))
        times.append([time.strip() for time, _ in pairs])
    _refuse_lengths(values, where)
    for at, other in enumerate(times, start=1):
        if other != times[0]:
            raise DataError(f"{where}: channel {at} has other times than channel 1; align them")
    stacked: Floats = np.stack(values, axis=1)[_order(times[0], where)]
    return stacked


def _order(times: list[str], where: str) -> Any:
    """The places of the steps in the order of their times, numbers or dates."""
    found: Any = pd.to_numeric(pd.Series(times), errors="coerce")
    if found.isna().any():
        found = pd.to_datetime(pd.Series(times), format="ISO8601", errors="coerce")
    wrong = np.flatnonzero(found.isna())
    if len(wrong):
        raise DataError(
            f"{where}: {times[wrong[0]]!r} is neither a number nor a time such as 2024-03-31 10:00"
        )
    order: Any = np.argsort(found.to_numpy(), kind="stable")
    return order


def _channel(text: str, where: str) -> Floats:
    """The values of a channel, NaN where they are missing."""
    if not text.strip():
        raise DataError(f"{where}: is empty; write values or remove the line")
    words = text.split(",")
    try:
        values = np.array(words, dtype=np.float64)
    except ValueError:
        values = np.array([_number(word) for word in words])
    for at in np.flatnonzero(~(np.abs(values) <= LARGEST)):
        if words[at].strip().lower() not in MISSING:
            raise DataError(
                f"{where}, value {at + 1}: {words[at].strip()!r} is no finite number; correct it, "
                "or write ? where it is missing"
            )
    return values


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return float("nan")
