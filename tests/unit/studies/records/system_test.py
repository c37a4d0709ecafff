"""What a trial took of the machine is in the record, and in that of an earlier version brought up
to date it is unknown."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from lightning_modules.errors import StorageError
from studies.home import Home
from studies.records import Outcome, Record, RecordReader, TrialEnd, schema
from tests.support.record_made import STUDY, trial_of

SYSTEM = {"system/memory": 812.5, "system/gpu_memory": 3174.0, "system/gpu_utilization": 64.0}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "home")


def record_trial(record: Record) -> None:
    trial = record.begin(trial_of(record.add_search(STUDY, arm="", goal="minimize")))
    end = TrialEnd(Outcome.completed, epochs=1, system=SYSTEM)
    record.finish(trial.finished(end, 0.5, datetime.now()))


def test_it_is_read_as_it_was_written(home: Home) -> None:
    with Record.writing(home, STUDY) as record:
        record_trial(record)
        (trial,) = record.trials()
    assert trial.system == SYSTEM


@pytest.mark.parametrize("text", ['{"system/memory": "much"}', "[]", "null"])
def test_what_nobody_has_measured_so_is_refused(home: Home, text: str) -> None:
    with Record.writing(home, STUDY) as record:
        record_trial(record)
        record.connection.execute("UPDATE trials SET system = ?", [text])
        with pytest.raises(StorageError, match=r"trials\.system has"):
            record.trials()


def test_a_record_of_the_second_version_is_brought_up_to_date(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    with Record.writing(home, STUDY) as record:
        record_trial(record)
    path = home.record(STUDY)
    with closing(sqlite3.connect(path)) as old:
        old.executescript(
            "ALTER TABLE trials DROP COLUMN system; DROP TABLE annotations; PRAGMA user_version = 2"
        )
    with pytest.raises(StorageError) as caught:
        RecordReader.open(home, STUDY)
    assert str(caught.value) == (
        f"{path}: an older fairtune made it (tables 2); `fairtune doctor --fix --home {home.path}` "
        "brings it up to date, after a copy"
    )
    with Record.writing(home, STUDY) as record:
        (trial,) = record.trials()
        (version,) = record.connection.execute("PRAGMA user_version").fetchone()
    assert (trial.system, trial.value, version) == ({}, 0.5, schema.VERSION)
    assert "was of an older version (2) and was brought up to date" in caplog.text
