"""Drivers that are told to stop, or killed: nothing stays, and the same command goes on."""

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from optuna.trial import TrialState

from studies import results
from studies.cli import main
from studies.home import Home
from tests.support.accounts import (
    FAIRTUNE,
    Runs,
    configuration,
    last_line,
    optuna_trials,
)

Output = pytest.CaptureFixture[str]
SEARCH = """
study: long
data: {name: iris, batch_size: 32}
model: {name: mlp, hidden: []}
trainer: {epochs: 200}
"""
EPOCHS = list(range(1, 201))
RANGE = "optimizer: {name: adam, lr: {min: 1e-3, max: 1e-1, log: true"
GRID = f"{SEARCH}{RANGE}, num: 6}}}}\nsearch: {{method: grid}}\n"
RANDOM = f"{SEARCH}{RANGE}}}}}\nsearch: {{method: random, trials: 6}}\n"


def written(folder: Path, text: str) -> str:
    path = folder / "long.yaml"
    path.write_text(text)
    return str(path)


def start(file: str, home: Home) -> subprocess.Popen[str]:
    """A real driver with two workers, in the middle of its study."""
    argv = [FAIRTUNE, "run", file, "--home", str(home.path), "--workers", "2", "--json"]
    driver = subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert driver.stderr is not None
    for line in driver.stderr:
        if line.startswith("[1/6]"):
            return driver
    raise AssertionError(f"the driver ended early with exit code {driver.wait()}")


def assert_completes_to_exactly_six(file: str, home: Home, capsys: Output) -> None:
    """The same command finishes the study: six trials, every epoch of each told once."""
    capsys.readouterr()
    assert main(["run", file, "--home", str(home.path), "--workers", "2", "--json"]) == 0
    told = last_line(capsys.readouterr().out)
    assert (told["finished"], told["trials"], told["epochs"]) == (True, {"completed": 6}, 1200)
    trials, runs = optuna_trials(home, "long"), Runs.of(home, "long")
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 6
    assert len({configuration(trial).optimizer.parameters["lr"] for trial in trials}) == 6
    assert [run.info.status for run in [runs.parent, *runs.children]] == ["FINISHED"] * 7
    for run in runs.children:
        for name, steps in runs.steps(run).items():
            assert len(steps) == 1 if name.startswith(("best/", "system/")) else steps == EPOCHS


def assert_nothing_is_running(home: Home) -> None:
    """Not in the record, and not in the mirrors once they have what was left to `sync`."""
    assert None not in {trial.outcome for trial in results.load_results(home, "long").trials}
    assert main(["sync", "long", "--home", str(home.path)]) == 0
    assert TrialState.RUNNING not in {trial.state for trial in optuna_trials(home, "long")}
    runs = Runs.of(home, "long")
    assert {run.info.status for run in [runs.parent, *runs.children]} <= {"FINISHED", "KILLED"}
    assert runs.parent.info.status == "KILLED"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "text"), [(signal.SIGINT, 130, GRID), (signal.SIGTERM, 143, RANDOM)]
)
def test_a_signal_ends_the_study_cleanly_and_the_same_command_completes_it(
    number: signal.Signals, code: int, text: str, home: Home, tmp_path: Path, capsys: Output
) -> None:
    file = written(tmp_path, text)
    with start(file, home) as driver:
        workers = psutil.Process(driver.pid).children(recursive=True)
        driver.send_signal(number)
        stdout, _ = driver.communicate()
    assert driver.returncode == code
    told = last_line(stdout)
    assert told["finished"] is False and 1 <= told["trials"]["completed"] < 6
    assert psutil.wait_procs(workers, timeout=10)[1] == []
    assert_nothing_is_running(home)
    assert_completes_to_exactly_six(file, home, capsys)


@pytest.mark.slow
def test_ctrl_c_while_the_workers_start_ends_without_a_traceback(
    home: Home, tmp_path: Path
) -> None:
    argv = [FAIRTUNE, "run", written(tmp_path, RANDOM), "--home", str(home.path)]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as driver:
        process = psutil.Process(driver.pid)
        while not any("forkserver" in " ".join(c.cmdline()) for c in process.children()):
            assert driver.poll() is None
            time.sleep(0.01)
        os.killpg(driver.pid, signal.SIGINT)  # as a terminal does
        _, stderr = driver.communicate()
    assert driver.returncode == 130
    assert "Traceback" not in stderr
    assert_nothing_is_running(home)


@pytest.mark.slow
def test_workers_follow_a_killed_driver_and_the_same_command_completes_its_study(
    home: Home, tmp_path: Path, capsys: Output
) -> None:
    file = written(tmp_path, RANDOM)
    with start(file, home) as driver:
        workers = psutil.Process(driver.pid).children(recursive=True)
        assert len(workers) >= 2
        driver.kill()
    assert driver.returncode == -signal.SIGKILL
    assert psutil.wait_procs(workers, timeout=10)[1] == []
    assert_completes_to_exactly_six(file, home, capsys)
