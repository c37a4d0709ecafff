"""The spool's files: what a crash may tear, and what counts as delivered."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lightning_modules.errors import StorageError
from studies.home import Home, slug
from studies.records import Outcome, TrialEnd
from studies.spool import ABANDONED, Spool

END = TrialEnd(Outcome.completed, epochs=2, best_epoch=2, best={"val/accuracy": 0.5})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path, "sqlite:///optuna.db", "http://me:secret@127.0.0.1:5000")


def start(spool: Spool, key: str = "adam-0001", now: int = 10, **changes: Any) -> bool:
    line: dict[str, Any] = {"resumed": False, "tags": {"a": "b"}, "params": {"x": "1"}}
    return spool.start(key, now=now, **{**line, **changes})


def file(spool: Spool, key: str = "adam-0001") -> Path:
    return spool.folder / f"{slug(key)}.jsonl"


def test_a_trial_is_read_back_as_it_was_written(home: Home) -> None:
    spool = Spool(home, "study")
    assert start(spool)
    spool.epoch("adam-0001", 1, {"val/loss": float("nan")}, 20)
    spool.epoch("adam-0001", 2, {"val/loss": 1.0}, 30)
    spool.end("adam-0001", END, 40)
    trial = Spool(home, "study").read("adam-0001")
    assert trial is not None
    assert (trial.key, trial.tags, trial.params) == ("adam-0001", {"a": "b"}, {"x": "1"})
    assert (trial.started, trial.last, trial.end) == (10, 40, END)
    assert trial.epochs[2] == (30, {"val/loss": 1.0})
    assert trial.size == file(spool).stat().st_size


@pytest.mark.parametrize("torn", range(1, 50, 7))
def test_a_line_that_a_crash_has_torn_is_cut_off_and_the_epoch_written_again(
    torn: int, home: Home
) -> None:
    spool = Spool(home, "study")
    start(spool)
    spool.epoch("adam-0001", 1, {"val/loss": 1.0}, 20)
    spool.epoch("adam-0001", 2, {"val/loss": 0.5}, 30)
    file(spool).write_bytes(file(spool).read_bytes()[:-torn])
    again = Spool(home, "study")
    trial = again.read("adam-0001")
    assert trial is not None and list(trial.epochs) == [1]
    assert not start(again, now=50, resumed=True)
    for epoch in (1, 2):
        again.epoch("adam-0001", epoch, {"val/loss": 0.25}, 60)
    trial = again.read("adam-0001")
    assert trial is not None
    assert trial.epochs == {1: (20, {"val/loss": 1.0}), 2: (60, {"val/loss": 0.25})}


def test_a_power_failure_that_leaves_zeros_costs_no_more_than_the_last_lines(home: Home) -> None:
    spool = Spool(home, "study")
    start(spool)
    with file(spool).open("ab") as written:
        written.write(bytes(20) + b"\n")
    again = Spool(home, "study")
    start(again, now=50, resumed=True)
    again.epoch("adam-0001", 1, {}, 60)
    trial = spool.read("adam-0001")
    assert trial is not None and trial.epochs == {1: (60, {})}


def test_what_a_dead_driver_was_doing_ends_as_interrupted_when_it_was_last_heard_of(
    home: Home,
) -> None:
    spool = Spool(home, "study")
    start(spool)
    spool.epoch("adam-0001", 1, {}, 20)
    file(spool, "adam-0002").write_bytes(b'{"start": 1')
    again = Spool(home, "study")
    again.close_abandoned()
    trial = again.read("adam-0001")
    assert trial is not None and trial.last == 20
    assert trial.end == TrialEnd(Outcome.interrupted, reason=ABANDONED)
    assert again.names() == ["adam-0001"]


def test_a_trial_waits_until_all_of_it_was_delivered_to_this_very_store(home: Home) -> None:
    spool = Spool(home, "study")
    start(spool)
    assert spool.waiting() == ["adam-0001"]
    trial = spool.read("adam-0001")
    assert trial is not None
    spool.end("adam-0001", END, 40)
    spool.delivered(trial, "run")  # of what was there before the end
    assert spool.waiting() == ["adam-0001"]
    trial = spool.read("adam-0001")
    assert trial is not None
    spool.delivered(trial, "run")
    assert (spool.waiting(), spool.run_ids()) == ([], {"adam-0001": "run"})
    other = Spool(replace(home, mlflow_uri="http://127.0.0.1:5001"), "study")
    assert (other.waiting(), other.run_ids()) == (["adam-0001"], {})
    changed = Spool(replace(home, mlflow_uri="http://me:changed@127.0.0.1:5000"), "study")
    assert changed.waiting() == []


def test_a_long_or_strange_key_has_one_file(home: Home) -> None:
    spool = Spool(home, "study")
    for key in ("../x", "ä" * 300, "x" * 300):
        start(spool, key)
        spool.end(key, END, 40)
        assert slug(slug(key)) == slug(key)
    assert len(spool.names()) == 3
    for name in spool.names():
        trial = spool.read(name)
        assert trial is not None
        spool.delivered(trial, "run")
    assert spool.waiting() == []


def test_a_spool_that_cannot_be_written_is_a_storage_error(home: Home) -> None:
    spool = Spool(home, "study")
    spool.folder.parent.mkdir(parents=True)
    spool.folder.write_text("a file")
    with pytest.raises(StorageError, match=r"spool/.*: cannot be written \(Not a dir"):
        start(spool)
