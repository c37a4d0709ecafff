"""`fairtune run` on two pretended GPUs: what modules, programs and functions see of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from studies import results
from studies.cli import main
from studies.devices import discovery
from studies.devices.discovery import Gpu
from studies.home import Home
from tests.conftest import WriteModule
from tests.support.own_code import LIGHTNING

Output = pytest.CaptureFixture[str]
GPUS = [Gpu("GPU-1", "NVIDIA H200", 2**37), Gpu("GPU-2", "NVIDIA H200", 2**37)]
MODULE = (
    LIGHTNING
    + """
import os
import time
from pathlib import Path

class Seen(Module):
    def on_fit_start(self):
        Path("seen").mkdir(exist_ok=True)
        Path("seen", str(os.getpid())).write_text(os.environ["CUDA_VISIBLE_DEVICES"])
        while len(list(Path("seen").iterdir())) < 2:
            time.sleep(0.01)
"""
)
MODULES = """
study: modules
data: {class: "theirs:Rows"}
model: {class: "theirs:Seen", lr: {values: [0.1, 0.2, 0.3]}}
trainer: {epochs: 1}
objective: {metric: val_loss, goal: minimize}
search: {method: grid}
"""
PROGRAM = r"""
mkdir -p seen
printf %s "$CUDA_VISIBLE_DEVICES" > seen/$PPID
while [ $(ls seen | wc -l) -lt 4 ]; do sleep 0.02; done
echo '{"epoch": 1, "metrics": {"val/loss": 0.5}}'
"""
PROGRAMS = """
study: programs
model: {command: [sh, program.sh, "{model.width}"], width: {values: [1, 2, 3, 4, 5, 6]}}
trainer: {epochs: 1}
objective: {metric: val/loss, goal: minimize}
search: {method: grid}
env: []
"""
SCRIPT = """
import os
SEEN = os.environ.get("CUDA_VISIBLE_DEVICES")  # torch, asked here, would know these for ever

import sys
import fairtune
from studies.devices import discovery
from studies.devices.discovery import Gpu

discovery.gpus = lambda: [Gpu("GPU-3", "NVIDIA H200", 2**37)]
TREE = {
    "study": "function",
    "model": {"x": {"min": 0.0, "max": 1.0}},
    "trainer": {"epochs": 1},
    "objective": {"metric": "val/loss", "goal": "minimize"},
    "search": {"method": "random", "trials": 2},
}

def trial(configuration, report):
    assert sys.modules["__mp_main__"].SEEN == os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-3"
    report(1, val_loss=configuration["model"]["x"])

if __name__ == "__main__":
    fairtune.run(TREE, trial=trial, home="home", per_gpu=2)
"""


@pytest.fixture(autouse=True)
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "gpus", lambda: GPUS)


def seen() -> list[str]:
    """What every worker has seen."""
    return sorted(each.read_text() for each in Path("seen").iterdir())


def devices(study: str) -> list[tuple[str, str]]:
    trials = results.load_results(Home.at(Path("home")), study).trials
    return [(str(trial.outcome), trial.device) for trial in trials]


def test_every_module_trains_on_the_gpu_of_its_worker(
    write_module: WriteModule, capsys: Output
) -> None:
    write_module("theirs", MODULE)
    Path("study.yaml").write_text(MODULES)
    assert main(["run", "study.yaml", "--home", "home"]) == 0
    said = capsys.readouterr().err
    assert "study modules: starting 2 workers on 2 GPUs (NVIDIA H200), 1 on each\n" in said
    assert seen() == ["GPU-1", "GPU-2"]
    assert devices("modules") == [("completed", "cpu")] * 3  # torch has none here


def test_programs_share_gpus_where_that_is_asked_for(own_folder: Path, capsys: Output) -> None:
    Path("program.sh").write_text(PROGRAM)
    Path("study.yaml").write_text(PROGRAMS)
    assert main(["run", "study.yaml", "--home", "home", "--per-gpu", "2"]) == 0
    said = capsys.readouterr().err
    assert "study programs: starting 4 workers on 2 GPUs (NVIDIA H200), 2 on each\n" in said
    assert seen() == ["GPU-1", "GPU-1", "GPU-2", "GPU-2"]
    assert devices("programs") == [("completed", "NVIDIA H200")] * 6


def test_a_worker_sees_its_gpu_before_it_imports_the_script(own_folder: Path) -> None:
    Path("script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "script.py"], capture_output=True, text=True, env=environment, timeout=200
    )
    assert "starting 2 workers on 1 GPU (NVIDIA H200)" in done.stderr
    assert devices("function") == [("completed", "NVIDIA H200")] * 2, done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--per-gpu", "2", "--workers", "5"], "--workers 5 is more than 2 on each of 2 GPUs"),
        (["--per-gpu", "2", "--set", "trainer.accelerator=cpu"], "trainer.accelerator is cpu"),
    ],
)
@pytest.mark.parametrize("command", ["check", "run"])
def test_numbers_that_do_not_fit_are_refused_before_anything_is_written(
    command: str, arguments: list[str], said: str, own_folder: Path, capsys: Output
) -> None:
    assert main([command, "quickstart", "--home", "home", *arguments]) == 2
    written = capsys.readouterr()
    assert said in written.err and written.out == ""
    assert not list(own_folder.iterdir())


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_gpu_that_is_asked_for_and_not_there_is_said_before_anything_is_written(
    command: str, own_folder: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(discovery.VISIBLE, raising=False)  # a training in this process sets it
    monkeypatch.setattr(discovery, "gpus", list)
    monkeypatch.setattr(discovery, "may_have_others", lambda: False)
    file = ["quickstart", "--set", "trainer.accelerator=gpu"]
    assert main([command, *file, "--home", "home"]) == 2
    assert "trainer.accelerator is gpu, and none of NVIDIA's was found" in capsys.readouterr().err
    assert not list(own_folder.iterdir())
