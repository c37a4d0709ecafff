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
from io import FileIO
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
        self._open: dict[str, tuple[FileIO, set[int]]] = {}

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
        before = self.read(name)
        line = {"start": now, "trial": key, "resumed": resumed, "tags": tags, "params": params}
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
            file = _appendable(self._path(name))
            self._open[name] = (file, set(before.epochs) if before else set())
            _append(file, line)
        return before is None

    def epoch(self, key: str, epoch: int, metrics: Mapping[str, float], now: int) -> None:
        """A trial finished an epoch."""
        file, known = self._open[slug(key)]
        if epoch not in known:
            known.add(epoch)
            with self._writing():
                _append(file, {"epoch": epoch, "time": now, "metrics": dict(metrics)})

    def end(self, key: str, end: TrialEnd, now: int) -> None:
        """An attempt ended; from here on a power failure loses nothing of it."""
        file, _ = self._open.pop(slug(key))
        with self._writing(), file:
            _append(file, {"end": end.to_json(), "time": now})
            os.fsync(file.fileno())

    def under_way(self) -> list[str]:
        """The trials that were started and have not ended."""
        return list(self._open)

    def close_abandoned(self) -> None:
        """End the attempts of a driver that died, when it was last heard of.

        To be called by a process that holds the study's lock, before it writes.
        """
        with self._writing():
            for name in self.waiting():
                with _appendable(self._path(name)) as file:
                    found = self.read(name)
                    if found is None:
                        self._path(name).unlink()  # its first line was never finished
                    elif found.end is None:
                        end = TrialEnd(Outcome.interrupted, reason=ABANDONED)
                        _append(file, {"end": end.to_json(), "time": found.last})

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
        with self._writing(), _appendable(self._ledger) as file:
            _append(file, line)

    def run_ids(self) -> dict[str, str]:
        """The MLflow runs of the trials that were delivered to this store, by the trial's key."""
        return {key: run_id for key, (run_id, _) in self._delivered().items()}

    def _delivered(self) -> dict[str, tuple[str, int]]:
        try:
            content = self._ledger.read_bytes()
        except FileNotFoundError:
            return {}
        mine = (line for line in _lines(content) if line["store"] == self._store)
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
    for line in _lines(content):
        if "start" in line:
            now = line["start"]
            if trial is None:
                trial = SpooledTrial(
                    line["trial"], line["resumed"], line["tags"], line["params"], now, now
                )
            trial.last, trial.end = now, None
            continue
        assert trial is not None
        trial.last = line["time"]
        if "epoch" in line:
            trial.epochs.setdefault(line["epoch"], (line["time"], line["metrics"]))
        else:
            trial.end = TrialEnd.from_json(line["end"])
    if trial is not None:
        trial.size = content.rfind(b"\n") + 1
    return trial


def _lines(content: bytes) -> Iterator[dict[str, Any]]:
    """The lines that were finished; a crash can tear the last one, a power failure more."""
    for line in content.split(b"\n")[:-1]:
        try:
            yield json.loads(line)
        except ValueError:
            return


def _appendable(path: Path) -> FileIO:
    """A file to append whole lines to; a torn last line is cut off."""
    file = FileIO(path, "a+")
    file.seek(0)
    content = file.read()
    whole = content.rfind(b"\n") + 1
    if whole != len(content):
        file.truncate(whole)
    return file


def _append(file: FileIO, line: Mapping[str, Any]) -> None:
    rest = json.dumps(line).encode() + b"\n"
    while rest:
        rest = rest[file.write(rest) :]
