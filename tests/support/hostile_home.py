"""Homes as somebody who means harm would make them: each change is one that was seen to work."""

import json
import shlex
import shutil
import sqlite3
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studies.home import Home

STUDY = "theirs"
PROGRAM = "program"
SIMPLE = """
study: theirs
data: {name: iris, batch_size: 32}
model: {name: mlp, hidden: [4]}
optimizer: {name: adam, lr: {min: 1e-2, max: 1e-1, log: true}}
trainer: {epochs: 1}
search: {method: random, trials: 2}
"""
REPORTS = 'echo \'{"epoch": 1, "metrics": {"val/loss": 0.5}}\''


@dataclass(frozen=True)
class Surroundings:
    """What lies outside of a home and must stay as it is."""

    folder: Path

    @property
    def marker(self) -> Path:
        """A file that only code of the home's makes."""
        return self.folder / "marker"

    @property
    def precious(self) -> Path:
        """A file of the user's."""
        return self.folder / "precious"

    def files(self) -> dict[str, tuple[bytes, int]]:
        """Everything that is there, with its content and when it was written."""
        return {
            str(path.relative_to(self.folder)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }


def surroundings(folder: Path) -> Surroundings:
    made = Surroundings(folder)
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "best.pt").write_text("not yours")
    made.precious.write_text("precious")
    return made


def program_file(marker: Path, epochs: int = 1) -> str:
    """A study file whose program makes the marker."""
    command = f"echo ran {{seed}} >> {shlex.quote(str(marker))}; {REPORTS}"
    return "\n".join(
        [
            f"study: {PROGRAM}",
            f"model: {{command: {json.dumps(['sh', '-c', command, 'sh', '{optimizer.lr}'])}}}",
            "optimizer: {name: sgd, lr: {min: 0.1, max: 0.9}}",
            f"trainer: {{epochs: {epochs}}}",
            "objective: {metric: val/loss, goal: minimize}",
            "search: {method: random, trials: 2}",
            "",
        ]
    )


@contextmanager
def changed(file: Path) -> Iterator[sqlite3.Connection]:
    """A database that is changed by hand."""
    with closing(sqlite3.connect(file)) as database:
        yield database
        database.commit()


def to_deliver_again(home: Home) -> None:
    """Results of a study are to be written to MLflow once more."""
    with changed(home.path / "mlflow.db") as database:
        database.execute("DELETE FROM tags WHERE key = 'fairtune.results'")
    (home.study(STUDY) / "mirrors.db").unlink()


def program_of_others(home: Home, outside: Surroundings) -> None:
    """The recorded trials run another program than before."""
    command = ["sh", "-c", f"touch {shlex.quote(str(outside.marker))}; {REPORTS}"]
    with changed(home.record(PROGRAM)) as database:
        database.execute(
            "UPDATE trials SET outcome = 'interrupted', configuration = "
            "json_set(configuration, '$.model.command', json(?))",
            [json.dumps(command)],
        )
        database.execute("UPDATE notes SET value = '\"\"' WHERE name = 'finished'")


def _experiments_elsewhere(home: Home, outside: Surroundings) -> None:
    _places(home, "experiments", "artifact_location", outside.folder.as_uri())


def _runs_elsewhere(home: Home, outside: Surroundings) -> None:
    _places(home, "runs", "artifact_uri", outside.folder.as_uri())


def _runs_that_climb(home: Home, outside: Surroundings) -> None:
    climbing = f"{home.artifacts.as_uri()}/{STUDY}/../../../{outside.folder.name}"
    _places(home, "runs", "artifact_uri", climbing)


def _models_elsewhere(home: Home, outside: Surroundings) -> None:
    _places(home, "logged_models", "artifact_location", outside.folder.as_uri())


def _places(home: Home, table: str, column: str, place: str) -> None:
    with changed(home.path / "mlflow.db") as database:
        database.execute(f"UPDATE {table} SET {column} = ?", [place])


def _link(path: Path, target: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    path.symlink_to(target)


def _linked_artifacts(home: Home, outside: Surroundings) -> None:
    _link(home.artifacts, outside.folder)


def _linked_run(home: Home, outside: Surroundings) -> None:
    _link(next((home.artifacts / STUDY).glob("*/artifacts")), outside.folder)


def _linked_checkpoints(home: Home, outside: Surroundings) -> None:
    _link(home.study(STUDY) / "checkpoints", outside.folder)


def _linked_study(home: Home, outside: Surroundings) -> None:
    copy = shutil.copytree(home.study(STUDY), outside.folder / "study")
    _link(home.study(STUDY), copy)


def _linked_log(home: Home, outside: Surroundings) -> None:
    _link(home.study(STUDY) / "driver", outside.precious)
    _link(home.study(STUDY) / "mirrors.db", outside.folder / "new.db")


def _linked_databases(home: Home, outside: Surroundings) -> None:
    for name in ("mlflow.db", "optuna.db"):
        copy = shutil.copyfile(home.path / name, outside.folder / name)
        _link(home.path / name, copy)


def _triggers(name: str, table: str) -> Callable[[Home, Surroundings], None]:
    def change(home: Home, outside: Surroundings) -> None:
        path = home.record(STUDY) if name == "record.db" else home.path / name
        with changed(path) as database:
            database.execute(
                f"CREATE TRIGGER hidden AFTER INSERT ON {table} BEGIN DELETE FROM {table}; END"
            )

    return change


def _view(home: Home, outside: Surroundings) -> None:
    with changed(home.record(STUDY)) as database:
        database.execute("ALTER TABLE trials RENAME TO known")
        database.execute("CREATE VIEW trials AS SELECT * FROM known")


def _super_journals(home: Home, outside: Surroundings) -> None:
    """Journals that make SQLite delete a file: their last record is the name of a super-journal."""
    files = (home.record(STUDY), home.study(STUDY) / "mirrors.db", *home.path.glob("*.db"))
    for file in files:
        with changed(file) as database:
            database.execute("PRAGMA journal_mode = DELETE")
            database.execute("PRAGMA cache_size = 1")
            database.execute("BEGIN IMMEDIATE")
            database.execute("CREATE TABLE filler (text TEXT)")
            rows = [("x" * 500,)] * 2000
            database.executemany("INSERT INTO filler VALUES (?)", rows)
            copy = shutil.copyfile(file, outside.folder.parent / "copy.db")
            journal = file.with_name(f"{file.name}-journal").read_bytes()
            database.rollback()
        name = str(outside.precious).encode()
        checksum = sum(struct.unpack(f"{len(name)}b", name)) & 0xFFFFFFFF
        page = 0x40000000 // 4096 + 1
        end = struct.pack(">I", page) + name + struct.pack(">II", len(name), checksum)
        shutil.copyfile(copy, file)
        file.with_name(f"{file.name}-journal").write_bytes(
            journal + end + bytes.fromhex("d9d505f920a163d7")
        )


def _note(home: Home, name: str, value: Any) -> None:
    with changed(home.record(STUDY)) as database:
        database.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", [name, json.dumps(value)])


def _climbing_study(home: Home, outside: Surroundings) -> None:
    climbing = f"../../{outside.folder.name}"
    _note(home, "study_file", SIMPLE.replace("theirs", climbing))
    _note(home, "finished", SIMPLE.replace("theirs", climbing))


def _climbing_keys(home: Home, outside: Surroundings) -> None:
    with changed(home.record(STUDY)) as database:
        database.execute("UPDATE trials SET key = '../../../../outside/precious' || number")


def _column(column: str, value: Any) -> Callable[[Home, Surroundings], None]:
    def change(home: Home, outside: Surroundings) -> None:
        with changed(home.record(STUDY)) as database:
            database.execute(f"UPDATE trials SET {column} = ?", [value])

    return change


PLACES: Mapping[str, Callable[[Home, Surroundings], None]] = {
    "experiments elsewhere": _experiments_elsewhere,
    "runs elsewhere": _runs_elsewhere,
    "runs that climb": _runs_that_climb,
    "models elsewhere": _models_elsewhere,
    "artifacts are a link": _linked_artifacts,
    "a run is a link": _linked_run,
    "checkpoints are a link": _linked_checkpoints,
    "the study is a link": _linked_study,
    "its small files are links": _linked_log,
    "databases are links": _linked_databases,
}
"""What would write elsewhere, and how a home is made so."""
CONTENTS: Mapping[str, Callable[[Home, Surroundings], None]] = {
    "a trigger in the record": _triggers("record.db", "notes"),
    "a trigger in MLflow's database": _triggers("mlflow.db", "tags"),
    "a trigger in Optuna's database": _triggers("optuna.db", "trials"),
    "a view in the record": _view,
    "journals that delete": _super_journals,
    "a study that climbs": _climbing_study,
    "keys that climb": _climbing_keys,
    "no JSON": _column("configuration", "{"),
    "no configuration": _column("configuration", "[1, 2]"),
    "an empty configuration": _column("configuration", "{}"),
    "a text for a number": _column("value", "much"),
    "a number without end": _column("started", 2**62),
    "metrics that are none": _column("best", '{"val/accuracy": "high"}'),
    "an outcome that is none": _column("outcome", "won"),
    "a blob for a text": _column("reason", b"\xff\xfe"),
}
"""What a database of a home holds that nobody of ours has written, and how it is made so."""
