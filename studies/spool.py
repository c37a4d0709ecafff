"""The spool: what every trial of a study did, a file of JSON lines each, whether MLflow has it yet
or not.

The driver writes a line per epoch; whoever reaches MLflow brings it up to the files. So an outage
loses nothing, and MLflow can be made anew from here.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightning_modules.errors import StorageError
from studies.home import Home, redact, slug
from studies.records import Outcome, TrialEnd

ABANDONED = "the process that ran the study ended"


@dataclass
class SpooledTrial:
    """What a trial's file says; times are milliseconds since 1970."""

    key: str
    resumed: bool
    """Whether an attempt before those of the file may have left a run."""
    tags: Mapping[str, str]
    params: Mapping[str, str]
    started: int
    last: int
    """The time of the last line."""
    epochs: dict[int, tuple[int, Mapping[str, float]]] = field(default_factory=dict)
    """When each epoch ended, and its metrics; of two attempts at an epoch the first counts."""
    end: TrialEnd | None = None
    """None while an attempt is under way."""
    size: int = 0
    """Bytes of the file that were read."""


class Spool:
    """The files of one study. A trial's file is called by its name here: its key, made safe."""

    def __init__(self, home: Home, study: str) -> None:
        self.folder = home.study(study) / "spool"
        self._ledger = home.study(study) / "delivered.jsonl"
        self._store = hashlib.sha256(redact(home.mlflow_uri).encode()).hexdigest()[:8]
        self._under_way: dict[str, set[int]] = {}
        """The epochs that are written, of every trial that was started and has not ended."""

    # --- what the driver writes

    def start(
        self,
        key: str,
        *,
        resumed: bool,
        tags: Mapping[str, str],
        params: Mapping[str, str],
        now: int,
    ) -> bool:
        """An attempt at a trial begins; its run will have these tags and parameters.

        Whether it is the first attempt here.
        """
        name = slug(key)
        line = {"start": now, "trial": key, "resumed": resumed, "tags": tags, "params": params}
        with self._writing():
            before = self.read(name)
            self.folder.mkdir(parents=True, exist_ok=True)
            _cut_torn_lines(self._path(name))
            _append(self._path(name), line)
        self._under_way[name] = set(before.epochs) if before else set()
        return before is None

    def epoch(self, key: str, epoch: int, metrics: Mapping[str, float], now: int) -> None:
        """A trial finished an epoch."""
        known = self._under_way[slug(key)]
        if epoch not in known:
            known.add(epoch)
            with self._writing():
                line = {"epoch": epoch, "time": now, "metrics": dict(metrics)}
                _append(self._path(slug(key)), line)

    def end(self, key: str, end: TrialEnd, now: int) -> None:
        """An attempt ended; from here on a power failure loses nothing of it."""
        del self._under_way[slug(key)]
        with self._writing():
            _append(self._path(slug(key)), {"end": end.to_json(), "time": now}, forced=True)

    def under_way(self) -> list[str]:
        """The trials that were started and have not ended."""
        return list(self._under_way)

    def close_abandoned(self) -> None:
        """End the attempts of a driver that died, when it was last heard of.

        To be called by a process that holds the study's lock, before it writes.
        """
        with self._writing():
            _cut_torn_lines(self._ledger)
            for name in self.waiting():
                path = self._path(name)
                _cut_torn_lines(path)
                found = self.read(name)
                if found is None:
                    path.unlink()  # its first line was never finished
                elif found.end is None:
                    end = TrialEnd(Outcome.interrupted, reason=ABANDONED)
                    _append(path, {"end": end.to_json(), "time": found.last})

    # --- what is delivered

    def read(self, name: str) -> SpooledTrial | None:
        """What a file says; None where there is none, or nothing in it."""
        try:
            content = self._path(name).read_bytes()
        except FileNotFoundError:
            return None
        return _read(content)

    def names(self) -> list[str]:
        """The trials that have a file."""
        return sorted(self._sizes())

    def waiting(self) -> list[str]:
        """The trials of which this MLflow store lacks something, were it only their end."""
        delivered = {slug(key): size for key, (_, size) in self._delivered().items()}
        return sorted(name for name, size in self._sizes().items() if delivered.get(name) != size)

    def delivered(self, trial: SpooledTrial, run_id: str) -> None:
        """Note that MLflow has all that a trial's file said."""
        line = {"store": self._store, "trial": trial.key, "run": run_id, "size": trial.size}
        with self._writing():
            _append(self._ledger, line)

    def run_ids(self) -> dict[str, str]:
        """The MLflow runs of the trials that were delivered to this store, by the trial's key."""
        return {key: run_id for key, (run_id, _) in self._delivered().items()}

    def _delivered(self) -> dict[str, tuple[str, int]]:
        try:
            content = self._ledger.read_bytes()
        except FileNotFoundError:
            return {}
        mine = (line for line, _ in _lines(content) if line["store"] == self._store)
        return {line["trial"]: (line["run"], line["size"]) for line in mine}

    def _sizes(self) -> dict[str, int]:
        if not self.folder.exists():
            return {}
        with os.scandir(self.folder) as entries:
            return {entry.name.removesuffix(".jsonl"): entry.stat().st_size for entry in entries}

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.jsonl"

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"{error.filename or self.folder}: cannot be written ({error.strerror}); "
                "change that and run the same command again: nothing that was recorded is lost"
            ) from None


def _read(content: bytes) -> SpooledTrial | None:
    trial: SpooledTrial | None = None
    for line, size in _lines(content):
        if "start" in line:
            now = line["start"]
            if trial is None:
                trial = SpooledTrial(
                    line["trial"], line["resumed"], line["tags"], line["params"], now, now
                )
            trial.last, trial.end = now, None
        else:
            assert trial is not None
            trial.last = line["time"]
            if "epoch" in line:
                trial.epochs.setdefault(line["epoch"], (line["time"], line["metrics"]))
            else:
                trial.end = TrialEnd.from_json(line["end"])
        trial.size = size
    return trial


def _lines(content: bytes) -> Iterator[tuple[dict[str, Any], int]]:
    """The whole lines and where each ends; a crash can tear the last, a power failure more."""
    size = 0
    for text in content.split(b"\n")[:-1]:
        size += len(text) + 1
        try:
            line = json.loads(text)
        except ValueError:
            return
        yield line, size


def _cut_torn_lines(path: Path) -> None:
    """Make a file end with a whole line, so that the next one is read."""
    if path.exists():
        content = path.read_bytes()
        whole = max((size for _, size in _lines(content)), default=0)
        if whole != len(content):
            os.truncate(path, whole)


def _append(path: Path, line: Mapping[str, Any], *, forced: bool = False) -> None:
    rest = json.dumps(line).encode() + b"\n"
    with path.open("ab", buffering=0) as file:
        while rest:
            rest = rest[file.write(rest) :]
        if forced:
            os.fsync(file.fileno())
