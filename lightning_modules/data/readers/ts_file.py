"""The `.ts` files of the UCR/UEA archive: a header of `@` lines, then a series per line.

A series is its channels separated by `:`, each a list of values separated by commas, and its label
or value at the end. Series may differ in length. Format: timeseriesclassification.com.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lightning_modules.components import suggestion
from lightning_modules.data.columns.cells import LARGEST
from lightning_modules.data.readers.files import file_at
from lightning_modules.data.readers.memory import require_memory
from lightning_modules.errors import DataError

HEADER = (
    "@problemname", "@timestamps", "@missing", "@univariate", "@dimension", "@dimensions",
    "@equallength", "@serieslength", "@classlabel", "@targetlabel", "@data",
)  # fmt: skip
MAX_CHANNELS = 10_000
"""Of a series; the archive has at most 1,345."""
PER_CHANNEL, PER_VALUE, PER_WORD = 200, 8, 64
"""Bytes of memory: of an array of its own, of a number in it, and of the text of one at work."""
Floats = np.ndarray[Any, np.dtype[np.float64]]


def read_ts(path: str, may_miss: bool = False) -> tuple[list[Floats], list[str]]:
    """Every series (t, channels), and the text of every target; no texts where there are none.
    Targets that are missing are empty texts, where they `may_miss`.

    Raises DataError that names the line where the file cannot be used.
    """
    lines = _lines(path)
    header = _header(path, lines)
    labelled = "true" in (header.get("@classlabel", [""])[0], header.get("@targetlabel", [""])[0])
    if header.get("@timestamps", ["false"])[0] == "true":
        raise DataError(f"{path}: has timestamps; write values alone, and @timestamps false")
    allowed = header.get("@classlabel", [])[1:]
    rows: list[Floats] = []
    targets: list[str] = []
    for number, line in lines:
        where = f"{path}: line {number}"
        if line.count(":") > MAX_CHANNELS:
            raise DataError(f"{where}: has more than {MAX_CHANNELS:,} channels; remove some")
        *channels, last = line.split(":")
        if labelled:
            label = last.strip()
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
            targets.append(label)
        else:
            channels.append(last)
        rows.append(_series(channels, where))
        if rows[-1].shape[1] != rows[0].shape[1]:
            raise DataError(
                f"{where}: has {rows[-1].shape[1]} channels, and the first series "
                f"{rows[0].shape[1]}; give each as many"
            )
    if not rows:
        raise DataError(f"{path}: has no series below @data; write one per line")
    return rows, targets


def _lines(path: str) -> Iterator[tuple[int, str]]:
    """Numbered lines with something on them that is no comment."""
    try:
        file = file_at(path)
        require_memory(f"{path}: its series", file.stat().st_size * 8)
        require_memory(f"{path}: its series", _size(file))
        with file.open(encoding="utf-8") as opened:
            for number, line in enumerate(opened, start=1):
                if (text := line.strip()) and not text.startswith(("#", "%")):
                    yield number, text
    except UnicodeDecodeError:
        raise DataError(f"{path}: is no .ts file in UTF-8; save it as text") from None


def _size(file: Path) -> int:
    """Bytes of memory that reading takes at most: of all arrays, and of the line at work."""
    kept = at_work = 0
    with file.open("rb") as opened:
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
    if not channels:
        raise DataError(f"{where}: has no channel before its label; write values, a colon, a label")
    read = [_channel(text, f"{where}: channel {at}") for at, text in enumerate(channels, start=1)]
    for at, values in enumerate(read, start=1):
        if len(values) != len(read[0]):
            raise DataError(
                f"{where}: channel {at} has {len(values)} values, and channel 1 {len(read[0])}; "
                "the channels of a series are equally long"
            )
    return np.stack(read, axis=1)


def _channel(text: str, where: str) -> Floats:
    if not text.strip():
        raise DataError(f"{where}: is empty; write values or remove the line")
    words = text.split(",")
    try:
        values = np.array(words, dtype=np.float64)
    except ValueError:
        values = np.array([_number(word) for word in words])
    wrong = np.flatnonzero(~(np.abs(values) <= LARGEST))
    if len(wrong):
        raise DataError(
            f"{where}, value {wrong[0] + 1}: {words[wrong[0]].strip()!r} is no finite number; fill "
            "it in or remove the line"
        )
    return values


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return float("nan")
