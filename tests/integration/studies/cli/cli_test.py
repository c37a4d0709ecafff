"""The command line as people and programs meet it: exit codes, JSON, what it prints."""

import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import psutil
import pytest
from optuna.trial import TrialState

from studies import results
from studies.analysis import choose
from studies.cli import main
from studies.cli.options import check_port
from studies.home import Home
from tests.support.accounts import (
    FAIRTUNE,
    Runs,
    last_line,
    optuna_trials,
    serving,
    set_options,
)

TINY = """
study: tiny
description: Does a single layer know irises?
data: {name: iris, batch_size: 32}
model: {name: mlp, hidden: []}
optimizer:
  - {name: sgd, lr: {min: 1e-2, max: 1.0, log: true}}
  - {name: adam, lr: {min: 1e-3, max: 1e-1, log: true}}
trainer: {epochs: 2}
search: {method: random, trials: 2}
compare: {factor: optimizer, claim: configurations}
confirm: {top: 1, seeds: 2}
"""
SUMMARY_KEYS = [
    "study", "home", "finished", "note", "tags", "seconds", "epochs", "trials", "arms", "best",
    "warnings",
]  # fmt: skip
BEST_KEYS = [
    "value", "metric", "trial", "arm", "repeat", "split", "configuration", "seed",
    "mlflow_run_id", "note", "tags", "fresh_seeds", "searches",
]  # fmt: skip
ARM_KEYS = {
    "arm", "search_best", "default", "confirmed", "mean", "ci_low", "ci_high", "optimism",
    "test_mean",
}  # fmt: skip
PAIR_KEYS = {
    "a", "b", "difference", "ci_low", "ci_high", "p", "p_holm", "probability_a_better", "verdict",
    "seeds", "seeds_needed", "repeats", "repeats_needed",
}  # fmt: skip

Output = pytest.CaptureFixture[str]


@dataclass(frozen=True)
class Finished:
    """A study that was run by the real command in a new home."""

    home: Home
    file: Path
    stdout: str
    stderr: str

    @property
    def run(self) -> list[str]:
        return ["run", str(self.file), "--home", str(self.home.path)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("finished")
    file, home = folder / "tiny.yaml", Home.at(folder / "home")
    file.write_text(TINY)
    argv = [FAIRTUNE, "run", str(file), "--home", str(home.path), "--workers", "2", "--json"]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return Finished(home, file, ran.stdout, ran.stderr)


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


# --- a study from its beginning to its end -------------------------------------------------------


def test_run_says_what_it_found_in_one_json_object_and_everything_else_on_standard_error(
    finished: Finished,
) -> None:
    told = last_line(finished.stdout)
    assert list(told) == SUMMARY_KEYS
    assert (told["study"], told["home"]) == ("tiny", str(finished.home.path))
    assert (told["finished"], told["epochs"], told["trials"]) == (True, 16, {"completed": 8})
    for arm in ("sgd", "adam"):
        assert list(told["arms"][arm]) == ["trials", "epochs", "best"]
        assert (told["arms"][arm]["trials"], told["arms"][arm]["epochs"]) == (2, 4)
    assert list(told["best"]) == BEST_KEYS
    assert (told["best"]["fresh_seeds"], told["best"]["searches"]) == (2, 1)
    assert (told["best"]["repeat"], told["best"]["split"]) == (1, 0)
    assert told["seconds"] > 0
    for line in ("[4/4] ", "study tiny: finished", "browse the runs: fairtune ui --home "):
        assert line in finished.stderr


def test_the_best_run_of_the_json_is_the_best_configuration_on_fresh_seeds_in_mlflow(
    finished: Finished,
) -> None:
    best = last_line(finished.stdout)["best"]
    runs = Runs.of(finished.home, "tiny")
    assert len(runs.children) == len(optuna_trials(finished.home, "tiny")) == 8
    values: dict[str, list[float]] = {}
    for run in runs.children:
        if run.data.tags["fairtune.phase"] == "confirm":
            config_hash = run.data.tags["fairtune.config_hash"]
            values.setdefault(config_hash, []).append(run.data.metrics["best/val/accuracy"])
    assert [len(each) for each in values.values()] == [2, 2]
    chosen = next(run for run in runs.children if run.info.run_id == best["mlflow_run_id"])
    assert chosen.data.tags["fairtune.phase"] == "search"
    assert fmean(values[chosen.data.tags["fairtune.config_hash"]]) == best["value"]
    assert max(fmean(each) for each in values.values()) == best["value"]


def test_status_tells_the_same_as_run(finished: Finished, capsys: Output) -> None:
    assert main(["status", "tiny", "--home", str(finished.home.path), "--json"]) == 0
    output = capsys.readouterr()
    assert last_line(output.out) == last_line(finished.stdout)
    assert "study tiny: finished" in output.err


def test_status_without_a_study_lists_all_of_them(finished: Finished, capsys: Output) -> None:
    assert main(["status", "--home", str(finished.home.path), "--json"]) == 0
    told = last_line(capsys.readouterr().out)
    assert told["home"] == str(finished.home.path)
    assert told["studies"] == [last_line(finished.stdout)]
    assert main(["status", "--home", str(finished.home.path)]) == 0
    row = capsys.readouterr().out.splitlines()[1].split()
    assert row[:4] == ["tiny", "finished", "8", "completed"] and row[-1] == "val/accuracy"


def test_best_prints_a_study_file_that_checks(
    finished: Finished, tmp_path: Path, capsys: Output
) -> None:
    best = last_line(finished.stdout)["best"]
    assert main(["best", "tiny", "--home", str(finished.home.path), "--json"]) == 0
    told = last_line(capsys.readouterr().out)
    low, high, rests_on = (told.pop(key) for key in ("low", "high", "rests_on"))
    assert told == best and low < high
    assert rests_on == (
        "the mean of 2 fresh seeds on one split, with the sampling error of a test part of 30 rows"
    )
    assert main(["best", "tiny", "--home", str(finished.home.path)]) == 0
    printed = capsys.readouterr().out
    assert f"# found by {best['trial']}, arm {best['arm']}, seed {best['seed']}\n" in printed
    assert "# expect test/accuracy " in printed
    assert f"# network: {choose(results.load_results(finished.home, 'tiny')).words}\n" in printed
    assert f"# MLflow run {best['mlflow_run_id']}\n" in printed
    from studies.study_file.loading import load_study_file

    spec = load_study_file(Path(write(tmp_path / "best.yaml", printed)))
    assert spec.study == "tiny-best" and spec.space.size() == 1
    assert spec.space.suggest(None).items() >= best["configuration"].items()  # type: ignore[arg-type]


def test_compare_tells_what_the_confirmed_trials_allow_to_be_said(
    finished: Finished, capsys: Output
) -> None:
    assert main(["compare", "tiny", "--home", str(finished.home.path), "--json"]) == 0
    told = last_line(capsys.readouterr().out)
    assert (told["study"], told["factor"], told["metric"]) == ("tiny", "optimizer", "val/accuracy")
    assert told["summary"]
    for arm in told["arms"]:
        assert arm.keys() >= ARM_KEYS
        assert len(arm["confirmed"]) == 2 and fmean(arm["confirmed"]) == arm["mean"]
    (pair,) = told["pairs"]
    assert pair.keys() >= PAIR_KEYS
    assert {pair["a"], pair["b"]} == {"sgd", "adam"}
    assert (pair["verdict"], pair["seeds"]) == ("none", 2)  # two seeds can never do
    design = {key: told[key] for key in ("claim", "searches", "splits", "part", "scale", "looks")}
    assert design == {
        "claim": "configurations", "searches": 1, "splits": 1, "part": "validation",
        "scale": "raw", "looks": [],
    }  # fmt: skip
    assert told["lost"] == {}


def test_running_again_trains_nothing(finished: Finished, capsys: Output) -> None:
    before = [trial.datetime_complete for trial in optuna_trials(finished.home, "tiny")]
    assert main([*finished.run, "--json"]) == 0
    assert last_line(capsys.readouterr().out) == last_line(finished.stdout)
    assert [t.datetime_complete for t in optuna_trials(finished.home, "tiny")] == before
    assert len(Runs.of(finished.home, "tiny").children) == 8


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ("optimizer.0.lr.max=2.0", "optimizer.0.lr.max was 1.0 and is 2.0"),
        ("objective.metric=val/loss", "objective.metric was 'not given' and is 'val/loss'"),
        ("trainer.epochs=3", "trainer.epochs was 2 and is 3"),
    ],
)
def test_a_changed_file_is_refused_with_the_path_of_the_change(
    change: str, difference: str, finished: Finished, capsys: Output
) -> None:
    assert main([*finished.run, "--set", change]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"fairtune: study tiny was started with another file: {difference}. "
        "Give the changed study another name, or undo the change"
    )


@pytest.mark.slow
def test_more_trials_extend_a_study_to_exactly_the_new_total(home: Home, capsys: Output) -> None:
    for total in (1, 3):
        argv = ["run", "perceptron-iris", "--home", str(home.path), "--workers", "2", "--json"]
        changes = set_options("trainer.epochs=2", f"search.trials={total}")
        assert main([*argv, *changes]) == 0
        assert last_line(capsys.readouterr().out)["trials"] == {"completed": total}
        assert len(optuna_trials(home, "perceptron-iris")) == total
        assert len(Runs.of(home, "perceptron-iris").children) == total


# --- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["run"], "Missing argument"),
        (["train"], "No such command 'train'"),
        (["run", "quickstart", "--wrokers", "2"], "No such option"),
        (["run", "quickstart", "--workers", "0"], "Invalid value for '--workers'"),
        (["run", "quickstrat"], "quickstrat: no such file or preset; did you mean quickstart?"),
        (["run", "quickstart", "--set", "search.trials"], "must be path=value"),
        (["status", "--home", "/tmp/no-such-home"], "/tmp/no-such-home holds no studies yet"),
        (["components", "optimiser"], "no component 'optimiser'; did you mean optimizer?"),
        (["components", "--json", "--markdown"], "--json and --markdown are two forms"),
        (["components", "optimiser", "sgd"], "no table 'optimiser'; did you mean optimizer?"),
        (["ui", "--home", "/tmp/no-such-home"], "/tmp/no-such-home holds no studies yet"),
    ],
)
def test_bad_usage_exits_2(argv: list[str], message: str, capsys: Output) -> None:
    assert main(argv) == 2
    output = capsys.readouterr()
    assert message in output.err
    assert output.out == ""


def test_an_unknown_study_exits_2_with_a_suggestion(finished: Finished, capsys: Output) -> None:
    for command in ("status", "best"):
        assert main([command, "tinny", "--home", str(finished.home.path)]) == 2
        assert "there is no study 'tinny'; did you mean tiny?" in capsys.readouterr().err


def test_five_kinds_of_mistakes_are_told_together_and_no_home_is_made(
    tmp_path: Path, capsys: Output
) -> None:
    file = write(
        tmp_path / "wrong.yaml",
        "study: wrong\n"
        "data: digits\n"
        "model: {name: mlp, hiden: [32]}\n"
        "optimizer: {name: adam, lr: {min: 0.1, max: 0.01}}\n"
        "objective: {metric: val/acuracy}\n"
        "search: {trials: 0}\n"
        "serch: {}\n",
    )
    home = tmp_path / "home"
    assert main(["run", file, "--home", str(home)]) == 2
    said = capsys.readouterr().err.splitlines()
    starts = [
        f"{file}:3: model.hiden: mlp takes no such parameter; did you mean hidden?",
        f"{file}:4: optimizer.lr: min must be less than max, got min 0.1 and max 0.01",
        f"{file}:5: objective.metric: 'val/acuracy' is never logged for classification; did you",
        f"{file}:6: search.trials: must be greater than or equal to 1, got 0",
        f"{file}:7: serch: is no key of a study file; did you mean search?",
    ]
    assert [line[: len(start)] for line, start in zip(said, starts, strict=True)] == starts
    assert not home.exists()


DIVERGING = """
study: diverging
data: {name: diabetes, batch_size: 32}
model: {name: mlp, hidden: []}
optimizer: {name: sgd, lr: {values: [1e20, 1e21]}}
trainer: {epochs: 3}
search: {method: grid}
"""


@pytest.mark.slow
def test_no_completed_trial_exits_3(home: Home, tmp_path: Path, capsys: Output) -> None:
    file = write(tmp_path / "diverging.yaml", DIVERGING)
    assert main(["run", file, "--home", str(home.path), "--workers", "2", "--json"]) == 3
    told = last_line(capsys.readouterr().out)
    assert (told["trials"], told["best"], told["finished"]) == ({"diverged": 2}, None, True)
    assert told["warnings"][0].startswith("2 of 2 trials ended with diverged: ")
    assert [trial.state for trial in optuna_trials(home, "diverging")] == [TrialState.FAIL] * 2
    runs = Runs.of(home, "diverging")
    assert [run.info.status for run in runs.children] == ["FAILED"] * 2
    assert main(["best", "diverging", "--home", str(home.path)]) == 3
    assert capsys.readouterr().err == "fairtune: diverging: no trial has completed yet\n"


def test_a_home_that_cannot_be_made_exits_4(tmp_path: Path, capsys: Output) -> None:
    file = write(tmp_path / "a-file", "")
    assert main(["run", "quickstart", "--home", file]) == 4
    assert "the home cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("database", "way_out"),
    [("optuna.db", "FAIRTUNE_STORAGE"), ("mlflow.db", "MLFLOW_TRACKING_URI")],
)
def test_a_mirror_that_is_no_database_stays_as_it_is_and_harms_no_study(
    database: str, way_out: str, home: Home, capsys: Output, caplog: pytest.LogCaptureFixture
) -> None:
    garbage = home.path / database
    garbage.write_text("no database " * 1000)
    argv = ["run", "perceptron-iris", "--home", str(home.path), "--workers", "1", "--json"]
    assert main([*argv, *set_options("trainer.epochs=1", "search.trials=1")]) == 0
    assert last_line(capsys.readouterr().out)["finished"]
    for said in (f"{database} cannot be used: ", way_out, "`fairtune sync perceptron-iris --home "):
        assert said in caplog.text
    assert garbage.read_text() == "no database " * 1000
    assert main(["sync", "--home", str(home.path)]) == 4
    said = capsys.readouterr().err
    assert f"{database} cannot be used: " in said and way_out in said
    assert garbage.read_text() == "no database " * 1000


def test_a_record_that_is_no_database_exits_4_and_stays_as_it_is(
    home: Home, capsys: Output
) -> None:
    home.study("quickstart").mkdir(parents=True)
    garbage = home.record("quickstart")
    garbage.write_text("no database " * 1000)
    for command in ("run", "status"):
        assert main([command, "quickstart", "--home", str(home.path)]) == 4
        said = capsys.readouterr().err.splitlines()[-1]
        assert said.startswith(f"fairtune: {garbage}: ")
        assert f"move the folder {garbage.parent} away to start the study anew" in said
    assert garbage.read_text() == "no database " * 1000


HOLD = """
import sys
from pathlib import Path
from studies.home import Home
with Home.at(Path(sys.argv[1])).lock("quickstart"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_study_that_another_process_runs_exits_5(home: Home, capsys: Output) -> None:
    argv = [sys.executable, "-c", HOLD, str(home.path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert main(["run", "quickstart", "--home", str(home.path)]) == 5
        other.communicate()
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"fairtune: study quickstart is being run by process {other.pid} on "
        f"{socket.gethostname()}; wait or stop it"
    )
    with home.lock("quickstart"):
        pass  # it was released when its process ended


# --- the MLflow UI -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_ui_answers_on_this_machine_only_and_leaves_nothing_behind(
    number: signal.Signals, code: int, finished: Finished
) -> None:
    with serving(finished.home) as (process, url, session):
        assert session.get(f"{url}/health").text == "OK"
        assert "<title>MLflow</title>" in session.get(url).text
        assert session.get(url, headers={"Host": "evil.example"}).status_code == 403
        create = f"{url}/api/2.0/mlflow/experiments/create"
        for origin, answer in ((url, 200), ("http://evil.example", 403)):
            asked = session.post(create, json={"name": origin}, headers={"Origin": origin})
            assert asked.status_code == answer
        servers = psutil.Process(process.pid).children(recursive=True)
        for server in servers:
            assert server.environ()["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
            assert server.environ()["MLFLOW_DISABLE_TELEMETRY"] == "true"
        sockets = [each for server in servers for each in server.net_connections()]
        listening = {each.laddr for each in sockets if each.status == psutil.CONN_LISTEN}
        assert {address.ip for address in listening} == {"127.0.0.1"}
        process.send_signal(number)
        assert process.wait(timeout=30) == code
    assert psutil.wait_procs(servers, timeout=10)[1] == []
    for address in listening:
        check_port(address.port)  # is free for the next one at once
