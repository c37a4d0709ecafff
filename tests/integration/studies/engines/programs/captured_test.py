"""What programs give to wandb, mlflow and trackio is captured."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studies.engines import Task
from studies.records import Outcome
from studies.study_file import document, resolve
from tests.support.read_programs import ended, task

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
