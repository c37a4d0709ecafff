"""Studies of networks, data and programs of the user's, through the command line."""

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import psutil
import pytest
import yaml
from optuna.trial import TrialState

from lightning_modules.user_code import imports
from studies import results
from studies.analysis import summary
from studies.cli import main
from studies.engines.inline import InlineEngine
from studies.engines.training import train_task
from studies.home import Home
from studies.running.display import Display
from studies.running.run_study import run_study
from studies.search import AskedTrial
from studies.study_file.loading import load_study_file
from tests.conftest import MakeHome, WriteModule
from tests.support.accounts import FAIRTUNE, Runs, last_line, optuna_trials
from tests.support.own_code import LIGHTNING, NETWORK

Output = pytest.CaptureFixture[str]
DEMOS = "pytorch_lightning.demos.boring_classes"
DEMO = f"""
study: demo
data: {{class: "{DEMOS}:BoringDataModule"}}
model:
  - class: "{DEMOS}:DemoModel"
    label: narrow
    out_dim: 2
    learning_rate: {{min: 1e-4, max: 1e-1, log: true}}
  - class: "{DEMOS}:DemoModel"
    label: wide
    out_dim: 8
    learning_rate: {{min: 1e-4, max: 1e-1, log: true}}
trainer: {{epochs: 3, accelerator: cpu}}
objective: {{metric: train/loss, goal: minimize}}
search:
  method: random
  trials: 4
  pruner: {{name: percentile, percentile: 25.0, n_startup_trials: 1}}
compare: {{factor: model, claim: configurations}}
confirm: {{top: 1, seeds: 2}}
"""
NET = """
study: net
data: {class: "theirs:Rows", batch_size: {values: [8, 16]}}
model: {class: "nets:Net", width: {min: 4, max: 16}}
loss: cross_entropy
optimizer: {name: adam, lr: {min: 1e-3, max: 1e-1, log: true}}
trainer: {epochs: 2, accelerator: cpu}
search: {method: random, trials: 2}
confirm: {top: 1, seeds: 1}
"""
SOFTMAX = """
study: softmax
data: iris
model: {class: "nets:Net"}
loss: cross_entropy
optimizer: {name: adam, lr: {min: 0.001, max: 0.1}}
trainer: {epochs: 2}
search: {method: random, trials: 3}
"""
PROGRAM = r"""
for epoch in 1 2 3 4; do
    [ "$1" != crash ] || [ $epoch != 1 ] || kill -SEGV $$
    awk -v level="$2" -v epoch=$epoch -v seed=$3 'BEGIN {
        score = level * epoch + seed / 1e12
        printf "{\"epoch\": %d, \"metrics\": {\"val/score\": %.9f}}\n", epoch, score
    }'
    read answer
    [ "$answer" != stop ] || exit
done
echo '{"test": {"score": 0.5}}'
"""
COMMAND = {
    "study": "program",
    "model": {
        "command": ["sh", "{model.script}", "{model.how}", "{model.level}", "{seed}"],
        "script": "train.sh",
        "how": {"values": ["well", "crash"]},
        "level": {"values": [3, 1, 2]},
    },
    "trainer": {"epochs": 4},
    "objective": {"metric": "val/score", "goal": "maximize"},
    "search": {"method": "grid", "pruner": {"name": "median", "n_startup_trials": 1}},
    "confirm": {"top": 1, "seeds": 2},
}


def write(folder: Path, text: str) -> str:
    path = folder / "study.yaml"
    path.write_text(text)
    return str(path)


def outcomes(home: Home, study: str, phase: str) -> list[str]:
    trials = results.load_results(home, study).trials
    return sorted(str(trial.outcome) for trial in trials if trial.phase == phase)


class StopAt(Display):
    """Asks for a stop after the first epoch, which ends the trial with its second one."""

    asked = False

    def epoch(self, asked: AskedTrial, epoch: int, value: float) -> None:
        self.asked = self.asked or epoch == 1


def test_a_demo_of_lightning_is_tuned_pruned_resumed_confirmed_and_compared(
    own_folder: Path, make_home: MakeHome, capsys: Output
) -> None:
    home, file = make_home(own_folder / "home"), write(own_folder, DEMO)
    run = ["run", file, "--home", str(home.path), "--workers", "1", "--json"]
    assert main(run) == 2
    assert f"add --allow pytorch_lightning, or set {imports.ALLOW}" in capsys.readouterr().err
    imports.allow(["pytorch_lightning.demos"])
    display = StopAt()
    spec = load_study_file(Path(file))
    run_study(spec, home, workers=1, display=display, stopping=lambda: display.asked)
    assert outcomes(home, "demo", "search") == ["interrupted"]
    os.environ[imports.ALLOW] = ""
    assert main([*run, "--allow", "pytorch_lightning.demos"]) == 0
    told = last_line(capsys.readouterr().out)
    assert told["finished"]
    assert told["warnings"] == [
        "the runs on fresh seeds have no test metrics: the model tests nothing, or the data has no "
        "test part"
    ]
    runs = Runs.of(home, "demo")
    continued = next(run for run in runs.children if run.info.run_name == "narrow-0000")
    assert runs.steps(continued)["train/loss"] == [1, 2, 3]
    searched = outcomes(home, "demo", "search")
    assert len(searched) == 8 and {"completed", "pruned"} == set(searched)
    assert outcomes(home, "demo", "confirm") == ["completed"] * 4
    os.environ[imports.ALLOW] = ""
    assert main(["compare", "demo", "--home", str(home.path), "--json"]) == 0
    (pair,) = last_line(capsys.readouterr().out)["pairs"]
    assert {pair["a"], pair["b"]} == {"narrow", "wide"}
    assert main(["report", "demo", "--home", str(home.path), "--output", "r.html"]) == 0


def test_a_network_and_data_of_a_users_go_from_check_to_the_logged_model(
    write_module: WriteModule, own_folder: Path, make_home: MakeHome, capsys: Output
) -> None:
    write_module("theirs", LIGHTNING)
    write_module("nets", NETWORK)
    home, file = make_home(own_folder / "home"), write(own_folder, NET)
    assert main(["check", file]) == 0
    assert "nets:Net with " in capsys.readouterr().out
    argv = ["run", file, "--home", str(home.path), "--workers", "1", "--json"]
    assert main(argv) == 0
    told = last_line(capsys.readouterr().out)
    assert told["warnings"] == []
    (confirmed,) = [
        run for run in Runs.of(home, "net").children if run.data.tags["fairtune.phase"] == "confirm"
    ]
    assert confirmed.data.tags["fairtune.dataset"] == "theirs:Rows@made-1"
    assert "test/accuracy" in confirmed.data.metrics
    (best,) = home.artifacts.rglob("MLmodel")
    script = (
        "import os, sys, mlflow, numpy\n"
        f"allowed = os.environ.pop({imports.ALLOW!r})\n"
        "try:\n"
        "    mlflow.pyfunc.load_model(sys.argv[1])\n"
        "except Exception as error:\n"
        "    print(error)\n"
        f"os.environ[{imports.ALLOW!r}] = allowed\n"
        "found = mlflow.pyfunc.load_model(sys.argv[1]).predict(numpy.zeros((3, 4), 'float32'))\n"
        "print(found.shape)\n"
    )
    load = [sys.executable, "-W", "ignore", "-c", script, str(best.parent)]
    loaded = subprocess.run(load, capture_output=True, text=True, check=True)
    *refused, answer = loaded.stdout.splitlines()
    assert "importing nets runs its code, which nobody has allowed" in " ".join(refused)
    assert answer == "(3, 2)"


def test_what_seems_wrong_with_a_network_is_said_once_and_kept(
    write_module: WriteModule,
    own_folder: Path,
    make_home: MakeHome,
    caplog: pytest.LogCaptureFixture,
) -> None:
    write_module("nets", NETWORK.replace("outputs),\n", "outputs), nn.Softmax(dim=1),\n"))
    home, file = make_home(own_folder / "home"), write(own_folder, SOFTMAX)
    for trials in (3, 4):
        spec = load_study_file(Path(file), [f"search.trials={trials}"])
        engine = partial(InlineEngine, train_task, 1)
        found = run_study(spec, home, workers=1, display=Display(), engine=engine)
    said = [each for each in caplog.messages if "are probabilities already" in each]
    assert len(said) == 1 and said[0].startswith("study softmax: the network's outputs are")
    warnings = summary(found.results)["warnings"]
    assert [each for each in warnings if "take the softmax at its end out" in each] == warnings


def test_mistakes_in_a_call_of_a_class_are_told_before_anything_is_trained(
    write_module: WriteModule, own_folder: Path, capsys: Output
) -> None:
    write_module("theirs", LIGHTNING)
    write_module("nets", NETWORK)
    text = NET.replace("width:", "widht:").replace("batch_size:", "batchsize:")
    file = write(own_folder, text)
    for command in (["check", file], ["run", file, "--home", "home", "--workers", "1"]):
        assert main(command) == 2
        assert capsys.readouterr().err.splitlines()[-2:] == [
            "data.batchsize: theirs:Rows takes no such parameter; did you mean batch_size?",
            "model.widht: nets:Net takes no such parameter; did you mean width?",
        ]


def test_a_program_is_tuned_pruned_crashes_and_is_confirmed(
    own_folder: Path, make_home: MakeHome, capsys: Output
) -> None:
    (own_folder / "train.sh").write_text(PROGRAM)
    home, file = make_home(own_folder / "home"), write(own_folder, yaml.safe_dump(COMMAND))
    assert main(["check", file]) == 0
    assert "time: unknown, since only the program knows" in capsys.readouterr().out
    run = ["run", file, "--home", str(home.path), "--workers", "1", "--json"]
    assert main(run) == 0
    told = last_line(capsys.readouterr().out)
    assert told["best"]["configuration"]["model"]["level"] == 3
    searched = outcomes(home, "program", "search")
    assert searched == ["completed", *["crashed"] * 3, "pruned", "pruned"]
    assert outcomes(home, "program", "confirm") == ["completed"] * 2
    confirmed = [
        run.data
        for run in Runs.of(home, "program").children
        if run.data.tags["fairtune.phase"] == "confirm"
    ]
    assert [data.metrics["test/score"] for data in confirmed] == [0.5, 0.5]
    assert len({data.metrics["val/score"] for data in confirmed}) == 2
    (warning,) = told["warnings"]
    crash = "the program was killed by SIGSEGV, a segmentation fault (3 attempts)"
    assert warning == f"3 of 8 trials ended with crashed: {crash}"
    for command in (["best"], ["report", "--output", "r.html"]):
        assert main([*command, "program", "--home", str(home.path)]) == 0


def test_an_interrupted_program_dies_and_starts_anew_without_double_points(
    own_folder: Path, make_home: MakeHome
) -> None:
    waiting = (
        "echo $$ > pid; grep -c libtorch /proc/$PPID/maps > torch; : > seen.$epoch\n"
        "    while [ $epoch = 2 ] && [ ! -e go ]; do sleep 0.05; done\n    read answer"
    )
    (own_folder / "train.sh").write_text(PROGRAM.replace("read answer", waiting))
    model = {**COMMAND["model"], "how": "well", "level": {"values": [3]}}
    tree = {**COMMAND, "model": model, "search": {"method": "grid"}, "confirm": None}
    home, file = make_home(own_folder / "home"), write(own_folder, yaml.safe_dump(tree))
    argv = [FAIRTUNE, "run", file, "--home", str(home.path), "--workers", "1"]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (own_folder / "seen.2").exists():
        assert process.poll() is None
    pid = int((own_folder / "pid").read_text())
    if sys.platform == "linux":  # which has /proc
        assert (own_folder / "torch").read_text() == "0\n"  # its worker has loaded none
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    (own_folder / "go").touch()
    assert main(argv[1:]) == 0
    (trial,) = optuna_trials(home, "program")
    assert trial.state == TrialState.COMPLETE
    assert list(trial.intermediate_values) == [1, 2, 3, 4]
    (run,) = Runs.of(home, "program").children
    assert run.data.tags["fairtune.outcome"] == "completed"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"command": ["sh", "{model.levle}", "{model.level}"]},
            "model.command: there is no value {model.levle}; did you mean model.level?",
        ),
        (
            {"command": ["sh", "{model.level}"], "other": {"min": 0.1, "max": 1.0}},
            "model.command: model.other is searched and the program is not told: add {model.other} "
            "to its arguments, or {configuration} for a JSON file of everything",
        ),
        (
            {"command": ["sh", "{model.level}"], "data": "digits"},
            "data: the program is not told of it: leave it out, or add {data.name} to its "
            "arguments, or {configuration} for a JSON file of everything",
        ),
        (
            {"command": ["sh", "{model.level}"], "data": {"class": "theirs:Rows"}},
            "data.class: the program is not told of it: leave it out, or add {data.class} to its ",
        ),
        (
            {"command": ["sh", "{model.level}"], "hidden": 3},
            "model.hidden: the program is not told of it: leave it out, or add {model.hidden} to ",
        ),
    ],
)
def test_what_a_program_is_not_told_is_an_error_with_its_line(
    own_folder: Path, capsys: Output, change: dict[str, object], said: str
) -> None:
    more = {key: change.pop(key) for key in ["data"] if key in change}
    tree = {**COMMAND, "model": {"level": {"values": [1, 2]}, **change}, "search": {"trials": 2}}
    tree |= more
    file = write(own_folder, yaml.safe_dump(tree))
    assert main(["check", file]) == 2
    assert f"{file}:" in (told := capsys.readouterr().err) and said in told
    change["command"] = ["sh", "-c", ":", "{configuration}"]
    tree = {**COMMAND, "model": {"level": {"values": [1, 2]}, **change}, "search": {"trials": 2}}
    assert main(["check", write(own_folder, yaml.safe_dump(tree))]) == 0


def test_a_program_that_is_told_what_the_file_says_is_well_and_so_is_one_beside_a_network(
    own_folder: Path,
) -> None:
    told = {"command": ["sh", "-c", ":", "{data.name}", "{optimizer.lr}", "{epochs}", "{seed}"]}
    parts = {"data": "digits", "optimizer": {"name": "adam", "lr": {"min": 0.1, "max": 0.2}}}
    whole = {**parts, "objective": {"metric": "val/accuracy", "goal": "maximize"}}
    tree = {"study": "told", "model": told, **whole}
    assert main(["check", write(own_folder, yaml.safe_dump(tree))]) == 0
    beside = [{"name": "mlp", "hidden": [4]}, {**told, "label": "program"}]
    tree = {"study": "told", "model": beside, **whole, "compare": {"factor": "model"}}
    assert main(["check", write(own_folder, yaml.safe_dump(tree))]) == 0


def test_a_program_without_its_seed_is_a_warning_and_one_that_is_not_there_an_error(
    own_folder: Path, capsys: Output
) -> None:
    command = ["sh", "-c", ":", "{model.level}"]
    tree = {**COMMAND, "model": {"level": {"values": [1, 2]}, "command": command}}
    assert main(["check", write(own_folder, yaml.safe_dump(tree)), "--json"]) == 0
    (warning,) = json.loads(capsys.readouterr().out.splitlines()[-1])["warnings"]
    assert warning.startswith("the program is not told its seed")
    command[0] = "no-such-program"
    assert main(["check", write(own_folder, yaml.safe_dump(tree))]) == 2
    assert "there is no program no-such-program that could be run" in capsys.readouterr().err
