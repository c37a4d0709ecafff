"""Notes and tags of people in a record, written beside its driver and kept by what changes it."""

import sqlite3
from contextlib import closing
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from lightning_modules.errors import BusyError, StorageError, UserError
from studies.home import Home
from studies.records import Annotation, Outcome, Record, RecordReader, Trial, TrialEnd, schema
from studies.records.annotations import OF_STUDY, annotating, annotation_of, row_of
from tests.support.record_made import STUDY, trial_of


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "home")


def begin(record: Record, number: int = 0) -> Trial:
    record.note({"study": STUDY})
    search = record.add_search(STUDY, arm="", goal="minimize")
    return record.begin(trial_of(search, number))


def end(record: Record, trial: Trial) -> Trial:
    return record.finish(trial.finished(TrialEnd(Outcome.error), None, datetime.now()))


def read(home: Home) -> tuple[Annotation, list[Annotation]]:
    with RecordReader.open(home, STUDY) as record:
        return annotation_of(record, OF_STUDY), [each.annotation for each in record.trials()]


def test_they_are_read_with_the_study_and_the_trial_that_they_are_of(home: Home) -> None:
    with Record.writing(home, STUDY) as record:
        begin(record), begin(record, 1)
    with annotating(home, STUDY) as (writer, busy):
        assert not busy
        writer.write(OF_STUDY, {"": "the first", "team": "a"})
        writer.write(row_of(writer, STUDY, "trial-0001"), {"seen": "yes"})
    assert read(home) == (
        Annotation("the first", {"team": "a"}),
        [Annotation(), Annotation(tags={"seen": "yes"})],
    )


def test_a_change_and_a_removal_are_new_revisions_and_nothing_else_is(home: Home) -> None:
    with Record.writing(home, STUDY) as record:
        trial = begin(record)
    with annotating(home, STUDY) as (writer, _):
        revisions = [writer.revision]
        for texts in ({"a": "1"}, {"a": "1"}, {"a": "2"}, {"a": None}, {"a": None}):
            left = writer.write(trial.id, texts)
            revisions.append(writer.revision)
        assert left == Annotation()
        assert [now - then for then, now in pairwise(revisions)] == [
            1, 0, 1, 1, 0,
        ]  # fmt: skip
        assert writer.trials()[0].revision == revisions[-1]  # by which mirrors see it


def test_they_are_written_while_the_driver_writes(home: Home) -> None:
    with Record.writing(home, STUDY) as driver:
        trial = begin(driver)
        with annotating(home, STUDY) as (writer, busy):
            assert busy
            writer.write(trial.id, {"": "watch this one"})
        driver.epoch(trial.id, 1, {"val/loss": 1.0}, 1.0)
        ended = end(driver, trial)
        assert ended.revision == driver.revision
    ((kept,),) = (read(home)[1],)
    assert kept.note == "watch this one"


def test_an_older_fairtune_that_runs_a_study_has_no_room_for_them(home: Home) -> None:
    with Record.writing(home, STUDY) as driver:
        driver.connection.execute("PRAGMA user_version = 3")
        with pytest.raises(BusyError) as caught, annotating(home, STUDY):
            pass
    assert str(caught.value) == (
        f"study {STUDY} is being run by an older fairtune, whose record has no room for notes and "
        "tags; run the same command again when it has ended"
    )


def test_a_record_of_the_third_version_gets_a_table_for_them(home: Home) -> None:
    with Record.writing(home, STUDY) as record:
        begin(record)
    with closing(sqlite3.connect(home.record(STUDY))) as old:
        old.executescript("DROP TABLE annotations; PRAGMA user_version = 3")
    with annotating(home, STUDY) as (writer, _):
        writer.write(OF_STUDY, {"team": "a"})
        (version,) = writer.connection.execute("PRAGMA user_version").fetchone()
    assert (read(home)[0].tags, version) == ({"team": "a"}, schema.VERSION)


def test_a_trial_that_is_put_aside_keeps_its_own(home: Home) -> None:
    with Record.writing(home, STUDY) as record:
        trial = end(record, begin(record))
    with annotating(home, STUDY) as (writer, _):
        writer.write(trial.id, {"": "the disk was full"})
    with Record.writing(home, STUDY) as record:
        record.queue_again([trial])
        found = {each.key: each.annotation.note for each in record.trials()}
    assert found == {"trial-0000": "", "trial-0000-superseded-1": "the disk was full"}


def test_a_study_that_begins_anew_keeps_its_own(home: Home) -> None:
    with Record.writing(home, STUDY) as record:
        begin(record)
    with annotating(home, STUDY) as (writer, _):
        writer.write(OF_STUDY, {"team": "a"})
    with Record.writing(home, STUDY) as record:
        record.start_anew()
    assert read(home)[0].tags == {"team": "a"}


def test_a_trial_that_is_not_there_is_named_with_one_like_it(home: Home) -> None:
    with Record.writing(home, STUDY) as record:
        begin(record)
        with pytest.raises(UserError, match=f"{STUDY}: there is no trial 'trial-001'; did you"):
            row_of(record, STUDY, "trial-001")


def test_what_is_no_text_is_refused(home: Home) -> None:
    with Record.writing(home, STUDY) as record:
        begin(record)
        record.connection.execute("INSERT INTO annotations VALUES (1, 'a', x'00')")
        with pytest.raises(StorageError, match="annotations have a value that is no text"):
            record.trials()
