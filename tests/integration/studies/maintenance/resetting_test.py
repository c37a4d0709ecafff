"""Studies that are mended: those that have trained nothing yet, and failed trials after a fix."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from lightning_modules.errors import BusyError, FairtuneError, NothingCompletedError, UserError
from studies.analysis import compare
from studies.cli import main
from studies.home import Home
from studies.maintenance.resetting import reset_failed
from studies.mirrors.mlflow.client import MlflowClient, Run
from studies.records import Outcome, Record, RecordReader
from studies.records.types import SUPERSEDED
from studies.results import load_results
from studies.sentences import verdicts
from tests.support.lives import FILE, run, trials
from tests.support.mirrored import storage
from tests.support.recorded import bring_up

ERROR = (Outcome.error, 1)
AT_ONCE = (Outcome.error, 0)
SEARCHED = ("sgd-0000", "adam-0000", "sgd-0001", "adam-0001", "sgd-0002", "adam-0002")
FAILED = {
    "sgd-0001": ERROR,
    "adam-0000": (Outcome.timeout, 1),
    "adam-0002": (Outcome.diverged, 1),
    "sgd-confirm-0000": ERROR,
}


def names(home: Home) -> dict[str, list[str | None]]:
    """The trials of every study of Optuna's storage, by its name."""
    with storage(home) as opened:
        return {
            each.study_name: [
                trial.user_attrs.get("key") for trial in opened.get_all_trials(each._study_id)
            ]
            for each in opened.get_all_studies()
        }


def runs(home: Home) -> dict[str, Run]:
    client = MlflowClient(home.mlflow_uri)
    ids = [each.experiment_id for each in client.search_experiments()]
    found = client.search_runs(ids)
    assert len({run.info.run_name for run in found}) == len(found)
    return {str(run.info.run_name): run for run in found}


def fail_at_once(home: Home) -> None:
    with pytest.raises(NothingCompletedError):
        run(home, dict.fromkeys(SEARCHED, AT_ONCE))


# --- nothing was trained yet ---------------------------------------------------------------------


def test_a_file_that_is_mended_before_any_epoch_starts_the_study_anew(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    fail_at_once(home)
    mended = FILE.replace("hidden: [4]", "hidden: [8]")
    found = run(home, file=mended)
    assert "starts anew: model.hidden.0 was 4 and is 8" in caplog.text
    assert {trial.key for trial in found.results.search} == set(SEARCHED)
    assert all(trial.outcome == Outcome.completed for trial in found.results.ended)
    aside = [key for key in trials(home) if SUPERSEDED in key]
    assert sorted(aside) == sorted(f"{key}-superseded-1" for key in SEARCHED[:5])


def test_code_that_is_mended_before_any_epoch_starts_the_study_anew(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    fail_at_once(home)
    run(home, code="v2")
    assert "starts anew: function train has changed" in caplog.text


def test_another_factor_takes_the_place_of_one_that_trained_nothing(home: Home) -> None:
    fail_at_once(home)
    bring_up(home, study="lives")
    file = FILE.replace("adam", "adamw").replace("epochs: 2", "epochs: 1")
    run(home, {key.replace("adam", "adamw"): (Outcome.completed, 1) for key in SEARCHED}, file=file)
    bring_up(home, study="lives")
    found = names(home)
    assert "lives/adam" not in found
    assert found["lives/adamw"] == ["adamw-0000", "adamw-0001", "adamw-0002"]
    assert len(found["lives:superseded"]) == 5
    assert {"sgd-0000", "sgd-0000-superseded-1", "adamw-0000"} <= set(runs(home))


def test_the_same_command_goes_on_where_nothing_was_changed(home: Home) -> None:
    fail_at_once(home)
    run(home)
    assert sum(trial.outcome == Outcome.error for trial in trials(home).values()) == 5


def test_a_file_is_refused_once_an_epoch_was_finished(home: Home) -> None:
    with suppress(FairtuneError):
        run(home, {**dict.fromkeys(SEARCHED, AT_ONCE), "sgd-0000": ERROR})
    with pytest.raises(UserError, match=r"was started with another file: model\.hidden\.0 was"):
        run(home, file=FILE.replace("hidden: [4]", "hidden: [8]"))
    with pytest.raises(UserError, match=r"`fairtune reset lives --failed.*` accepts it"):
        run(home, code="v2")


def test_bad_data_of_a_mended_file_puts_nothing_aside(home: Home) -> None:
    fail_at_once(home)
    before = trials(home)
    with pytest.raises(UserError):
        run(home, file=FILE.replace("data: iris", "data: {name: table, path: no.csv, target: y}"))
    assert trials(home) == before


# --- after a fix ---------------------------------------------------------------------------------


def test_failed_trials_of_all_arms_are_trained_again_and_nothing_else(home: Home) -> None:
    run(home, FAILED)
    before = trials(home)
    done = reset_failed(home, "lives")
    assert done.queued == {"sgd": 2, "adam": 1}
    assert done.functions == ["function train"]
    found = run(home, {"adam-0002": FAILED["adam-0002"]}, code="v2")
    after = trials(home)
    again = {"sgd-0001", "adam-0000", "sgd-confirm-0000"}
    for key in again:
        new, old = after[key], after[f"{key}-superseded-1"]
        assert (new.outcome, new.queued, new.epochs) == (Outcome.completed, 1, 2)
        same = ("params", "seed", "config_hash", "split", "number", "repeat", "seed_index")
        assert all(getattr(new, name) == getattr(before[key], name) for name in same)
        for name in ("outcome", "reason", "traceback", "epochs", "curve", "code", "seconds"):
            assert getattr(old, name) == getattr(before[key], name)
    kept = ("outcome", "value", "curve", "code")
    for key in before.keys() - again:
        assert all(getattr(after[key], name) == getattr(before[key], name) for name in kept)
    counted = Counter(trial.arm for trial in found.results.search)
    assert counted == {"sgd": 3, "adam": 3}


def test_a_comparison_of_two_versions_of_the_code_says_so(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    run(home, FAILED)
    said = " ".join(verdicts(compare(load_results(home, "lives"))))
    assert "versions of the code" not in said
    reset_failed(home, "lives")
    run(home, {"adam-0002": FAILED["adam-0002"]}, code="v2")
    (old, new) = compare(load_results(home, "lives")).codes.items()
    assert old[1] == {"sgd": 2, "adam": 3} and new[1] == {"sgd": 2, "adam": 1}
    sentence = f"ran with 2 versions of the code ({old[0][:8]}: sgd 2, adam 3; "
    sentence += f"{new[0][:8]}: sgd 2, adam 1)"
    assert sentence in " ".join(verdicts(compare(load_results(home, "lives"))))
    assert main(["compare", "lives", "--home", str(home.path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["code"] == {old[0]: old[1], new[0]: new[1]}
    assert any(sentence in each for each in told["summary"])
    output = home.path / "report.md"
    given = ["--format", "md", "--output", str(output), "--home", str(home.path)]
    assert main(["report", "lives", *given]) == 0
    assert "2 versions of the code" in output.read_text()


def test_both_mirrors_keep_the_attempt_that_failed_and_get_the_new_one_once(home: Home) -> None:
    run(home, FAILED)
    bring_up(home, study="lives")
    before = runs(home)
    reset_failed(home, "lives")
    bring_up(home, study="lives")  # queued, not trained yet
    bring_up(home, study="lives")
    run(home, {"adam-0002": FAILED["adam-0002"]}, code="v2")
    for _ in range(2):
        bring_up(home, study="lives")
    after = runs(home)
    assert set(after) - set(before) == {
        f"{key}-superseded-1" for key in ("sgd-0001", "adam-0000", "sgd-confirm-0000")
    } | {each for each in after if "confirm" in each and each not in before}
    old = after["sgd-0001-superseded-1"]
    assert old.info.run_id == before["sgd-0001"].info.run_id
    assert old.info.status == "FAILED" and old.data.tags["fairtune.phase"] == SUPERSEDED
    new = after["sgd-0001"]
    assert new.info.status == "FINISHED" and new.data.tags["fairtune.queued"] == "1"
    assert new.data.tags["fairtune.code"] != old.data.tags["fairtune.code"]
    found = names(home)
    assert found["lives/sgd"] == ["sgd-0000", "sgd-0001", "sgd-0002"]
    assert len(found["lives:superseded"]) == 3


def test_mirrors_that_were_away_get_the_same(home: Home) -> None:
    run(home, FAILED)
    reset_failed(home, "lives")
    run(home, {"adam-0002": FAILED["adam-0002"]}, code="v2")
    bring_up(home, study="lives")
    found = runs(home)
    assert found["sgd-0001-superseded-1"].data.tags["fairtune.outcome"] == "error"
    assert found["sgd-0001"].data.tags["fairtune.outcome"] == "completed"
    assert len(found) == 1 + len(trials(home))


def test_a_trial_that_fails_again_may_be_queued_again(home: Home) -> None:
    run(home, {"sgd-0001": ERROR})
    for count in (1, 2):
        reset_failed(home, "lives")
        run(home, {"sgd-0001": ERROR}, code=f"fix {count}")
        bring_up(home, study="lives")
    found = trials(home)
    assert [found[f"sgd-0001-superseded-{n}"].queued for n in (1, 2)] == [0, 1]
    assert found["sgd-0001"].queued == 2
    assert len(runs(home)) == 1 + len(found)


def test_an_interrupted_trial_begins_anew_with_the_new_code(home: Home) -> None:
    run(home, {"sgd-0001": ERROR})
    with Record.writing(home, "lives") as record:
        stopped = "UPDATE trials SET outcome = 'interrupted', epochs = 2 WHERE key = 'adam-0001'"
        record.connection.execute(stopped)
        before = {each.key: each for each in record.trials()}["adam-0001"]
    state = home.continuation("lives", "adam-0001")
    state.mkdir(parents=True)
    done = reset_failed(home, "lives")
    assert (done.queued, done.restarted) == ({"sgd": 1, "adam": 0}, 1)
    assert not state.exists()
    run(home, code="v2")
    found = trials(home)
    assert found["adam-0001-superseded-1"].curve == before.curve
    assert found["adam-0001"].code == found["sgd-0001"].code != before.code


def test_data_that_has_changed_is_refused(own_folder: Path, home: Home) -> None:
    rows = Path("rows.csv")
    rows.write_text("x,y\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(60)))
    data = "{name: table, path: rows.csv, target: y}"
    run(home, {"sgd-0001": ERROR}, file=FILE.replace("data: iris", f"data: {data}"))
    rows.write_text(rows.read_text() + "60,a\n")
    before = trials(home)
    with pytest.raises(UserError, match=r"rows\.csv: has changed and is data, not code"):
        reset_failed(home, "lives")
    assert trials(home) == before


def test_a_script_that_was_mended_is_named_and_accepted(
    own_folder: Path, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    Path("train.py").write_text("version = 1")
    command = "{command: [python, train.py, '{optimizer.lr}', '{optimizer.name}', '{seed}']}"
    file = FILE.replace("data: iris\n", "").replace("{name: mlp, hidden: [4]}", command)
    file += "objective: {metric: val/accuracy, goal: maximize}\n"
    run(home, {"sgd-0001": ERROR}, file=file)
    Path("train.py").write_text("version = 2")
    run(home, file=file)
    assert "study lives is over, and train.py has changed since; `fairtune reset" in caplog.text
    assert reset_failed(home, "lives").changed == ["train.py"]
    run(home, file=file)
    found = trials(home)
    assert found["sgd-0001"].code != found["sgd-0000"].code == found["adam-0001"].code
    Path("train.py").write_text("version = 3")
    run(home, file=file)
    assert "train.py has changed since; these are results of the code before" in caplog.text


def test_a_study_without_failed_trials_is_not_reset(home: Home) -> None:
    run(home, {"sgd-0001": (Outcome.diverged, 1)})
    with pytest.raises(UserError, match=r"has no failed trial .* that diverged"):
        reset_failed(home, "lives")
    with pytest.raises(UserError, match="there is no study 'none'"):
        reset_failed(home, "none")


def test_a_study_that_is_being_run_is_not_reset(home: Home) -> None:
    run(home, {"sgd-0001": ERROR})
    with home.lock("lives"), pytest.raises(BusyError):
        reset_failed(home, "lives")


def test_a_reset_that_is_cut_short_has_not_begun(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(home, FAILED)
    before = trials(home)
    with RecordReader.open(home, "lives") as record:
        notes = record.notes()
    whole = Record._revise
    for writes in range(7):  # two for each of three trials, and one for the notes
        left = [whole] * writes

        def cut(record: Record, left: list[Callable[[Record], int]] = left) -> int:
            return left.pop()(record)

        with monkeypatch.context() as patch, pytest.raises(IndexError):
            patch.setattr(Record, "_revise", cut)
            reset_failed(home, "lives")
        assert trials(home) == before
        with RecordReader.open(home, "lives") as record:
            assert record.notes() == notes


def test_failed_must_be_said(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    run(home, {"sgd-0001": ERROR})
    assert main(["reset", "lives", "--home", str(home.path)]) == 2
    assert "`fairtune reset lives --failed`" in capsys.readouterr().err
    assert main(["reset", "lives", "--failed", "--home", str(home.path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["queued"] == {"sgd": 1, "adam": 0}
