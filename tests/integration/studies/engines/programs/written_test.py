"""Programs that say nothing to fairtune, read by what they write for others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from studies.records import Outcome
from tests.support.read_programs import ended, task

LOG = {
    "epoch": r"epoch (\d+)",
    "val/accuracy": r"val_acc[:=] *([\d.]+)",
    "train/loss": r"train_loss[:=] *([\d.]+)",
    "test/accuracy": r"test_acc[:=] *(\S+)",
}
CAPTURED = ("wandb", "mlflow", "trackio")


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
