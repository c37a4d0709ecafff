"""Programs that say nothing to fairtune, read by what they write for others."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from lightning_modules.errors import Interrupted
from studies.engines import Task
from studies.engines.training import train_task
from studies.engines.worker import guarded
from studies.records import EpochReport, Outcome, TrialEnd
from studies.study_file import document, resolve

LOG = {
    "epoch": r"epoch (\d+)",
    "val/accuracy": r"val_acc[:=] *([\d.]+)",
    "train/loss": r"train_loss[:=] *([\d.]+)",
    "test/accuracy": r"test_acc[:=] *(\S+)",
}
CAPTURED = ("wandb", "mlflow", "trackio")


def task(folder: Path, script: str, metrics: dict[str, Any], epochs: int = 3) -> Task:
    """A Python script whose arguments are the learning rate, the epochs and a folder."""
    path = folder / "train.py"
    path.write_text(script)
    command = [sys.executable, str(path), "{optimizer.lr}", "{epochs}", "{folder}", "{checkpoint}"]
    tree = {
        "study": "s",
        "model": {"command": command, "width": {"values": [8]}},
        "optimizer": {"name": "sgd", "lr": 0.5},
        "trainer": {"epochs": epochs},
        "objective": {"metric": "val/accuracy", "goal": "maximize"},
        "metrics": metrics,
    }
    tree["model"]["command"].append("{model.width}")  # type: ignore[index]
    spec = resolve(document.from_tree(tree))
    return Task(
        "trial-0001",
        spec.configurations[0],
        7,
        str(folder / "best.pt"),
        str(folder / "state"),
        metrics=spec.metrics,
    )


def ended(
    asked: Task, *, stop: int = 0, interrupt: int = 0
) -> tuple[TrialEnd, list[dict[str, float]]]:
    """How a trial ends, and the metrics of its epochs but for seconds; it is stopped after the
    epoch `stop`."""
    epochs: list[dict[str, float]] = []

    def ask(report: EpochReport) -> bool:
        epochs.append({k: v for k, v in report.metrics.items() if not k.startswith("time/")})
        assert report.epoch == len(epochs)
        if report.epoch == interrupt:
            raise Interrupted
        return report.epoch != stop

    return guarded(asked, ask, train_task), epochs


LOG_ONLY = """
import sys
lr, epochs = float(sys.argv[1]), int(sys.argv[2])
for epoch in range(epochs):
    print(f"epoch {epoch}")
    for batch in range(3):
        print(f"\\r{batch}/3 train_loss: {1 / (epoch + batch + 1):.2e}", end="")
    print(f"\\nval_acc: {lr + epoch / 10:.2f}", file=sys.stderr)
print("test_acc=93.1%")
"""


def test_the_log_of_both_streams_is_read_in_its_order(tmp_path: Path) -> None:
    """Of two pipes nobody knows the order; a bar that is drawn anew says the last state."""
    end, epochs = ended(task(tmp_path, LOG_ONLY, {"from": "log", "patterns": LOG}))
    assert (end.outcome, end.reason, end.epochs, end.best_epoch) == (Outcome.completed, "", 3, 3)
    assert epochs == [
        {"val/accuracy": pytest.approx(0.5 + epoch / 10), "train/loss": loss}
        for epoch, loss in enumerate([0.333, 0.25, 0.2])
    ]
    assert end.test == {}


def test_metrics_of_the_test_part_are_kept_where_that_was_asked_for(tmp_path: Path) -> None:
    asked = task(tmp_path, LOG_ONLY, {"from": "log", "patterns": LOG})
    end, _ = ended(replace(asked, evaluate_test=True))
    assert end.test == {"test/accuracy": pytest.approx(0.931)}


def test_without_a_pattern_of_the_epoch_every_value_of_the_objective_is_one(tmp_path: Path) -> None:
    patterns = {"val/accuracy": LOG["val/accuracy"], "train/loss": LOG["train/loss"]}
    end, epochs = ended(task(tmp_path, LOG_ONLY, {"from": "log", "patterns": patterns}))
    assert (end.epochs, epochs[2]["train/loss"]) == (3, 0.2)


ENDLESS = """
import sys, time
for epoch in range(int(sys.argv[2])):
    print("epoch", epoch, "val_acc:", epoch)
print("epoch 99")
while True:
    time.sleep(60)
"""


def test_a_program_that_cannot_be_asked_is_ended_and_keeps_what_it_had(tmp_path: Path) -> None:
    before = set(psutil.Process().children())
    end, epochs = ended(task(tmp_path, ENDLESS, {"from": "log", "patterns": LOG}), stop=2)
    assert (end.outcome, end.reason) == (Outcome.pruned, "stopped by the pruner after epoch 2")
    assert (end.epochs, end.best_epoch, len(epochs)) == (2, 2, 2)
    assert set(psutil.Process().children()) <= before


def test_an_interrupted_program_starts_anew_in_an_empty_folder(tmp_path: Path) -> None:
    asked = task(tmp_path, CSV, {"from": "csv", "path": "{folder}/log.csv"})
    end, _ = ended(asked, interrupt=1)
    assert end.outcome == Outcome.interrupted
    end, epochs = ended(asked)
    assert (end.outcome, len(epochs)) == (Outcome.completed, 3)


@pytest.mark.parametrize(("epochs", "outcome"), [(2, Outcome.error), (5, Outcome.completed)])
def test_more_epochs_than_the_file_says_are_said_and_fewer_are_fewer(
    tmp_path: Path, epochs: int, outcome: Outcome
) -> None:
    script = LOG_ONLY.replace("int(sys.argv[2])", "3")
    end, _ = ended(task(tmp_path, script, {"from": "log", "patterns": LOG}, epochs))
    assert (end.outcome, end.epochs) == (outcome, 3 if outcome == Outcome.completed else 0)
    if outcome == Outcome.error:
        assert "more epochs than trainer.epochs (2): give it {epochs}" in end.reason


CSV = """
import csv, sys
rows = [
    {"epoch": epoch, "step": 9, key: value}
    for epoch in range(int(sys.argv[2]))
    for key, value in (("train_loss", 1 / (epoch + 1)), ("val_accuracy", epoch / 10))
]
rows.append({"epoch": 3, "step": 9, "test_accuracy": 0.75})
with open(sys.argv[3] + "/log.csv", "a") as file:
    writer = csv.DictWriter(file, ["epoch", "step", "train_loss", "val_accuracy", "test_accuracy"])
    writer.writeheader()
    writer.writerows(rows)
"""


def test_a_csv_file_with_holes_is_read(tmp_path: Path) -> None:
    asked = task(tmp_path, CSV, {"from": "csv", "path": "{folder}/log.csv"})
    end, epochs = ended(replace(asked, evaluate_test=True))
    assert (end.outcome, end.test) == (Outcome.completed, {"test/accuracy": 0.75})
    assert epochs == [
        {"train/loss": pytest.approx(1 / (epoch + 1)), "val/accuracy": epoch / 10}
        for epoch in range(3)
    ]


def test_a_csv_file_beside_the_checkpoint_is_the_trials_own(tmp_path: Path) -> None:
    script = CSV.replace('sys.argv[3] + "/log.csv"', 'sys.argv[4] + ".csv"')
    asked = task(tmp_path, script, {"from": "csv", "path": "{checkpoint}.csv"})
    assert [ended(asked)[0].epochs for _ in range(2)] == [3, 3]


TENSORBOARD = """
import sys
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter
writer = EventFileWriter(sys.argv[3] + "/runs/today")
def add(tag, value, step):
    writer.add_event(Event(step=step, summary=Summary(value=[Summary.Value(
        tag=tag, simple_value=value)])))
for epoch in range(int(sys.argv[2])):
    for batch in range(2):
        add("Loss/train", 1 / (epoch + batch + 1), 10 * epoch + 5 * batch)
    add("Accuracy/val", epoch / 10, 10 * epoch + 9)
    add("lr", 0.1, 10 * epoch + 9)
writer.close()
"""


def test_the_files_of_tensorboard_are_read(tmp_path: Path) -> None:
    names = {"val/accuracy": "Accuracy/val", "train/loss": "Loss/train"}
    source = {"from": "tensorboard", "path": "{folder}/runs/*", "names": names}
    end, epochs = ended(task(tmp_path, TENSORBOARD, source))
    assert end.outcome == Outcome.completed, end.reason
    assert epochs == [
        {"train/loss": loss, "val/accuracy": epoch / 10, "lr": 0.1}
        for epoch, loss in enumerate([0.5, 0.33333334, 0.25])
    ]


RUNS = """
import sys
import {package} as wandb
defaults = dict(lr=9, width=1, other=3, epochs=99)
with wandb.init(project="p", config=defaults, mode="online", tags=["a"]) as run:
    config = wandb.config
    assert config.lr == config["lr"] == run.config.get("lr") == 0.5, config
    assert (config.width, config.other, config.epochs, config.seed) == (8, 3, 3, 7), config
    assert config["optimizer.lr"] == 0.5 and "name" not in config and "momentum" not in config
    config.update({{"lr": 4, "more": 1}}, allow_val_change=True)
    assert (config.lr, config.more) == (0.5, 1)
    wandb.watch(None, log="all")
    wandb.define_metric("val/*", summary="max")
    for epoch in range(config.epochs):
        wandb.log({{"train": {{"loss": 1 / (epoch + 1)}}, "flag": True, "text": "t"}},
                  commit=False)
        wandb.log({{"epoch": epoch}}, commit=False)
        run.log({{"val_accuracy": epoch / 10, "picture": wandb.Image([[0]], caption="c"),
                 "table": wandb.Table(columns=["a"], data=[[1]]), "plot": wandb.plot.line(1, 2)}})
    artifact = wandb.Artifact("a", type="model")
    artifact.add_file(sys.argv[0])
    run.log_artifact(artifact)
    wandb.save("*.pt")
    wandb.alert(title="t", text="x")
    wandb.run.summary["test_accuracy"] = 0.75
    wandb.run.summary.update({{"best": 1}})
    assert run.name and run.id and wandb.run is run and isinstance(run, wandb.Run)
    assert run.dir == sys.argv[3] and f"{{wandb.Api().runs('p'):.3f}}" == ""
wandb.finish()
assert wandb.run is None
from {package}.integration.keras import Callback
class Mine(Callback):
    pass
Mine()
"""


def test_what_waits_when_runs_of_wandb_end_is_logged(tmp_path: Path) -> None:
    program = """
import wandb
with wandb.init() as run:
    run.log({"val_accuracy": 0.1}, commit=False)
wandb.init().log({"val_accuracy": 0.2}, commit=False)
str(wandb.config)
"""
    _, epochs = ended(task(tmp_path, program, {"from": "wandb"}))
    assert epochs == [{"val/accuracy": 0.1}, {"val/accuracy": 0.2}]


@pytest.mark.parametrize("package", ["wandb", "trackio"])
def test_what_is_logged_to_wandb_and_trackio_is_captured(tmp_path: Path, package: str) -> None:
    asked = task(tmp_path, RUNS.format(package=package), {"from": package})
    end, epochs = ended(replace(asked, evaluate_test=True))
    assert (end.outcome, end.reason) == (Outcome.completed, "")
    assert epochs == [
        {"train.loss": pytest.approx(1 / (epoch + 1)), "val/accuracy": epoch / 10}
        for epoch in range(3)
    ]
    assert end.test == {"test/accuracy": 0.75}


@pytest.mark.parametrize("config", ["a.yaml", None, {"lr": 9}, "namespace"])
def test_configurations_of_all_kinds_are_taken(tmp_path: Path, config: Any) -> None:
    given = "__import__('argparse').Namespace(lr=9)" if config == "namespace" else repr(config)
    script = (
        f"import wandb\nwandb.init(config={given})\nassert wandb.config.lr == 0.5\n"
        "wandb.config.setdefaults({'lr': 7, 'other': 2})\n"
        "assert (wandb.config.lr, wandb.config.other) == (0.5, 2)\n"
        "wandb.log({'val/accuracy': 1})\n"
    )
    end, _ = ended(task(tmp_path, script, {"from": "wandb"}))
    assert (end.outcome, end.reason) == (Outcome.completed, "")


def test_an_agent_of_a_sweep_trains_once(tmp_path: Path) -> None:
    script = (
        "import wandb\n"
        "def train():\n"
        "    with wandb.init() as run:\n"
        "        run.log({'val/accuracy': run.config.lr})\n"
        "wandb.agent(wandb.sweep({}, project='p'), function=train, count=20)\n"
    )
    end, epochs = ended(task(tmp_path, script, {"from": "wandb"}))
    assert (end.outcome, end.reason, epochs) == (Outcome.completed, "", [{"val/accuracy": 0.5}])


READING = {
    "attribute": "lr = wandb.config.lr",
    "key": "lr = config['lr']",
    "path": "lr = config['optimizer.lr']",
    "get": "lr = config.get('lr', 9)",
    "dict": "lr = dict(config)['lr']",
    "named": "lr = (lambda lr, **rest: lr)(**{k: v for k, v in config.items() if '.' not in k})",
}


@pytest.mark.parametrize("how", [*READING, "not"])
def test_a_script_that_reads_its_values_from_wandb_needs_no_arguments(
    tmp_path: Path, how: str
) -> None:
    """And one that does not is told so: all of its trials would be equal."""
    script = "import wandb\nconfig = wandb.init(config={'lr': 9}).config\n"
    script += READING.get(how, "lr = 9") + "\nwandb.log({'val/accuracy': lr})\n"
    (tmp_path / "train.py").write_text(script)
    tree = {
        "study": "s",
        "model": {"command": [sys.executable, str(tmp_path / "train.py")]},
        "optimizer": {"name": "sgd", "lr": {"min": 0.25, "max": 0.5}},
        "objective": {"metric": "val/accuracy", "goal": "maximize"},
        "metrics": {"from": "wandb"},
    }
    spec = resolve(document.from_tree(tree))
    (configuration,) = {each.hash: each for each in spec.configurations[:1]}.values()
    made = Task("t", configuration, 7, None, str(tmp_path / "state"), metrics=spec.metrics)
    end, epochs = ended(made)
    if how == "not":
        assert end.outcome == Outcome.error
        assert end.reason == (
            "UserError: the program is told optimizer.lr by wandb.config alone, and did not read "
            "it there: let it, or add it to model.command"
        )
    else:
        assert (end.outcome, end.reason) == (Outcome.completed, "")
        assert epochs == [{"val/accuracy": configuration.optimizer.parameters["lr"]}]


MLFLOW = """
import sys
import mlflow
import mlflow.pytorch
from mlflow.tracking import MlflowClient
mlflow.set_tracking_uri("http://nowhere.invalid:1")
mlflow.set_experiment("e")
mlflow.autolog()
mlflow.pytorch.autolog(log_models=False)
with mlflow.start_run(run_name="r", nested=True) as run:
    assert run.info.run_id and mlflow.active_run().info.run_id
    mlflow.log_param("lr", sys.argv[1])
    mlflow.log_params({"a": 1})
    mlflow.set_tag("a", "b")
    for epoch in range(int(sys.argv[2])):
        mlflow.log_metric("train_loss", 1 / (epoch + 1), step=epoch)
        mlflow.log_metric("val_accuracy", epoch / 10, step=epoch)
        mlflow.log_metrics({"lr": 0.5}, step=epoch)
    MlflowClient().log_metric(run.info.run_id, "test_accuracy", 0.75)
    mlflow.log_artifact(sys.argv[0])
    mlflow.log_dict({}, "d.json")
    mlflow.pytorch.log_model(None, name="model")
@mlflow.trace
def traced():
    return 5
assert traced() == 5
"""


def test_what_is_logged_to_mlflow_is_captured_though_it_is_installed(tmp_path: Path) -> None:
    asked = task(tmp_path, MLFLOW, {"from": "mlflow"})
    end, epochs = ended(replace(asked, evaluate_test=True))
    assert (end.outcome, end.reason) == (Outcome.completed, "")
    assert epochs == [
        {"train/loss": pytest.approx(1 / (epoch + 1)), "val/accuracy": epoch / 10, "lr": 0.5}
        for epoch in range(3)
    ]
    assert end.test == {"test/accuracy": 0.75}
    assert {path.name for path in tmp_path.iterdir()} == {"train.py", "state"}


def test_unless_it_is_asked_for_nothing_is_captured(tmp_path: Path) -> None:
    script = "import sys\nprint([p for p in sys.path if 'stand_ins' in p])\n" + LOG_ONLY
    script += "assert 'FAIRTUNE_LOGGED' not in __import__('os').environ\n"
    end, _ = ended(task(tmp_path, script, {"from": "log", "patterns": LOG}))
    assert end.outcome == Outcome.completed


@pytest.mark.parametrize(
    ("script", "metrics", "reason"),
    [
        (
            "print('hello')",
            {"from": "log", "patterns": LOG},
            "reported no epoch (no line of it matched metrics.patterns of val/accuracy); its last "
            "words: hello",
        ),
        (
            "print('hello')",
            {"from": "csv", "path": "{folder}/log.csv"},
            "reported no epoch (there is no row in ",
        ),
        (
            "print('hello')",
            {"from": "tensorboard", "path": "{folder}"},
            "reported no epoch (there is no scalar in ",
        ),
        ("print()", {"from": "wandb"}, "reported no epoch (it logged no number with wandb)"),
        (
            "import wandb\nfor epoch in range(3): wandb.log({'acc': 1})",
            {"from": "wandb"},
            "reported no epoch (it logged acc with wandb; say with metrics.names which one is val/",
        ),
        (
            "for epoch in range(9): print('epoch', epoch, 'train_loss: 1')",
            {"from": "log", "patterns": LOG},
            "did not report val/accuracy in its first 5 epochs, but train/loss: no line of it matc",
        ),
        (
            "for epoch in range(3): print('epoch', epoch, 'train_loss: 1')",
            {"from": "log", "patterns": LOG},
            "did not report val/accuracy in its first 2 epochs, but train/loss",
        ),
        (
            "print('epoch 0 val_acc: 1'); print('epoch 1')\nraise SystemExit('out of luck')",
            {"from": "log", "patterns": LOG},
            "the program ended with exit code 1: out of luck",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    tmp_path: Path, script: str, metrics: dict[str, Any], reason: str
) -> None:
    end, _ = ended(task(tmp_path, script, metrics, epochs=9))
    assert end.outcome == Outcome.error
    assert reason in end.reason and "\n" not in end.reason, end.reason


def test_an_objective_that_is_nan_has_diverged(tmp_path: Path) -> None:
    script = "for epoch in range(3): print('epoch', epoch, 'val_acc:', 1 if epoch == 0 else 'nan')"
    end, epochs = ended(task(tmp_path, script, {"from": "log", "patterns": LOG}))
    assert (end.outcome, end.reason) == (
        Outcome.diverged,
        "val/accuracy is nan after epoch 2",
    )
    assert len(epochs) == 2


def test_a_program_that_closes_its_streams_is_read_on(tmp_path: Path) -> None:
    script = "import os, sys\nos.close(1); os.close(2)\n" + CSV
    end, epochs = ended(task(tmp_path, script, {"from": "csv", "path": "{folder}/log.csv"}))
    assert (end.outcome, len(epochs)) == (Outcome.completed, 3), end.reason


def test_the_folder_is_told_in_the_file_of_everything_too(tmp_path: Path) -> None:
    end, _ = ended(task(tmp_path, CSV, {"from": "csv", "path": "{folder}/log.csv"}))
    assert end.outcome == Outcome.completed
    told = json.loads((tmp_path / "state" / "configuration.json").read_text())
    assert Path(told["folder"]).is_absolute() and Path(told["folder"]).name == "written"
