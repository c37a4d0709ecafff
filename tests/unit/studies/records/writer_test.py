"""The record of a study: what is written is read back, by one writer and many readers."""

import math
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lightning_modules.errors import BusyError, StorageError, UserError
from studies.home import Home, database
from studies.records import Outcome, Record, RecordReader, Search, Trial, TrialEnd, schema
from studies.records import connection as opening
from studies.records.reader import recorded_studies
from studies.records.types import ABANDONED, EpochRow
from tests.support.record_made import STUDY, trial_of

PARAMS = {"none": None, "bool": True, "text": "ä|'\"\n→", "int": 3, "float": 1e-300, "one": 1.0}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "my home")


@pytest.fixture
def record(home: Home) -> Iterator[Record]:
    with Record.writing(home, STUDY) as record:
        yield record


@pytest.fixture
def search(record: Record) -> Search:
    return record.add_search(STUDY, arm="", goal="minimize")


def end_of(outcome: Outcome = Outcome.completed) -> TrialEnd:
    return TrialEnd(
        outcome, "because ☂", 2, 1, {"val/loss": 0.25, "x": math.inf}, {"test/loss": 0.5},
        "Traceback:\n  …", 1.5, "data", "weights", "GPU ½", {"train": 90, "test": 30},
    )  # fmt: skip


def same(one: Trial, other: Trial) -> bool:
    """Equal in everything; times as far as a record counts them."""
    return all(
        abs(mine - theirs) < timedelta(milliseconds=1)
        if isinstance(mine, datetime)
        else mine == theirs
        for field in fields(Trial)
        for mine, theirs in [(getattr(one, field.name), getattr(other, field.name))]
    )


def test_a_trial_is_read_back_as_it_was_written(record: Record, search: Search) -> None:
    asked = trial_of(
        search, params=PARAMS, default=True, distributions={"float": '{"name": "…"}'},
        sampler_state={"rung": [1, None]}, repeat=2, split=7, seed_index=3, arm="sgd+é",
    )  # fmt: skip
    begun = record.begin(asked)
    assert same(record.trials()[0], begun)
    assert {name: type(value) for name, value in record.trials()[0].params.items()} == {
        name: type(value) for name, value in PARAMS.items()
    }
    record.epoch(begun.id, 1, {"val/loss": 0.25, "x": math.inf}, 0.25)
    record.epoch(begun.id, 2, {"val/loss": math.nan, "x": -math.inf}, math.nan)
    finished = record.finish(replace(begun.finished(end_of(), 0.25, datetime.now()), curve={}))
    (found,) = record.trials()
    assert found.curve[1] == 0.25
    assert math.isnan(found.curve[2])
    assert same(replace(found, curve={}), finished)
    first, second = record.epochs(begun.id)
    assert (first.epoch, dict(first.metrics)) == (1, {"val/loss": 0.25, "x": math.inf})
    assert second.metrics["x"] == -math.inf
    assert math.isnan(second.metrics["val/loss"])


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_is_kept_and_only_a_completed_trial_has_a_value(
    outcome: Outcome, record: Record, search: Search
) -> None:
    begun = record.begin(trial_of(search))
    record.finish(begun.finished(end_of(outcome), 0.25, datetime.now()))
    (found,) = record.trials()
    assert found.outcome is outcome
    assert found.value == (0.25 if outcome is Outcome.completed else None)
    assert found.has_ended == (outcome is not Outcome.interrupted)


def test_infinite_values_of_the_objective_are_kept(record: Record, search: Search) -> None:
    begun = record.begin(trial_of(search))
    record.epoch(begun.id, 1, {}, math.inf)
    record.epoch(begun.id, 2, {}, -math.inf)
    assert record.trials()[0].curve == {1: math.inf, 2: -math.inf}


def test_an_epoch_without_the_objective_is_a_gap_in_the_curve(
    record: Record, search: Search
) -> None:
    record.note({"metric": "val/loss"})
    begun = record.begin(trial_of(search))
    record.epoch(begun.id, 1, {"val/loss": 1.0, "train/loss": 2.0}, 1.0)
    record.epoch(begun.id, 2, {"train/loss": 1.5}, None)
    record.epoch(begun.id, 3, {"val/loss": math.nan, "train/loss": 1.0}, math.nan)
    curve = record.trials()[0].curve
    assert list(curve) == [1, 3] and curve[1] == 1.0 and math.isnan(curve[3])
    assert record.histories([begun.key], ["val/loss", "train/loss"])[begun.key] == {
        "val/loss": {1: 1.0}, "train/loss": {1: 2.0, 2: 1.5, 3: 1.0},
    }  # fmt: skip


def test_of_two_attempts_at_an_epoch_the_first_counts(record: Record, search: Search) -> None:
    begun = record.begin(trial_of(search))
    record.epoch(begun.id, 1, {"val/loss": 1.0}, 1.0)
    record.begin_attempt(begun.id)
    record.epoch(begun.id, 1, {"val/loss": 2.0}, 2.0)
    record.epoch(begun.id, 2, {"val/loss": 3.0}, 3.0)
    assert record.trials()[0].curve == {1: 1.0, 2: 3.0}
    assert [row.metrics["val/loss"] for row in record.epochs(begun.id)] == [1.0, 3.0]


def test_the_revision_grows_and_tells_which_trials_have_changed(
    record: Record, search: Search
) -> None:
    first = record.begin(trial_of(search, 0))
    second = record.begin(trial_of(search, 1))
    assert second.revision > first.revision
    seen = record.revision
    record.epoch(first.id, 1, {}, 1.0)
    assert record.revision == seen  # an epoch is no change of a trial
    assert record.trials(since=seen) == []
    finished = record.finish(first.finished(end_of(), 0.25, datetime.now()))
    assert finished.revision == record.revision > seen
    (changed,) = record.trials(since=seen)
    assert (changed.key, changed.curve) == (first.key, {1: 1.0})
    record.note({"looks": [1]})
    assert record.revision > finished.revision
    seen = record.revision
    record.note({"looks": [1]})
    assert record.revision == seen


def test_an_interrupted_trial_begins_again_with_its_number_and_its_epochs(
    record: Record, search: Search
) -> None:
    begun = record.begin(trial_of(search))
    record.epoch(begun.id, 1, {}, 1.0)
    record.finish(begun.finished(end_of(Outcome.interrupted), None, datetime.now()))
    again = record.begin(record.trials()[0])
    assert (again.id, again.outcome, again.ended) == (begun.id, None, None)
    (found,) = record.trials()
    assert (found.number, found.outcome, found.curve) == (0, None, {1: 1.0})
    assert record.attempts(begun.id) == 2


def test_failed_attempts_are_counted_and_interrupted_ones_are_not(
    record: Record, search: Search
) -> None:
    begun = record.begin(trial_of(search))
    assert record.end_attempt(begun.id, TrialEnd(Outcome.crashed)) == 1
    record.begin_attempt(begun.id)
    record.finish(begun.finished(end_of(Outcome.interrupted), None, datetime.now()))
    record.begin(record.trials()[0])
    assert record.end_attempt(begun.id, TrialEnd(Outcome.out_of_memory)) == 2
    assert record.attempts(begun.id) == 3


def test_trials_of_a_driver_that_died_are_interrupted_when_they_were_last_heard_of(
    home: Home,
) -> None:
    with Record.writing(home, STUDY) as record:
        search = record.add_search(STUDY, arm="", goal="minimize")
        ended = record.begin(trial_of(search, 0))
        record.finish(ended.finished(end_of(), 0.25, datetime.now()))
        heard = record.begin(trial_of(search, 1))
        record.epoch(heard.id, 1, {}, 1.0)
        silent = record.begin(trial_of(search, 2))
        record.close_abandoned()
        last = record.epochs(heard.id)[-1].time
        seen = record.revision
        record.close_abandoned()
        assert record.revision == seen
        first, second, third = record.trials()
    assert first.outcome is Outcome.completed
    for trial in (second, third):
        assert (trial.outcome, trial.reason) == (Outcome.interrupted, ABANDONED)
    assert second.ended == datetime.fromtimestamp(last / 1000)
    assert (second.epochs, third.epochs) == (1, 0)
    assert third.ended is not None and silent.started is not None
    assert abs(third.ended - silent.started) < timedelta(milliseconds=1)


def test_a_search_is_made_once_and_keeps_what_its_sampler_noted(record: Record) -> None:
    state = {"cma": "00ff", "n": [1, 2]}
    kind = {"arm": "a b", "repeat": 2, "split": 5, "goal": "maximize"}
    made = record.add_search("kept/a b", **kind, sampler_state=state)
    assert record.add_search("kept/a b", **kind) == made
    assert made.sampler_state == state and record.searches() == [made]


def test_a_trial_and_what_the_sampler_noted_at_it_are_written_together(
    record: Record, search: Search
) -> None:
    record.begin(trial_of(search), {"step": 1})
    assert record.searches()[0].sampler_state == {"step": 1}
    with pytest.raises(StorageError):
        record.begin(trial_of(search), {"step": 2})  # its key is taken
    assert record.searches()[0].sampler_state == {"step": 1}
    assert len(record.trials()) == 1


def test_the_seconds_of_a_study_are_without_its_pauses(record: Record, search: Search) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5)
    spans = [(0, 10), (2, 5), (8, 12), (3600, 3603)]
    for number, (start, end) in enumerate(spans):
        started, ended = at + timedelta(seconds=start), at + timedelta(seconds=end)
        trial = replace(trial_of(search, number), started=started, ended=ended)
        record.add(replace(trial, outcome=Outcome.completed), [], {})
    assert record.training_seconds() == 15


def test_a_whole_trial_of_elsewhere_is_added(record: Record, search: Search) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5)
    trial = replace(trial_of(search), started=at, ended=at + timedelta(seconds=1), value=0.5,
                    outcome=Outcome.completed)  # fmt: skip
    rows = [EpochRow(1, 1000, {"val/loss": 0.5, "x": 1.0}), EpochRow(2, 2000, {"x": 2.0})]
    added = record.add(trial, rows, {1: 0.5, 2: None}, failed=2, version="0.0.9")
    (found,) = record.trials()
    assert found.curve[1] == 0.5
    assert math.isnan(found.curve[2])
    assert same(replace(found, curve={}), added)
    assert record.epochs(added.id) == rows
    assert (record.attempts(added.id), record.version(added.id)) == (3, "0.0.9")


def test_a_record_keeps_its_identity(home: Home) -> None:
    with Record.writing(home, STUDY) as record:
        first = record.notes()["record"]
    with Record.writing(home, STUDY) as record:
        assert record.notes()["record"] == first
    with Record.writing(home, "other") as record:
        assert record.notes()["record"] != first
    assert recorded_studies(home) == [STUDY, "other"]


def test_there_is_one_writer(home: Home, record: Record) -> None:
    said = f"study {STUDY} is being run by process"
    with pytest.raises(BusyError, match=said), Record.writing(home, STUDY):
        raise AssertionError("a second writer was let in")
    record.note({"still": "written"})
    assert record.notes()["still"] == "written"


def test_a_reader_sees_what_was_committed_and_makes_nobody_wait(
    home: Home, record: Record, search: Search
) -> None:
    begun = record.begin(trial_of(search))
    with RecordReader.open(home, STUDY) as reader:
        reader.connection.execute("BEGIN")
        assert len(reader.trials()) == 1  # from here on it sees this moment
        record.epoch(begun.id, 1, {}, 1.0)
        record.finish(begun.finished(end_of(), 0.25, datetime.now()))
        assert reader.trials()[0].outcome is None
        reader.connection.execute("COMMIT")
        assert reader.trials()[0].outcome is Outcome.completed


def test_a_reader_cannot_write(home: Home, record: Record) -> None:
    with (
        RecordReader.open(home, STUDY) as reader,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        reader.connection.execute("DELETE FROM notes")


def test_looking_into_an_idle_record_leaves_no_file(home: Home) -> None:
    with Record.writing(home, STUDY) as record:
        record.note({"a": 1})
    folder = home.record(STUDY).parent
    before = sorted(path.name for path in folder.iterdir())
    assert not [name for name in before if name.startswith("record.db-")]
    database._held.clear()  # as in another process
    with RecordReader.open(home, STUDY) as reader:
        assert reader.notes()["a"] == 1
        assert sorted(path.name for path in folder.iterdir()) == before
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_driver_that_reads_its_own_record_keeps_the_locks_on_it(home: Home) -> None:
    with Record.writing(home, STUDY) as record:
        record.note({"a": 1})
        path = record.path
        with RecordReader.open(home, STUDY) as reader:
            assert reader.notes()["a"] == 1
        script = (
            "import sqlite3, sys\n"
            "database = sqlite3.connect(sys.argv[1])\n"
            "database.execute('SELECT count(*) FROM notes').fetchall()\n"
            "database.close()\n"
        )
        in_another_process(script, path)
        # the last one to close a database removes its log: that must not have been the visitor
        assert path.with_name("record.db-wal").exists()


def in_another_process(script: str, path: Path) -> None:
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)


def test_a_study_without_a_record_is_named(home: Home) -> None:
    with pytest.raises(UserError, match="there is no study 'nothing'"):
        RecordReader.open(home, "nothing")


@pytest.mark.parametrize("where", ["writer", "reader"])
def test_a_newer_record_is_refused_and_stays_as_it_is(where: str, home: Home) -> None:
    path = made(home, schema.VERSION + 1)
    before = path.read_bytes()
    with pytest.raises(StorageError, match="a newer fairtune made it"), ExitStack() as stack:
        opened(where, home, stack)
    assert path.read_bytes() == before


def test_a_newer_record_is_refused_where_only_its_log_says_so(home: Home) -> None:
    path = made(home, schema.VERSION)
    with closing(sqlite3.connect(path)) as newer:
        newer.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
        newer.commit()
        assert path.with_name("record.db-wal").stat().st_size > 0
        for where in ("writer", "reader"):
            with pytest.raises(StorageError, match="a newer fairtune"), ExitStack() as stack:
                opened(where, home, stack)


def test_an_older_record_is_brought_up_to_date_after_a_copy(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = made(home, schema.VERSION)
    newer = schema.VERSION + 1
    monkeypatch.setattr(schema, "VERSION", newer)
    monkeypatch.setattr(schema, "MIGRATIONS", {newer - 1: "ALTER TABLE trials ADD COLUMN mood"})
    with pytest.raises(StorageError, match="an older fairtune made it"):
        RecordReader.open(home, STUDY)
    with Record.writing(home, STUDY) as record:
        assert "mood" in columns(record.connection)
        assert record.notes()["kept"] is True
    assert version_of(path) == newer
    (copy,) = path.parent.glob("record.db.backup-*")
    assert version_of(copy) == newer - 1
    assert f"its copy is {copy}" in caplog.text
    with RecordReader.open(home, STUDY) as reader:
        assert reader.notes()["kept"] is True


def test_a_migration_that_fails_leaves_the_record_as_it_was(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(home, schema.VERSION)
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    steps = "ALTER TABLE trials ADD COLUMN mood; ALTER TABLE nowhere ADD COLUMN x"
    monkeypatch.setattr(schema, "MIGRATIONS", {schema.VERSION - 1: steps})
    with pytest.raises(StorageError, match="no such table: nowhere"), ExitStack() as stack:
        opened("writer", home, stack)
    assert version_of(path) == schema.VERSION - 1
    with closing(sqlite3.connect(path)) as database:
        assert "mood" not in columns(database)


def test_a_record_that_is_filled_is_there_whole_or_not_at_all(home: Home) -> None:
    home.create(STUDY)
    path = home.record(STUDY)
    with pytest.raises(ZeroDivisionError), Record.new(path) as record:
        record.note({"a": 1})
        raise ZeroDivisionError
    assert [each.name for each in path.parent.iterdir() if "record" in each.name] == []
    with Record.new(path) as record:
        record.note({"a": 1})
        assert not path.exists()
    with RecordReader.open(home, STUDY) as reader:
        assert reader.notes()["a"] == 1
    with Record.writing(home, STUDY) as record:
        record.note({"a": 2})


@pytest.mark.parametrize("type_", ["nfs4", "lustre"])
def test_on_a_network_file_system_a_rollback_journal_is_kept_and_every_write_reaches_the_disk(
    type_: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mounted:
        mountpoint, fstype = str(home.path.parent), type_

    class Root:
        mountpoint, fstype = "/", "ext4"

    monkeypatch.setattr(opening.psutil, "disk_partitions", lambda **_: [Mounted, Root])
    with Record.writing(home, STUDY) as record:
        search = record.add_search(STUDY, arm="", goal="minimize")
        begun = record.begin(trial_of(search))
        record.finish(begun.finished(end_of(), 0.25, datetime.now()))
        assert pragma(record.connection, "journal_mode") == "delete"
        assert pragma(record.connection, "synchronous") == 2
        database._held.clear()
        with RecordReader.open(home, STUDY) as reader:
            assert reader.trials()[0].value == 0.25
            record.begin(trial_of(search, 1))
            assert len(reader.trials()) == 2  # it was not told that nothing changes
        assert not record.path.with_name("record.db-wal").exists()


def test_on_a_disk_of_this_machine_the_log_is_written_ahead(record: Record) -> None:
    assert pragma(record.connection, "journal_mode") == "wal"
    assert pragma(record.connection, "synchronous") == 1
    search = record.add_search(STUDY, arm="", goal="minimize")
    statements: list[str] = []
    record.connection.set_trace_callback(statements.append)
    begun = record.begin(trial_of(search))
    assert "PRAGMA synchronous = FULL" not in statements
    record.finish(begun.finished(end_of(), 0.25, datetime.now()))
    assert "PRAGMA synchronous = FULL" in statements
    assert pragma(record.connection, "synchronous") == 1


def made(home: Home, version: int) -> Path:
    """A record of that version."""
    with Record.writing(home, STUDY) as record:
        record.note({"kept": True})
        record.connection.execute(f"PRAGMA user_version = {version}")
    database._held.clear()  # as in another process
    return record.path


def opened(where: str, home: Home, stack: ExitStack) -> RecordReader:
    if where == "writer":
        return stack.enter_context(Record.writing(home, STUDY))
    return stack.enter_context(RecordReader.open(home, STUDY))


def pragma(connection: sqlite3.Connection, name: str) -> Any:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        return int(pragma(database, "user_version"))


def columns(connection: sqlite3.Connection) -> set[str]:
    return {row[1] for row in connection.execute("PRAGMA table_info(trials)")}


def test_what_is_written_together_is_there_whole_or_not_at_all(
    record: Record, search: Search
) -> None:
    begun = record.begin(trial_of(search))

    def write() -> None:
        record.epoch(begun.id, 1, {"val/loss": 0.5}, 0.5)
        record.finish(begun.finished(end_of(), 0.25, datetime.now()))
        record.begin(trial_of(search, 1))

    with pytest.raises(KeyError), record.together(durable=True):
        write()
        raise KeyError
    assert not record.has_epochs
    assert [trial.outcome for trial in record.trials()] == [None]
    with record.together(durable=True):
        write()
    assert record.has_epochs
    assert [trial.outcome for trial in record.trials()] == [Outcome.completed, None]
