"""Scripts in the manners of well-known code bases, which stay as they are: what they are told, and
what is read of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from studies.engines import Task
from studies.engines.training import train_task
from studies.engines.worker import guarded
from studies.records import EpochReport, Outcome, TrialEnd
from studies.study_file import document, resolve

CONFIGURATOR = """
import sys
from ast import literal_eval
learning_rate, n_layer, compile, device, eval_interval = 6e-4, 12, True, "cuda", 5
for word in sys.argv[1:]:
    key, value = word[2:].split("=")
    try:
        value = literal_eval(value)
    except (SyntaxError, ValueError):
        pass
    assert type(value) == type(globals()[key]), (key, value)
    globals()[key] = value
assert not compile and device == "cpu"
for step in range(11):
    if step % eval_interval == 0:
        print(f"step {step}: train loss {learning_rate:.4f}, val loss {n_layer + step / 100:.4f}")
    print(f"iter {step}: loss 0.5000, time 1.00ms, mfu -100.00%")
"""
FLAGS = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--tied", action="store_true")
parser.add_argument("--bias", action=argparse.BooleanOptionalAction, default=True)
parser.add_argument("--batch-size", type=int)
parser.add_argument("--sizes", type=int, nargs="+")
parser.add_argument("--epochs", type=int)
told = parser.parse_args()
assert (told.tied, told.bias, told.sizes) == (True, False, [8, 4]), told
for epoch in range(1, told.epochs + 1):
    print("-" * 89)
    print(f"| end of epoch {epoch:3d} | time:  0.10s | valid loss {told.batch_size / epoch:5.2f} |")
print("| End of training | test loss  3.25 | test ppl    25.79")
"""
HYDRA = """
import csv, os, sys
told = dict(word.split("=", 1) for word in sys.argv[1:])
assert told["data.parts"] == "[300,100]" and told["logger"] == "csv", told
folder = os.path.join(told["hydra.run.dir"], "csv", "version_0")
os.makedirs(folder)
with open(folder + "/metrics.csv", "w") as file:
    writer = csv.DictWriter(file, ["epoch", "step", "train/loss", "val/acc", "test/acc"])
    writer.writeheader()
    for epoch in range(int(told["trainer.max_epochs"])):
        lr = float(told["model.optimizer.lr"])
        writer.writerow({"epoch": epoch, "step": 9, "val/acc": lr + epoch / 10})
        writer.writerow({"epoch": epoch, "step": 9, "train/loss": 1 / (epoch + 1)})
    writer.writerow({"epoch": 3, "step": 27, "test/acc": 0.75})
"""
BAR = """
import os, sys
for epoch in range(int(os.environ["EPOCHS"])):
    print("\\nEpoch: %d" % epoch)
    for part, loss in (("train", 0.9), ("test", 0.8 - epoch / 10)):
        for batch in range(2):
            sys.stdout.write(" [====>...] Loss: %.3f | Acc: 50.000%% (5/10)" % (loss + 1 - batch))
            sys.stdout.write("\\b" * 9 + " %d/2 " % (batch + 1) + ("\\r" if batch == 0 else "\\n"))
    print("Saving..")
"""
ROUNDS = """
import sys
told = dict(word[2:].split("=") for word in sys.argv[1:])
assert told == {"max_depth": "2", "eta": "0.5"}
for number in range(3):
    print(f"[{number}]\\teval-logloss:{0.5 - number / 10:.5f}\\ttrain-logloss:{0.4:.5f}")
print("error=0.021739")
"""
STEPS = """
import os, sys
folder = sys.argv[sys.argv.index("--work-dir") + 1]
assert os.listdir(folder) == [] and sys.argv[sys.argv.index("--type") + 1] == "mlp"
for step in range(1501):
    if step % 500 == 0 and step > 0:
        print(f"step {step} train loss: {2.5} test loss: {3000 / step}")
        open(folder + "/model.pt", "w").close()
"""
LIKE: dict[str, tuple[str, dict[str, Any], dict[str, Any], list[float]]] = {
    "nanoGPT": (
        CONFIGURATOR,
        {
            "command": ["--compile={model.compile:python}", "{params:--name=value}"],
            "compile": False,
            "device": "cpu",
            "n_layer": 2,
            "learning_rate": 1e-3,
        },
        {"from": "log", "patterns": {"epoch": r"step (\d+):", "val/loss": r"val loss (\S+)"}},
        [2.0, 2.05, 2.1],
    ),
    "argparse": (
        FLAGS,
        {
            "command": [
                "{model.tied:flag --tied}", "{model.bias:flag --bias/--no-bias}", "{params}",
                "--epochs", "{epochs}",
            ],
            "tied": True,
            "bias": False,
            "batch-size": 6,
            "sizes": {"values": [[8, 4]]},
        },
        {
            "from": "log",
            "patterns": {
                "epoch": r"end of epoch +(\d+)",
                "val/loss": r"valid loss +(\S+)",
                "test/loss": r"test loss +(\S+)",
            },
        },
        [6.0, 3.0, 2.0],
    ),
    "hydra": (
        HYDRA,
        {
            "command": [
                "hydra.run.dir={folder}", "logger=csv", "data.parts=[300,100]",
                "trainer.max_epochs={epochs}", "model.optimizer.lr={model.lr}",
            ],
            "lr": 0.5,
        },
        {
            "from": "csv",
            "path": "{folder}/csv/version_0/metrics.csv",
            "epoch": "epoch",
            "names": {"val/loss": "val/acc"},
        },
        [0.5, 0.6, 0.7],
    ),
    "pytorch-cifar": (
        BAR,
        {"command": ["--lr", "{model.lr}"], "lr": 0.1, "env": {"EPOCHS": "{epochs}"}},
        {"from": "log", "patterns": {"epoch": r"Epoch: (\d+)", "val/loss": r"Loss: (\S+) "}},
        [0.8, 0.7, 0.6],
    ),
    "xgboost": (
        ROUNDS,
        {"command": ["{params:--name=value}"], "max_depth": 2, "eta": 0.5},
        {"from": "log", "patterns": {"epoch": r"^\[(\d+)\]", "val/loss": r"eval-logloss:(\S+)"}},
        [0.5, 0.4, 0.3],
    ),
    "makemore": (
        STEPS,
        {"command": ["--work-dir", "{folder}", "{params}"], "type": "mlp"},
        {"from": "log", "patterns": {"epoch": r"step (\d+) t", "val/loss": r"test loss: (\S+)"}},
        [6.0, 3.0, 2.0],
    ),
}  # fmt: skip


def trained(
    folder: Path, name: str, stop: int = 0, *, test: bool = False
) -> tuple[TrialEnd, list[float]]:
    """How the trial of a script ends, and its objective by epoch; it is stopped after `stop`."""
    script, model, metrics, _ = LIKE[name]
    (folder / "train.py").write_text(script)
    command = [sys.executable, str(folder / "train.py"), *model["command"]]
    tree = {
        "study": "s",
        "model": model | {"command": command},
        "trainer": {"epochs": 3},
        "objective": {"metric": "val/loss", "goal": "minimize"},
        "metrics": metrics,
    }
    spec = resolve(document.from_tree(tree))
    values: list[float] = []

    def ask(report: EpochReport) -> bool:
        values.append(report.metrics["val/loss"])
        return report.epoch != stop

    task = Task(
        "trial-0001",
        spec.configurations[0],
        7,
        str(folder / "best.pt"),
        str(folder / "state"),
        metrics=spec.metrics,
        evaluate_test=test,
    )
    return guarded(task, ask, train_task), values


@pytest.mark.parametrize("name", LIKE)
def test_a_script_that_stays_as_it_is_is_told_its_values_and_read(
    tmp_path: Path, name: str
) -> None:
    end, values = trained(tmp_path, name)
    assert (end.outcome, end.reason, end.epochs) == (Outcome.completed, "", 3)
    assert values == pytest.approx(LIKE[name][3])


@pytest.mark.parametrize("name", ["argparse", "xgboost"])
def test_it_is_pruned_though_it_asks_nobody(tmp_path: Path, name: str) -> None:
    end, values = trained(tmp_path, name, stop=2)
    assert (end.outcome, end.epochs) == (Outcome.pruned, 2)
    assert values == pytest.approx(LIKE[name][3][:2])


def test_what_it_says_of_the_test_part_in_the_end_is_kept(tmp_path: Path) -> None:
    end, _ = trained(tmp_path, "argparse", test=True)
    assert end.test == {"test/loss": 3.25}
