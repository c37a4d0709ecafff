"""Records that are made from homes of before and from Optuna storages (`fairtune import`)."""

import csv
import io
import json
import math
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
import pytest
from filelock import FileLock, Timeout

from lightning_modules.errors import UserError
from studies.cli import main
from studies.home import Home
from studies.home.database import integrity
from studies.maintenance.importing import earlier_home
from studies.maintenance.importing.importer import import_study
from studies.maintenance.importing.sources import open_storage
from studies.mirrors.left import sync_command
from studies.records import Outcome, Record, RecordReader
from studies.records.deliveries import Deliveries, run_ids, store_name
from studies.reporting.render import render
from studies.results import load_results
from tests.support.agreement import check_agreement
from tests.support.checkout import ROOT

Output = pytest.CaptureFixture[str]
OLD = ROOT / "tests" / "old_home" / "home.tar.xz"
OLD_HOME = "/srv/iris/mlruns"
STUDIES = ["compared", "killed", "searched", "stopped"]
TIMES = ("started", "ended")
COPY = "optuna.db.before-records"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The old home beside its study files and what its version said of it."""
    with tarfile.open(OLD) as packed:
        packed.extractall(tmp_path, filter="data")
    return tmp_path


@pytest.fixture
def home(old: Path) -> Home:
    return Home.at(old / "home")


def said(old: Path, name: str) -> str:
    """What the old version said, of the home where it is now."""
    return (old / "told" / name).read_text().replace(OLD_HOME, str(old / "home"))


def spool(home: Home, study: str, key: str) -> dict[int, dict[str, float]]:
    """The metrics of every epoch, as the old version wrote them down."""
    path = home.study(study) / "spool" / f"{key}.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {line["epoch"]: line["metrics"] for line in lines if "epoch" in line}


def to_milliseconds(time: str) -> str:
    at = datetime.fromisoformat(time).timestamp()
    return str(datetime.fromtimestamp(round(at * 1000) / 1000)).removesuffix("000")


def last_json(output: Output) -> Any:
    return json.loads(output.readouterr().out.splitlines()[-1])


def test_the_first_command_imports_a_home_of_before_and_says_so_in_one_line(
    home: Home, capsys: Output
) -> None:
    assert main(["status", "--home", str(home.path)]) == 0
    assert capsys.readouterr().err == (
        f"fairtune: home {home.path} is of an earlier version: imported 4 studies; the copy of its "
        f"Optuna database is {home.path / COPY}\n"
    )
    assert integrity(home.path / COPY) == "ok"
    with open_storage(f"sqlite:///{home.path / COPY}") as copy:
        assert copy.studies() == STUDIES


def test_a_second_command_imports_nothing(home: Home, capsys: Output) -> None:
    assert main(["status", "--home", str(home.path)]) == 0
    records = {study: (home.study(study) / "record.db").read_bytes() for study in STUDIES}
    capsys.readouterr()
    assert main(["status", "--home", str(home.path)]) == 0
    assert capsys.readouterr().err == ""
    assert records == {study: (home.study(study) / "record.db").read_bytes() for study in STUDIES}
    assert len(list(home.path.glob("optuna.db.*"))) == 1


@pytest.mark.parametrize("study", ["compared", "searched"])
def test_status_of_an_imported_study_is_what_the_old_version_said(
    study: str, old: Path, home: Home, capsys: Output
) -> None:
    assert main(["status", study, "--home", str(home.path), "--json"]) == 0
    told, then = last_json(capsys), json.loads(said(old, f"status-{study}.json"))
    for each in (told, told["best"]):  # of which the old version knew nothing
        assert (each.pop("note"), each.pop("tags")) == (None, {})
    assert 0 < told.pop("seconds") <= then.pop("seconds")  # which had pauses among its seconds
    assert told == then


def test_the_verdict_of_an_imported_study_is_what_the_old_version_said(
    old: Path, home: Home, capsys: Output
) -> None:
    assert main(["compare", "compared", "--home", str(home.path), "--json"]) == 0
    told = last_json(capsys)
    (warning,) = told["alarms"]  # of which the old version knew nothing
    assert warning["kind"] == "few steps"
    assert told.pop("code") == {"": {"adam": 8, "sgd": 8}}  # nor of versions of code
    assert told.pop("devices") == {"cpu": {"adam": 8, "sgd": 8}}  # nor of devices
    assert told.pop("seeds_on_several_devices") == 0
    assert {**told, "alarms": []} == json.loads(said(old, "compare.json"))
    assert main(["best", "compared", "--home", str(home.path), "--json"]) == 0
    best = last_json(capsys)
    assert (best.pop("note"), best.pop("tags")) == (None, {})
    assert best == json.loads(said(old, "best.json"))


def parts(text: str) -> dict[str, str]:
    """The sections of a report by their headings."""
    sections = (section.partition("\n\n") for section in text.split("\n## "))
    return {heading: content.strip() for heading, _, content in sections}


@pytest.mark.parametrize("study", ["compared", "searched"])
def test_reports_of_an_imported_study_are_those_of_the_old_version(
    study: str, old: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studies.analysis.diagnostics.few_steps", lambda *_: [])  # not of then
    assert main(["import", study, "--home", str(home.path)]) == 0
    found = load_results(home, study)
    words = said(old, f"{study}.md")
    runnable = "search: {method: random, trials: 1, seed: 0}\n"  # is added to the best file
    told = parts(render(found, "md").replace(runnable, ""))
    then = parts(words)
    claim = then.pop("What may be said")
    assert claim[2 : claim.index(".**")] in told["Answer"]  # which stands on a card now
    then.pop("What would make it smaller", None)  # so does the way to a verdict
    then.pop("Pairs of arms", None)  # whose columns were empty where there is no verdict
    assert {heading: told[heading] for heading in then} == then
    now, then = ({row["trial"]: row for row in csv.DictReader(io.StringIO(text))}
                 for text in (render(found, "csv"), said(old, f"{study}.csv")))  # fmt: skip
    assert list(now) == list(then)
    for key, row in then.items():  # a record counts milliseconds
        assert now[key] == {**row, **{name: to_milliseconds(row[name]) for name in TIMES}}


@pytest.mark.parametrize("study", STUDIES)
def test_every_metric_of_every_epoch_and_its_time_are_kept(study: str, home: Home) -> None:
    assert main(["import", study, "--home", str(home.path)]) == 0
    with RecordReader.open(home, study) as record:
        metric = record.notes()["metric"]
        for trial in record.trials():
            known = spool(home, study, trial.key)
            assert {row.epoch: dict(row.metrics) for row in record.epochs(trial.id)} == known
            assert trial.curve == {epoch: found[metric] for epoch, found in known.items()}
            times = [row.time for row in record.epochs(trial.id)]
            assert trial.started is not None and trial.ended is not None
            assert times == sorted(times)
            assert trial.started.timestamp() * 1000 - 1 <= times[0]
            assert times[-1] <= trial.ended.timestamp() * 1000 + 1


def test_mlflow_runs_are_those_of_the_store_that_has_them(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{OLD_HOME}/mlflow.db")
    there = Home.at(home.path)
    lines = (home.study("compared") / "delivered.jsonl").read_text().splitlines()
    known = {line["trial"]: line["run"] for line in map(json.loads, lines)}
    with open_storage(home.optuna_url) as storage:
        assert import_study(there, "compared", storage).trials == 16
    assert run_ids(there, "compared") == known
    deliveries = Deliveries.open(there, "compared")
    with closing(deliveries.connection), RecordReader.open(there, "compared") as record:
        delivered = deliveries.revisions("mlflow", store_name(there.mlflow_uri, there))
        assert delivered == {trial.key: trial.revision for trial in record.trials()}


@pytest.mark.parametrize(("study", "epochs"), [("stopped", 8), ("killed", 7)])
def test_a_trial_that_had_not_ended_is_interrupted_and_the_same_command_continues_it(
    study: str, epochs: int, old: Path, home: Home, capsys: Output
) -> None:
    assert main(["import", study, "--home", str(home.path)]) == 0
    before = {trial.key: trial for trial in load_results(home, study).trials}
    left = before["trial-0001"]
    assert (left.outcome, left.number, left.value) == (Outcome.interrupted, 1, None)
    assert left.epochs == len(left.curve) == epochs
    argv = ["run", str(old / f"{study}.yaml"), "--home", str(home.path), "--workers", "1"]
    assert main([*argv, "--quiet", "--json"]) == 0
    told = last_json(capsys)
    assert (told["finished"], told["trials"]) == (True, {"completed": 4})
    after = {trial.key: trial for trial in load_results(home, study).trials}
    assert after["trial-0000"] == before["trial-0000"]
    continued = after["trial-0001"]
    assert (continued.params, continued.seed) == (left.params, left.seed)
    assert list(continued.curve) == list(range(1, 31))
    assert {epoch: continued.curve[epoch] for epoch in left.curve} == left.curve


def test_continuing_asks_for_what_it_would_have_asked_without_the_import(
    old: Path, home: Home, tmp_path: Path
) -> None:
    fresh = tmp_path / "fresh"
    for place in (home.path, fresh):
        argv = ["run", str(old / "stopped.yaml"), "--home", str(place), "--workers", "1"]
        assert main([*argv, "--quiet"]) == 0
    continued, whole = load_results(home, "stopped"), load_results(Home.at(fresh), "stopped")
    assert [trial.params for trial in continued.trials] == [t.params for t in whole.trials]
    assert [trial.value for trial in continued.trials] == [t.value for t in whole.trials]


def test_two_commands_do_not_import_into_a_home_at_the_same_time(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home.path / ".import.lock"
    impatient = FileLock(path, timeout=0)
    monkeypatch.setattr(earlier_home, "import_lock", lambda home: impatient)
    with FileLock(path):
        with pytest.raises(Timeout):
            main(["import", "searched", "--home", str(home.path)])
        assert not (home.study("searched") / "record.db").exists()
        assert not (home.path / COPY).exists()
    assert main(["import", "searched", "--home", str(home.path)]) == 0
    assert (home.study("searched") / "record.db").exists()


def test_a_record_that_is_there_stays_as_it_is(home: Home, capsys: Output) -> None:
    with Record.writing(Home.at(home.path.parent / "other"), "searched") as record:
        record.note({"mine": True})
    path = record.path
    before = path.read_bytes()
    other = str(path.parents[2])
    assert main(["import", "searched", "--home", other, "--from", str(home.path)]) == 0
    assert "searched: the home has its record, which stays as it is" in capsys.readouterr().out
    assert path.read_bytes() == before


def test_a_study_that_is_being_run_is_not_imported_and_the_others_are(
    home: Home, capsys: Output
) -> None:
    with home.lock("compared"):
        assert main(["status", "--home", str(home.path)]) == 0
    err = capsys.readouterr().err
    assert "study compared was not imported: study compared is being run by process" in err
    assert "imported 3 studies" in err
    assert main(["status", "compared", "--home", str(home.path)]) == 0
    assert "imported 1 study;" in capsys.readouterr().err


def test_a_study_whose_import_fails_keeps_no_other_out_and_is_not_started_anew(
    old: Path, home: Home, capsys: Output
) -> None:
    storage = optuna.storages.RDBStorage(home.optuna_url)
    study = optuna.load_study(study_name="stopped", storage=storage)
    study.set_user_attr("study_file", "study: [")
    storage.remove_session()
    storage.engine.dispose()
    assert main(["status", "--home", str(home.path)]) == 0
    err = capsys.readouterr().err
    assert "fairtune: study stopped was not imported: the stored file of stopped" in err
    assert "imported 3 studies" in err
    assert sorted(path.name for path in home.study("stopped").glob("*record*")) == []
    argv = ["run", str(old / "stopped.yaml"), "--home", str(home.path), "--quiet"]
    assert main(argv) == 4
    assert capsys.readouterr().err.splitlines()[-1] == (
        "fairtune: study stopped was run by an earlier version: `fairtune import stopped` makes "
        f"its record; to start it anew, move the folder {home.study('stopped')} away"
    )


def test_without_its_optuna_database_a_home_of_before_says_what_is_missing(
    home: Home, capsys: Output
) -> None:
    (home.path / "optuna.db").unlink()
    assert main(["status", "--home", str(home.path)]) == 2
    first = capsys.readouterr().err.splitlines()[0]
    assert first == (
        f"fairtune: {', '.join(STUDIES)}: not imported: {home.path / 'optuna.db'}: there is no "
        "such file; name the Optuna storage with --from"
    )
    assert list(home.path.glob("studies/*/record.db")) == []


@pytest.mark.parametrize("content", [b"", b"no database at all" * 20])
def test_a_damaged_optuna_database_is_named_and_stays_as_it_is(
    content: bytes, home: Home, capsys: Output
) -> None:
    (home.path / "optuna.db").write_bytes(content)
    assert main(["import", "--home", str(home.path)]) == 4
    assert f"the Optuna storage sqlite:///{home.path / 'optuna.db'} cannot be read: " in (
        capsys.readouterr().err
    )
    assert (home.path / "optuna.db").read_bytes() == content


def test_a_home_that_cannot_be_written_says_how_its_studies_can_be_read(
    old: Path, home: Home, capsys: Output
) -> None:
    disk = old / "disk"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted")
    try:
        shutil.copytree(home.path, disk / "home")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert main(["status", "--home", str(disk / "home")]) == 4
        err = capsys.readouterr().err
        assert err.startswith(f"fairtune: {disk / 'home'}: the home cannot be written (Read-only ")
        assert f"`fairtune import --from {disk / 'home'} --home OTHER`" in err
        other = Home.at(old / "other")
        argv = ["import", "--from", str(disk / "home"), "--home", str(other.path)]
        assert main(argv) == 0
        assert load_results(other, "compared").finished
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_lost_home_is_made_again_from_optuna_and_all_metrics_from_mlflow(
    home: Home, capsys: Output
) -> None:
    known = {
        (study, path.stem): spool(home, study, path.stem)
        for study in ("compared", "searched")
        for path in (home.study(study) / "spool").glob("*.jsonl")
    }
    shutil.rmtree(home.path / "studies")
    assert main(["import", "compared", "searched", "--home", str(home.path)]) == 0
    assert capsys.readouterr().out == (
        "compared: imported 16 trials\nsearched: imported 8 trials\n"
    )
    for study in ("compared", "searched"):
        runs = run_ids(home, study)
        with RecordReader.open(home, study) as record:
            for trial in record.trials():
                epochs = {row.epoch: dict(row.metrics) for row in record.epochs(trial.id)}
                assert epochs == known.pop((study, trial.key))
                assert trial.key in runs
    assert known == {}


def test_without_mlflow_the_objective_of_every_epoch_is_kept_and_it_is_said(
    home: Home, capsys: Output
) -> None:
    shutil.rmtree(home.path / "studies")
    (home.path / "mlflow.db").unlink()
    assert main(["import", "searched", "--home", str(home.path)]) == 0
    assert capsys.readouterr().out == (
        "searched: imported 8 trials; of 8 of them only the objective's curve is known\n"
    )
    assert not (home.path / "mlflow.db").exists()
    with RecordReader.open(home, "searched") as record:
        for trial in record.trials():
            assert [dict(row.metrics) for row in record.epochs(trial.id)] == [
                {"val/loss": value} for value in trial.curve.values()
            ]


def test_what_mlflow_cannot_say_is_warned_of(
    home: Home, capsys: Output, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(home.path / "studies")
    (home.path / "mlflow.db").write_bytes(b"nothing" * 100)
    assert main(["import", "searched", "--home", str(home.path)]) == 0
    assert "of 8 of them only the objective's curve is known" in capsys.readouterr().out
    assert "What it has of study searched is not imported" in caplog.text


def test_other_studies_of_a_storage_are_left_alone(home: Home, capsys: Output) -> None:
    optuna.create_study(storage=home.optuna_url, study_name="somebody's")
    missing = 'holds no study "somebody\'s"; it holds compared, killed, searched, stopped'
    with open_storage(home.optuna_url) as storage, pytest.raises(UserError, match=missing):
        storage.searches("somebody's")
    assert main(["import", "--home", str(home.path), "--json"]) == 0
    assert [each["study"] for each in last_json(capsys)["studies"]] == STUDIES


def test_a_trial_that_never_started_is_left_out_and_one_that_failed_keeps_its_attempts(
    home: Home,
) -> None:
    storage = optuna.storages.RDBStorage(home.optuna_url)
    study = optuna.load_study(study_name="killed", storage=storage)
    study.enqueue_trial({"optimizer.lr": 0.5})
    known = storage.get_trial_id_from_study_id_trial_number(
        storage.get_study_id_from_name("killed"), 1
    )
    storage.set_trial_user_attr(known, "failed_attempts", 1)
    storage.remove_session()
    storage.engine.dispose()
    assert main(["import", "killed", "--home", str(home.path)]) == 0
    with RecordReader.open(home, "killed") as record:
        first, second = record.trials()
        assert (record.attempts(first.id), record.attempts(second.id)) == (1, 2)


def test_infinite_and_missing_values_are_imported(home: Home) -> None:
    path = home.study("killed") / "spool" / "trial-0001.jsonl"
    line = {"epoch": 8, "time": 1795970685999, "metrics": {"val/loss": math.nan, "x": math.inf}}
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n" + '{"epoch": 9, "ti')
    assert main(["import", "killed", "--home", str(home.path)]) == 0
    with RecordReader.open(home, "killed") as record:
        trial = record.trials()[1]
        last = record.epochs(trial.id)[-1]
    assert (last.epoch, last.time, last.metrics["x"]) == (8, 1795970685999, math.inf)
    assert math.isnan(last.metrics["val/loss"]) and math.isnan(trial.curve[8])
    assert trial.ended is not None and round(trial.ended.timestamp() * 1000) == 1795970685999


@pytest.mark.parametrize(
    ("state", "value", "outcome", "reason"),
    [
        ("COMPLETE", "INF_POS", Outcome.diverged, "the objective is infinite"),
        ("FAIL", None, Outcome.error, "ended by another program than fairtune"),
    ],
)
def test_a_completed_trial_without_a_finite_value_is_none_and_the_study_goes_on(
    state: str, value: str | None, outcome: Outcome, reason: str, old: Path, home: Home
) -> None:
    with closing(sqlite3.connect(home.path / "optuna.db")) as opened, opened:
        query = (
            "select trial_id from trials join studies using (study_id) "
            "where study_name = 'stopped' and number = 0"
        )
        (row,) = opened.execute(query).fetchall()
        opened.execute("update trials set state = ? where trial_id = ?", [state, *row])
        if value is None:
            opened.execute("delete from trial_values where trial_id = ?", row)
        else:
            text = "update trial_values set value = null, value_type = ? where trial_id = ?"
            opened.execute(text, [value, *row])
    assert main(["import", "stopped", "--home", str(home.path)]) == 0
    first = load_results(home, "stopped").trials[0]
    assert (first.outcome, first.value, first.reason) == (outcome, None, reason)
    argv = ["run", str(old / "stopped.yaml"), "--home", str(home.path), "--workers", "1"]
    assert main([*argv, "--quiet"]) == 0
    found = load_results(home, "stopped")
    assert found.finished and found.trials[0].outcome == outcome
    assert main(["sync", "stopped", "--home", str(home.path)]) == 0


def test_an_import_that_is_killed_leaves_no_record(home: Home) -> None:
    script = (
        "import os, signal, sys\n"
        "from studies.records import Record\n"
        "add, count = Record.add, []\n"
        "def dying(*args, **options):\n"
        "    count.append(1)\n"
        "    if len(count) == 5: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return add(*args, **options)\n"
        "Record.add = dying\n"
        "from studies.cli import main\n"
        "main(['import', 'searched', '--home', sys.argv[1]])\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(home.path)], check=False)
    assert done.returncode == -9
    assert not (home.study("searched") / "record.db").exists()
    assert main(["import", "searched", "--home", str(home.path)]) == 0
    assert len(load_results(home, "searched").trials) == 8


def test_passwords_of_a_storage_are_not_repeated(tmp_path: Path, capsys: Output) -> None:
    url = "postgresql://ada:s3cret@127.0.0.1:1/none"
    assert main(["import", "--from", url, "--home", str(tmp_path)]) == 4
    err = capsys.readouterr().err
    assert "postgresql://ada:***@127.0.0.1:1/none" in err
    assert "s3cret" not in err


def test_looking_for_homes_of_before_imports_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from studies.api.opening import open_home\n"
        "open_home(Path('/nowhere'))\n"
        "print(sorted({'optuna', 'mlflow', 'sqlalchemy', 'numpy'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_a_study_that_is_imported_into_another_home_is_not_taken_from_the_first(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("FAIRTUNE_STORAGE", f"sqlite:///{tmp_path / 'shared.db'}")
    shutil.copy(home.path / "optuna.db", tmp_path / "shared.db")
    first, other = Home.at(home.path), Home.at(tmp_path / "other")
    assert main(["import", "searched", "--home", str(first.path)]) == 0
    assert main(["sync", "searched", "--home", str(first.path)]) == 0
    assert main(["import", "searched", "--home", str(other.path)]) == 0
    capsys.readouterr()
    assert main(["sync", "searched", "--home", str(other.path)]) == 4
    way_out = f"`{sync_command(other, 'searched', '--rebuild')}` takes it over"
    assert f"is written by a copy of this home; {way_out}" in capsys.readouterr().err
    assert main(["sync", "searched", "--rebuild", "--home", str(other.path)]) == 0
    assert main(["sync", "searched", "--home", str(other.path)]) == 0


def told_by(home: Home, study: str) -> dict[str, Any]:
    """Everything that a record says, but for the order in which it was written."""
    with RecordReader.open(home, study) as record:
        trials = record.trials(run_ids=run_ids(home, study))
        return {
            "notes": record.notes(),
            "searches": [replace(search, id=0) for search in record.searches()],
            "trials": {t.key: replace(t, id=0, search=0, revision=0) for t in trials},
            "epochs": {trial.key: record.epochs(trial.id) for trial in trials},
            "versions": {trial.key: record.version(trial.id) for trial in trials},
        }


def test_lost_homes_are_made_again_from_their_mirrors_which_go_on(
    old: Path, tmp_path: Path, capsys: Output
) -> None:
    home = Home.at(tmp_path / "new")
    files = {"compared": "comparison.yaml", "searched": "single.yaml"}
    options = ["--home", str(home.path), "--workers", "1", "--quiet"]
    for file in files.values():
        assert main(["run", str(old / file), *options]) == 0
    before = {study: told_by(home, study) for study in files}
    shutil.rmtree(home.path / "studies")
    capsys.readouterr()
    assert main(["import", "--home", str(home.path)]) == 0
    assert capsys.readouterr().out == (
        "compared: imported 16 trials\nsearched: imported 8 trials\n"
    )
    assert {study: told_by(home, study) for study in files} == before
    for study, file in files.items():
        assert main(["run", str(old / file), *options]) == 0  # it is finished: nothing is trained
        check_agreement(home, study)  # the mirrors are its own: nothing is there twice
    assert {study: told_by(home, study) for study in files} == before
