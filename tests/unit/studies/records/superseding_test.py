"""Trials whose place others take, and studies that get another name: in the record alone."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from studies.home import Home
from studies.records import Outcome, Record, RecordReader, Search, Trial, TrialEnd, schema
from studies.records.names import RENAMED
from studies.records.superseding import FORMER
from studies.records.types import QUEUED, SUPERSEDED
from tests.support.record_made import STUDY, trial_of

FAILED = TrialEnd(Outcome.error, reason="no such luck", epochs=1, traceback="Traceback: ...")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "home")


@pytest.fixture
def record(home: Home) -> Iterator[Record]:
    with Record.writing(home, STUDY) as record:
        record.note({"study": STUDY})
        yield record


@pytest.fixture
def search(record: Record) -> Search:
    return record.add_search(f"{STUDY}/adam", arm="adam", goal="minimize")


def failed(record: Record, search: Search, number: int = 0, code: str = "v1") -> Trial:
    """A trial that failed after an epoch."""
    record.code = code
    known = {each.number: each for each in record.trials(search.id)}
    begun = record.begin(known.get(number) or trial_of(search, number))
    record.epoch(begun.id, 1, {"val/loss": 0.5}, 0.5)
    return record.finish(begun.finished(FAILED, None, datetime.now()))


def by_key(record: RecordReader) -> dict[str, Trial]:
    return {trial.key: trial for trial in record.trials()}


def test_a_trial_that_is_queued_again_waits_in_its_place_and_keeps_nothing_of_the_attempt(
    record: Record, search: Search
) -> None:
    failed(record, search)
    failed(record, search, 1)
    begun, other = record.trials()
    record.queue_again([begun])
    found = by_key(record)
    waiting = found["trial-0000"]
    assert (waiting.outcome, waiting.reason) == (Outcome.interrupted, QUEUED)
    assert (waiting.number, waiting.seed, waiting.search) == (0, begun.seed, search.id)
    assert (waiting.curve, waiting.epochs, waiting.traceback, waiting.code) == ({}, 0, "", "")
    assert record.attempts(waiting.id) == 0
    aside = found["trial-0000-superseded-1"]
    assert aside.phase == SUPERSEDED and aside.id == begun.id
    same = ("outcome", "reason", "traceback", "curve", "code", "epochs", "started")
    assert all(getattr(aside, name) == getattr(begun, name) for name in same)
    assert record.attempts(aside.id) == 1
    assert found["trial-0001"] == other


def test_a_trial_that_is_queued_again_starts_with_its_first_attempt(
    record: Record, search: Search
) -> None:
    record.queue_again([failed(record, search)])
    record.connection.execute("UPDATE trials SET started = 0 WHERE key = 'trial-0000'")
    begun = record.begin(by_key(record)["trial-0000"])
    assert begun == by_key(record)["trial-0000"]
    assert begun.started is not None and begun.started.year > 2000


def test_every_turn_of_a_trial_is_counted(record: Record, search: Search) -> None:
    for turn in range(3):
        record.queue_again([failed(record, search, code=f"v{turn}")])
    found = by_key(record)
    assert {key: (each.queued, each.code) for key, each in found.items()} == {
        "trial-0000-superseded-1": (0, "v0"),
        "trial-0000-superseded-2": (1, "v1"),
        "trial-0000-superseded-3": (2, "v2"),
        "trial-0000": (3, ""),
    }


def test_what_a_pruner_noted_is_not_kept(record: Record, search: Search) -> None:
    state = {"completed_rung_0": 0.5, "fixed_params": {"lr": 1}}
    record.queue_again([replace(failed(record, search), sampler_state=state)])
    assert by_key(record)["trial-0000"].sampler_state == {"fixed_params": {"lr": 1}}


def test_a_study_that_starts_anew_has_no_searches_and_its_names_are_counted_on(
    record: Record, search: Search
) -> None:
    identity = record.notes()["record"]
    failed(record, search)
    record.note({"study_file": "study: kept", "sequence": {}, "finished": "study: kept"})
    record.start_anew()
    assert record.notes() == {"record": identity, FORMER: [f"{STUDY}/adam"]}
    assert [each.name for each in record.searches()] == [f"{STUDY}:superseded"]
    record.note({"study": STUDY})
    again = record.add_search(f"{STUDY}/sgd", arm="sgd", goal="maximize")
    assert failed(record, again).queued == 1
    record.start_anew()
    assert record.notes()[FORMER] == [f"{STUDY}/adam", f"{STUDY}/sgd"]
    assert sorted(by_key(record)) == ["trial-0000-superseded-1", "trial-0000-superseded-2"]


def test_code_is_noted_where_nobody_wrote_it_down(record: Record, search: Search) -> None:
    failed(record, search, code="")
    record.note_code("v1")
    failed(record, search, 1, code="v2")
    record.note_code("v3")
    assert [each.code for each in record.trials()] == ["v1", "v2"]


def test_a_record_of_the_first_version_is_brought_up_to_date(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    with Record.writing(home, STUDY) as record:
        failed(record, record.add_search(STUDY, arm="", goal="minimize"), code="")
        before = record.trials()
    with closing(sqlite3.connect(home.record(STUDY))) as database:
        database.executescript(
            "ALTER TABLE trials DROP COLUMN code; ALTER TABLE trials DROP COLUMN queued; "
            "ALTER TABLE trials DROP COLUMN system; DROP TABLE annotations; "
            "PRAGMA user_version = 1"
        )
    with Record.writing(home, STUDY) as record:
        assert record.trials() == before
        (version,) = record.connection.execute("PRAGMA user_version").fetchone()
        assert version == schema.VERSION
    assert "was of an older version (1) and was brought up to date" in caplog.text


FILE = "study: kept\ndata: iris\n"


def test_a_record_has_the_name_of_its_folder_once_that_was_announced(home: Home) -> None:
    with Record.writing(home, STUDY) as record:
        record.note(
            {"study": STUDY, "study_file": FILE, "finished": FILE,
             "command": ["kept.yaml", "--set", "a=1", "--allow", "mine"]}
        )  # fmt: skip
        record.add_search(STUDY, arm="", goal="minimize")
        record.add_search(f"{STUDY}/adam/r2", arm="adam", goal="minimize")
        record.add_search(f"{STUDY}:confirm", arm="", phase="confirm", goal="minimize")
        record.announce_name("other")
    home.study(STUDY).rename(home.study("other"))
    with RecordReader.open(home, "other") as reader:
        seen = reader.notes()
    assert seen["study"] == "other" and "study: other" in seen["study_file"]
    assert seen["finished"] == seen["study_file"]
    with Record.writing(home, "other") as record:
        names = [each.name for each in record.searches()]
        assert names == ["other", "other/adam/r2", "other:confirm"]
        notes = record.written_notes()
    assert notes["former_searches"] == ["kept", "kept/adam/r2", "kept:confirm"]
    assert notes["former_names"] == [STUDY]
    assert notes["command"] == ["other", "--allow", "mine"]
    assert RENAMED not in notes
    assert all(notes[name] == seen[name] for name in ("study", "study_file", "finished"))


def test_a_name_that_the_folder_never_got_is_forgotten(home: Home) -> None:
    with Record.writing(home, STUDY) as record:
        record.note({"study": STUDY})
        before = record.notes()
        record.announce_name("other")
    with RecordReader.open(home, STUDY) as reader:
        assert reader.notes()["study"] == STUDY
    with Record.writing(home, STUDY) as record:
        assert record.written_notes() == before
