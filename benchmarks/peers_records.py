"""What a way has recorded: counted in the folder that it has written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

NAME = "digits"
"""Of the Optuna study and of the Ray experiment of the scripts."""


@dataclass(frozen=True)
class OwnRecord:
    """What a way keeps beside MLflow, and to what a study that was interrupted is continued."""

    kept_by: str
    trials: int
    epochs: int
    """Of which the metrics are there."""
    continues: str


NOTHING = OwnRecord("", 0, 0, "nothing")


@dataclass(frozen=True)
class Records:
    """MLflow's runs, their parameters and points; the way's own record; files of weights."""

    runs: int
    parameters: int
    points: int
    own: OwnRecord
    checkpoints: int


def records(folder: Path) -> Records:
    """Count what a way has written into its folder."""
    runs = parameters = points = 0
    for path in folder.rglob("mlflow.db"):
        runs, parameters, points = (
            count(path, f"SELECT count(*) FROM {table}") for table in ("runs", "params", "metrics")
        )
    weights = sum(path.suffix in (".ckpt", ".pt") for path in folder.rglob("*"))
    return Records(runs, parameters, points, next(own_records(folder), NOTHING), weights)


def own_records(folder: Path) -> Iterator[OwnRecord]:
    """fairtune's record, Ray's results or Optuna's storage, where there is one."""
    for path in folder.rglob("record.db"):
        trials, epochs = (count(path, f"SELECT count(*) FROM {t}") for t in ("trials", "epochs"))
        yield OwnRecord("fairtune", trials, epochs, "every trial, from its last epoch")
    if (folder / "results" / NAME / "tuner.pkl").exists():
        results = (folder / "results").rglob("result.json")  # its session has copies of them
        curves = [path.read_text() for path in results]
        epochs = sum(json.loads(line)["training_iteration"] > 0 for line in lines(curves))
        yield OwnRecord("Ray", len(curves), epochs, "every trial, from its checkpoint")
    if (folder / "optuna.db").exists():
        yield of_optuna(f"sqlite:///{folder / 'optuna.db'}")
    elif (folder / "optuna.log").exists():
        yield of_optuna(JournalStorage(JournalFileBackend(str(folder / "optuna.log"))))


def lines(texts: list[str]) -> Iterator[str]:
    for text in texts:
        yield from text.splitlines()


def of_optuna(storage: str | JournalStorage) -> OwnRecord:
    """What Optuna's storage has; a script has to call it with `load_if_exists` to go on."""
    trials = optuna.load_study(study_name=NAME, storage=storage).get_trials(deepcopy=False)
    epochs = sum(len(trial.intermediate_values) for trial in trials)
    return OwnRecord("Optuna", len(trials), epochs, "finished trials only")


def count(path: Path, query: str) -> int:
    """The number that a query of an SQLite file gives."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        (found,) = connection.execute(query).fetchone()
    return int(found)
