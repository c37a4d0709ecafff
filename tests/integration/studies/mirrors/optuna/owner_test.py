"""Whose the studies in a shared Optuna storage are: real databases, and processes that die."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import optuna
import pytest

from lightning_modules.errors import StorageError
from studies.cli import main
from studies.home import Home
from studies.mirrors.left import sync_command
from studies.mirrors.optuna.mirror import OptunaMirror
from studies.mirrors.optuna.study import OptunaStudy
from studies.records import RecordReader, Trial
from tests.support.agreement import optuna_holds
from tests.support.checkout import ROOT
from tests.support.recorded import STUDY, Recording, bring_up, follower, rebuild, recording

Output = pytest.CaptureFixture[str]


def write(home: Home, *numbers: int, lr: float = 0.01) -> None:
    """Trials of a study that is over, which begins at a learning rate."""
    with recording(home) as told:
        for number in numbers:
            train(told, number, lr)
        told.finish()


def train(told: Recording, number: int, lr: float) -> None:
    told.train(number, params={"optimizer.lr": lr + number / 1000})


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a storage that several homes use."""
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    monkeypatch.setenv("FAIRTUNE_STORAGE", url)
    return url


@contextmanager
def storage(url: str) -> Iterator[optuna.storages.RDBStorage]:
    opened = optuna.storages.RDBStorage(url)
    yield opened
    opened.remove_session()
    opened.engine.dispose()


def rates(url: str, name: str = f"{STUDY}/adam") -> list[float]:
    with storage(url) as opened:
        study = optuna.load_study(study_name=name, storage=opened)
        return [trial.params["optimizer.lr"] for trial in study.get_trials()]


def names(url: str) -> list[str]:
    with storage(url) as opened:
        return sorted(optuna.get_all_study_names(opened))


def forget_the_record(url: str) -> None:
    """Make studies look as an earlier version wrote them."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as opened, opened:
        opened.execute("delete from study_user_attributes where key in ('record', 'writer')")


def check(home: Home) -> None:
    """Every study of the record is in Optuna, as the record says."""
    with RecordReader.open(home, STUDY) as record:
        trials = record.trials()
        for search in record.searches():
            optuna_holds(home, search, [trial for trial in trials if trial.search == search.id])


def test_a_study_of_an_earlier_version_with_other_trials_is_left_as_it_is(
    shared: str, tmp_path: Path
) -> None:
    write(Home.at(tmp_path / "one"), 0, 1)
    bring_up(Home.at(tmp_path / "one"), "optuna")
    forget_the_record(shared)
    before = rates(shared)
    other = Home.at(tmp_path / "other")
    write(other, 0, 1, 2, lr=0.05)
    for again in (bring_up, rebuild):
        with pytest.raises(StorageError) as caught:
            again(other, *(["optuna"] if again is bring_up else []))
        assert str(caught.value) == (
            f"the Optuna study {STUDY}/adam in {shared} is of an earlier version, and its trials "
            f"are not those of this record; `fairtune import {STUDY} --home OTHER` makes a record "
            "of it elsewhere; to mirror this one, give it another name, or name another database "
            "with FAIRTUNE_STORAGE"
        )
    assert rates(shared) == before


def test_what_is_of_an_earlier_version_is_kept_where_its_trials_are_those_of_the_record(
    shared: str, home: Home
) -> None:
    write(home, 0, 1)
    bring_up(home, "optuna")
    forget_the_record(shared)
    with storage(shared) as opened:
        before = optuna.load_study(study_name=f"{STUDY}/adam", storage=opened)
        before.enqueue_trial({"optimizer.lr": 0.01})  # a queued one was never begun
    write(home, 2)
    bring_up(home, "optuna")
    check(home)


KILLED = """
import os, signal, sys
from pathlib import Path
from optuna.storages import RDBStorage
from studies.home import Home
from tests.support.recorded import bring_up
told, after = [], int(sys.argv[2])
write = RDBStorage.set_study_user_attr
def dying(*args):
    if len(told) == after: os.kill(os.getpid(), signal.SIGKILL)
    told.append(args)
    return write(*args)
RDBStorage.set_study_user_attr = dying
bring_up(Home.at(Path(sys.argv[1])), "optuna")
"""


@pytest.mark.parametrize("after", range(4))
def test_a_study_whose_attributes_were_cut_short_belongs_to_its_own_home_alone(
    after: int, shared: str, home: Home, tmp_path: Path
) -> None:
    write(home, 0)
    argv = [sys.executable, "-c", KILLED, str(home.path), str(after)]
    root = str(ROOT)
    done = subprocess.run(argv, check=False, env={**os.environ, "PYTHONPATH": root})
    assert done.returncode == -signal.SIGKILL
    other = Home.at(tmp_path / "other")
    write(other, 0, lr=0.05)
    if after:
        with pytest.raises(StorageError, match="is of another record"):
            bring_up(other, "optuna")
    bring_up(home, "optuna")
    check(home)


def test_an_empty_study_with_some_of_our_attributes_and_no_record_is_ours(
    shared: str, home: Home
) -> None:
    write(home, 0)
    with storage(shared) as opened:
        study = optuna.create_study(
            study_name=f"{STUDY}/adam", storage=opened, direction="maximize"
        )
        study.set_user_attr("arm", "adam")
    bring_up(home, "optuna")
    check(home)


def test_a_copied_home_does_not_touch_what_the_first_one_mirrors_until_it_is_told_to(
    shared: str, tmp_path: Path, capsys: Output
) -> None:
    one, copy = Home.at(tmp_path / "one"), Home.at(tmp_path / "copy")
    write(one, 0)
    bring_up(one, "optuna")
    shutil.copytree(one.path, copy.path)
    write(one, 1)
    write(copy, 1, lr=0.05)
    bring_up(one, "optuna")
    before = rates(shared)
    with pytest.raises(StorageError) as caught:
        bring_up(copy, "optuna")
    assert str(caught.value) == (
        f"the Optuna study {STUDY}/adam in {shared} is written by a copy of this home; "
        f"`{sync_command(copy, STUDY, '--rebuild')}` takes it over, or name another database with "
        "FAIRTUNE_STORAGE"
    )
    assert rates(shared) == before
    assert main(["sync", STUDY, "--rebuild", "--home", str(copy.path)]) == 0
    check(copy)
    bring_up(copy, "optuna")
    with pytest.raises(StorageError, match="is written by a copy of this home"):
        bring_up(one, "optuna")
    check(copy)


def test_a_home_that_is_copied_with_its_database_goes_on_in_its_own(tmp_path: Path) -> None:
    one, copy = Home.at(tmp_path / "one"), Home.at(tmp_path / "copy")
    write(one, 0)
    bring_up(one, "optuna")
    shutil.copytree(one.path, copy.path)
    write(copy, 1)
    bring_up(copy, "optuna")
    check(copy)


def test_a_home_that_was_moved_is_still_the_writer(shared: str, tmp_path: Path) -> None:
    one, moved = Home.at(tmp_path / "one"), Home.at(tmp_path / "moved")
    write(one, 0)
    bring_up(one, "optuna")
    one.path.rename(moved.path)
    write(moved, 1)
    bring_up(moved, "optuna")
    check(moved)


def test_a_study_that_was_started_anew_is_mirrored_again_as_the_sentence_says(
    shared: str, home: Home, tmp_path: Path
) -> None:
    with recording(home) as told:
        train(told, 0, 0.01)
        told.train(0, phase="confirm", seed_index=0)
    bring_up(home, "optuna")
    with storage(shared) as opened:
        optuna.create_study(study_name="someone", storage=opened)
    home.study(STUDY).rename(tmp_path / "aside")
    write(home, 0, lr=0.05)
    before = rates(shared)
    with pytest.raises(StorageError) as caught:
        bring_up(home, "optuna")
    assert str(caught.value) == (
        f"the Optuna study {STUDY}/adam in {shared} is of an earlier record of this home; "
        f"`{sync_command(home, STUDY, '--rebuild')}` replaces it, or name another database with "
        "FAIRTUNE_STORAGE"
    )
    assert rates(shared) == before
    assert main(["sync", STUDY, "--rebuild", "--home", str(home.path)]) == 0
    check(home)
    assert names(shared) == ["someone", f"{STUDY}/adam"]


# --- trials that somebody adds meanwhile ---------------------------------------------------------


def add(url: str) -> None:
    with storage(url) as opened:
        study = optuna.load_study(study_name=f"{STUDY}/adam", storage=opened)
        study.enqueue_trial({"optimizer.lr": 0.5})


def before_the_rest(home: Home) -> None:
    add(home.optuna_url)
    write(home, 1, 2)


def after_the_rest(home: Home) -> None:
    write(home, 1, 2)
    add(home.optuna_url)


@pytest.mark.parametrize("meanwhile", [before_the_rest, after_the_rest])
def test_a_trial_that_somebody_adds_while_the_mirror_follows_shifts_no_number(
    home: Home, meanwhile: Callable[[Home], None]
) -> None:
    write(home, 0)
    mirror = OptunaMirror(home, STUDY)
    with follower(home, "optuna") as one:
        with RecordReader.open(home, STUDY) as record:
            mirror.bring_up(record, one.backlog, "")
        meanwhile(home)
        assert one.bring_up(mirror, "finish")
    check(home)


def test_a_trial_under_way_is_never_written_to_one_that_somebody_added(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studies.mirrors.backlog.LIVE_SECONDS", -1.0)
    write(home, 0)
    mirror = OptunaMirror(home, STUDY)
    with follower(home, "optuna") as one, recording(home) as told:
        one.bring_up(mirror, "")
        add(home.optuna_url)
        trial = told.start(1)
        for epoch in (1, 2, 3):
            told.epoch(trial, epoch)
            one.bring_up(mirror, "")
        told.end(trial)
        told.finish()
        assert one.bring_up(mirror, "finish")
    check(home)


def test_a_program_that_goes_on_adding_trials_is_named(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, 0)
    own = OptunaStudy.add

    def beside(self: OptunaStudy, trial: Trial) -> None:
        add(home.optuna_url)
        own(self, trial)

    monkeypatch.setattr(OptunaStudy, "add", beside)
    with pytest.raises(StorageError, match="another program adds trials to the Optuna study"):
        bring_up(home, "optuna")
