"""The files in which versions without records noted what the trials of a study did."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studies.home import slug
from studies.home.earlier import SPOOL
from studies.records.types import EpochRow

LEDGER = "delivered.jsonl"
"""Which MLflow store has which trials."""


@dataclass
class SpooledTrial:
    """What a trial's file says; times are milliseconds since 1970."""

    tags: Mapping[str, str]
    last: int
    """The time of the last line."""
    epochs: dict[int, EpochRow] = field(default_factory=dict)
    """Of two attempts at an epoch the first counts."""
    size: int = 0
    """Bytes of the file that are whole lines."""

    def is_of(self, config_hash: str, seed: int) -> bool:
        """Whether a training of that configuration with that seed wrote it."""
        known = self.tags.get("fairtune.config_hash"), self.tags.get("fairtune.seed")
        return known == (config_hash, str(seed))


@dataclass(frozen=True)
class Delivered:
    """A trial that an MLflow store has, as far as `size` bytes of its file."""

    store: str
    trial: str
    run: str
    size: int


def read_trial(folder: Path, key: str) -> SpooledTrial | None:
    """What the folder of a study says of a trial; None where it has no file of it."""
    path = folder / SPOOL / f"{slug(key)}.jsonl"
    found: SpooledTrial | None = None
    for line, size in _lines(path):
        if "start" in line:
            found = found or SpooledTrial(line["tags"], line["start"])
            found.last = line["start"]
        elif found is not None:
            found.last = line["time"]
            if "epoch" in line:
                row = EpochRow(line["epoch"], line["time"], line["metrics"])
                found.epochs.setdefault(row.epoch, row)
        if found is not None:
            found.size = size
    return found


def read_ledger(folder: Path) -> list[Delivered]:
    """What MLflow stores have of a study; the last line of a trial and store counts."""
    lines = (
        Delivered(line["store"], line["trial"], line["run"], line["size"])
        for line, _ in _lines(folder / LEDGER)
    )
    return list({(each.store, each.trial): each for each in lines}.values())


def _lines(path: Path) -> Iterator[tuple[dict[str, Any], int]]:
    """The whole lines and where each ends: a crash can tear the last one."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    size = 0
    for text in content.split(b"\n")[:-1]:
        size += len(text) + 1
        try:
            line = json.loads(text)
        except ValueError:
            return
        yield line, size
