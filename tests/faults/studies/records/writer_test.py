"""Records that are damaged, locked, killed in mid-write, or on a disk that is full or cannot be
written (rows 12, 14, 16 and 27)."""

import json
import logging
import random
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from lightning_modules.errors import BusyError, StorageError
from studies.cli import main
from studies.home import Home, database
from studies.home.database import integrity
from studies.mirrors.left import sync_command
from studies.records import Record, RecordReader
from studies.records import connection as opening
from tests.support.killed_writer import acknowledged
from tests.support.record_made import STUDY, trial_of

Output = pytest.CaptureFixture[str]
FILE = """
study: {study}
data: iris
model: {{name: mlp, hidden: [4]}}
optimizer: {{name: adam, lr: {{min: 0.001, max: 0.1, log: true}}}}
trainer: {{epochs: 2}}
search: {{method: random, trials: 2}}
"""
KILLS, SEED = 50, 27
MANY = 10_000
MORE = """
import sys
from pathlib import Path
from studies.home import Home
from studies.records import Record
from tests.support.record_made import STUDY, trial_of

with Record.writing(Home.at(Path(sys.argv[1])), STUDY) as record:
    (search,) = record.searches()
    first = len(record.trials())
    for number in range(first, first + int(sys.argv[2])):
        trial = record.begin(trial_of(search, number))
        for epoch in (1, 2):
            record.epoch(trial.id, epoch, {"val/loss": 1 / epoch}, 1 / epoch)
"""
HOLDER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
database.execute("COMMIT")
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "home")


@pytest.fixture(autouse=True)
def other_process() -> None:
    """What a test has written is looked at as another process would."""
    database._held.clear()


def written(home: Home, study: str = STUDY) -> Path:
    """A record with something in it, closed."""
    with Record.writing(home, study) as record:
        search = record.add_search(study, arm="", goal="minimize")
        for number in range(20):
            record.begin(trial_of(search, number))
    database._held.clear()
    return record.path


def somebodys(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE songs (title TEXT)")
        database.commit()


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    path.write_bytes(b"no database " * 1000)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGE = {
    emptied: "the file is empty",
    garbage: "file is not a database",
    truncated: "the file is cut off: ",
    somebodys: "is no record of fairtune",
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda each: each.__name__)
def test_a_damaged_record_is_named_and_nothing_is_overwritten(
    damage: object, home: Home, tmp_path: Path, capsys: Output
) -> None:
    path = written(home)
    assert callable(damage)
    damage(path)
    content = path.read_bytes()
    way_out = (
        f"put a copy in its place, or move the folder {path.parent} away to start the study "
        f"anew; after that `{sync_command(home, STUDY, '--rebuild')}` replaces what the mirrors "
        "have of it"
    )
    for opened in (RecordReader.open, Record.writing):
        with pytest.raises(StorageError) as caught, opened(home, STUDY):
            raise AssertionError("it was opened")
        assert str(caught.value).startswith(f"{path}: {DAMAGE[damage]}")  # type: ignore[index]
        assert way_out in str(caught.value)
    file = tmp_path / "study.yaml"
    file.write_text(FILE.format(study=STUDY))
    assert main(["run", str(file), "--home", str(home.path), "--quiet"]) == 4
    assert way_out in capsys.readouterr().err
    assert path.read_bytes() == content
    assert not list(home.path.glob("*.db"))  # no mirror was touched


def test_a_damaged_record_harms_its_own_study_only(
    home: Home, tmp_path: Path, capsys: Output
) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(FILE.format(study="whole"))
    path = written(home, "broken")
    garbage(path)
    argv = ["run", str(file), "--home", str(home.path), "--quiet", "--workers", "1"]
    assert main(argv) == 0
    capsys.readouterr()
    assert main(["status", "--home", str(home.path), "--json"]) == 4
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [each["study"] for each in told["studies"]] == ["whole"]
    assert list(told["unreadable"]) == ["broken"]
    assert main(["status", "whole", "--home", str(home.path)]) == 0


def test_pages_that_are_damaged_in_the_middle_are_said(home: Home) -> None:
    path = written(home)
    content = bytearray(path.read_bytes())
    content[4096:] = random.Random(SEED).randbytes(len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StorageError, match="malformed"), RecordReader.open(home, STUDY) as reader:
        reader.trials()
    assert path.read_bytes() == content


def test_a_reader_of_an_idle_record_that_is_written_meanwhile_reads_all_of_it(home: Home) -> None:
    path = written(home)
    with RecordReader.open(home, STUDY) as reader:
        assert len(reader.trials()) == 20
        assert reader.damage() == ""
        for more in range(3):
            before = path.stat().st_size
            subprocess.run([sys.executable, "-c", MORE, str(home.path), "300"], check=True)
            assert path.stat().st_size > before and not path.with_name("record.db-wal").exists()
            assert len(reader.trials()) == 20 + 300 * (more + 1)
            assert reader.damage() == ""
            assert len(reader.epochs(21)) == 2


def test_what_a_killed_writer_left_is_read_where_the_folder_cannot_be_written(
    home: Home, tmp_path: Path
) -> None:
    said = acknowledged(home, 20)
    path = home.record(STUDY)
    assert path.with_name("record.db-wal").stat().st_size > 0
    path.with_name("record.db-shm").unlink()
    with read_only(home.path, tmp_path / "elsewhere") as elsewhere:
        with RecordReader.open(elsewhere, STUDY) as reader:
            assert said <= told(reader)
            assert Path(str(reader.seen and reader.seen.copy and reader.seen.copy.name)).is_dir()
            copy = Path(reader.seen.copy.name)  # type: ignore[union-attr]
        assert not copy.exists()


@contextmanager
def read_only(folder: Path, place: Path) -> Iterator[Home]:
    """The same home where it cannot be written; skipped where that takes more rights."""
    place.mkdir()
    done = subprocess.run(["mount", "--bind", str(folder), str(place)], check=False)
    if done.returncode:
        pytest.skip("a folder cannot be mounted")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)
        yield Home.at(place)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_every_write_reaches_the_disk_where_sqlite_keeps_no_log_ahead(home: Home) -> None:
    home.create(STUDY)
    path = home.record(STUDY)
    with Record.new(path) as record:
        record.note({"a": 1})
    uri = f"{path.as_uri()}?vfs=unix-dotfile"  # has no shared memory
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        opening._prepare(connection, path)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_killed_at_fifty_moments_nothing_that_was_acknowledged_is_lost(home: Home) -> None:
    moments = random.Random(SEED)
    said: set[tuple[str, ...]] = set()
    for _ in range(KILLS):
        said |= acknowledged(home, moments.randrange(1, 40))
        assert integrity(home.record(STUDY)) == "ok"
        database._held.clear()
        with RecordReader.open(home, STUDY) as reader:
            assert said <= told(reader)
    with Record.writing(home, STUDY) as record:
        record.close_abandoned()
        assert said <= told(record)
        assert all(trial.outcome is not None for trial in record.trials())
        assert [trial.number for trial in record.trials()] == list(range(len(record.trials())))
    assert len(said) > KILLS


def told(reader: RecordReader) -> set[tuple[str, ...]]:
    """What a record holds, in the words of its writer."""
    found: set[tuple[str, ...]] = set()
    for trial in reader.trials():
        number = str(trial.number)
        found.add(("begun", number))
        epochs = reader.epochs(trial.id)
        assert [row.epoch for row in epochs] == list(range(1, len(epochs) + 1))
        found |= {("epoch", number, str(row.epoch)) for row in epochs}
        if trial.value is not None:
            found.add(("finished", number))
    return found


@contextmanager
def held(path: Path) -> Iterator[threading.Event]:
    """Another program has locked the record until the event is set."""
    argv = [sys.executable, "-c", HOLDER, str(path)]
    holder = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdin is not None and holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    released = threading.Event()

    def release() -> None:
        released.wait()
        holder.communicate("")

    waiting = threading.Thread(target=release)
    waiting.start()
    try:
        yield released
    finally:
        released.set()
        waiting.join()


def test_a_locked_record_is_waited_for_with_one_warning(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "LOCK_SECONDS", 0.05)
    path = written(home)
    warnings: list[str] = []
    with held(path) as released:

        class Ear(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                warnings.append(record.getMessage())
                released.set()

        ear = Ear()
        logging.getLogger("fairtune").addHandler(ear)
        try:
            with Record.writing(home, STUDY) as record:
                record.note({"after": "the lock"})
                assert record.notes()["after"] == "the lock"
        finally:
            logging.getLogger("fairtune").removeHandler(ear)
    assert warnings == [f"{path} is locked; waiting for it"]


def test_a_record_that_stays_locked_is_given_up_with_the_way_out(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "LOCK_SECONDS", 0.05)
    monkeypatch.setattr(opening, "RETRY_TIMEOUT", 0.2)
    path = written(home)
    with Record.writing(home, STUDY) as record, held(path):
        with pytest.raises(StorageError) as caught:
            record.note({"during": "the lock"})
        assert str(caught.value) == (
            f"{path}: the record cannot be used: database is locked; end the program that holds it "
            "and run the same command again"
        )
        with RecordReader.open(home, STUDY) as reader:  # readers do not notice
            assert len(reader.trials()) == 20
    with Record.writing(home, STUDY) as record:
        assert "during" not in record.notes()
        record.note({"after": True})


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A disk of its own at a folder; skipped where that takes more rights."""
    folder.mkdir(parents=True)
    argv = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(path: Path) -> None:
    """Leave no byte of a disk."""
    with path.open("wb", buffering=0) as filler:
        for block in (65536, 1):
            try:
                while filler.write(bytes(block)):
                    pass
            except OSError:
                pass


def test_a_full_disk_is_said_and_nothing_recorded_is_lost(home: Home) -> None:
    with small_disk(home.path, "4m"):
        recorded = 0
        with pytest.raises(StorageError) as caught, Record.writing(home, STUDY) as record:
            search = record.add_search(STUDY, arm="", goal="minimize")
            trial = record.begin(trial_of(search))
            fill(home.path / "filler")
            for epoch in range(1, MANY):
                record.epoch(trial.id, epoch, {"val/loss": 1.0}, 1.0)
                recorded = epoch
        assert str(caught.value).startswith(f"{record.path}: the record cannot be used: ")
        assert "make room and run the same command again: nothing recorded is lost" in (
            str(caught.value)
        )
        (home.path / "filler").unlink()
        with Record.writing(home, STUDY) as record:
            assert list(record.trials()[0].curve) == list(range(1, recorded + 1))
            record.epoch(trial.id, recorded + 1, {"val/loss": 1.0}, 1.0)
        assert integrity(record.path) == "ok"


def test_a_record_does_not_begin_on_a_full_disk_and_leaves_nothing_half(home: Home) -> None:
    with small_disk(home.path, "1m"):
        home.create(STUDY)
        fill(home.path / "filler")
        with pytest.raises(StorageError, match="make room"), Record.writing(home, STUDY):
            raise AssertionError("it was opened")
        (home.path / "filler").unlink()
        with Record.writing(home, STUDY) as record:
            assert record.notes()["record"]


def test_on_a_disk_that_cannot_be_written_records_are_read_and_not_written(home: Home) -> None:
    with small_disk(home.path, "4m"):
        path = written(home)
        subprocess.run(["mount", "-o", "remount,ro", str(home.path)], check=True)
        with RecordReader.open(home, STUDY) as reader:
            assert len(reader.trials()) == 20
        with pytest.raises(StorageError) as caught, Record.writing(home, STUDY):
            raise AssertionError("it was opened")
        assert str(path.parent) in str(caught.value)
        assert "Read-only file system" in str(caught.value)


def test_a_second_driver_is_refused_with_the_name_of_the_first(home: Home, capsys: Output) -> None:
    path = written(home)
    before = path.read_bytes()
    with home.lock(STUDY):
        with pytest.raises(BusyError, match="process"), Record.writing(home, STUDY):
            raise AssertionError("it was opened")
        assert path.read_bytes() == before
