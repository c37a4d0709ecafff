"""A training that was interrupted continues to the numbers of one that was not, bit for bit."""

import hashlib
import os
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_modules.configuration import Configuration
from lightning_modules.data.augmentation.table import AUGMENTATIONS
from lightning_modules.data.tensors import TensorDataModule
from lightning_modules.errors import Interrupted
from lightning_modules.networks import SupervisedModule
from lightning_modules.optimization import SCHEDULES
from lightning_modules.optimization.optimizers import OPTIMIZERS
from lightning_modules.training import resume_checkpoint
from lightning_modules.training.resume_checkpoint import ResumeCheckpoint
from lightning_modules.training.train import TrainingResult, train

Tree = dict[str, Any]
Metrics = dict[str, float]

IRIS: Tree = {
    "data": {"name": "iris", "batch_size": 16},
    "model": {"name": "mlp", "hidden": [8]},
    "optimizer": {"name": "momentum", "lr": 0.3},
    "regularization": {"dropout": 0.2},
    "trainer": {"epochs": 6, "accelerator": "cpu"},
}
"""Its best epoch is not the last one, and dropout draws random numbers at every step."""
FASTER: dict[str, Tree] = {
    "plateau": {"patience": 0, "factor": 0.5},
    "step": {"step_size": 2},
    "cosine_restarts": {"T_0": 2},
}
DIGITS: Tree = {
    "data": {"name": "digits", "batch_size": 256},
    "regularization": {"dropout": 0.2},
    "trainer": {"epochs": 4, "accelerator": "cpu"},
}

TREES: dict[str, Tree] = {
    **{name: IRIS | {"optimizer": name} for name in OPTIMIZERS},
    "amsgrad": IRIS | {"optimizer": {"name": "adam", "amsgrad": True}},
    "centered": IRIS | {"optimizer": {"name": "rmsprop", "momentum": 0.9, "centered": True}},
    **{
        f"{name}, warmup {warmup}": IRIS
        | {"schedule": {"name": name, "warmup": warmup, **FASTER.get(name, {})}}
        for name in SCHEDULES
        for warmup in (0.0, 1.5)
    },
    "full batch": IRIS | {"data": {"name": "iris", "batch_size": "full"}},
    "early stopping": IRIS
    | {
        "regularization": {
            "early_stopping": {"patience": 2},
            "gradient_clip": 1.0,
            "weight_decay": 0.01,
            "l1": 1e-3,
            "label_smoothing": 0.1,
        }
    },
    "regression": {
        "data": {"name": "diabetes", "batch_size": 64},
        "model": {"name": "mlp", "hidden": [8], "batch_norm": True},
        "trainer": {"epochs": 4, "accelerator": "cpu"},
    },
    "cnn": DIGITS | {"model": {"name": "cnn", "channels": [4], "batch_norm": True}},
    "augmentation": DIGITS
    | {
        "data": {
            "name": "digits",
            "batch_size": 256,
            "balance": "sampling",
            "augment": {name: {} for name in AUGMENTATIONS if "image" in AUGMENTATIONS[name].kinds},
        },
        "model": {"name": "cnn", "channels": [4]},
    },
    "class weights": IRIS | {"data": {"name": "iris", "batch_size": 16, "balance": "weights"}},
    "gru": DIGITS | {"model": {"name": "gru", "hidden_size": 8}},
    "bf16": DIGITS
    | {
        "model": "mlp",
        "trainer": {"epochs": 4, "accelerator": "cpu", "precision": "bf16"},
        "schedule": "cosine",
    },
    "accumulate": IRIS
    | {
        "trainer": {"epochs": 4, "accelerator": "cpu", "accumulate": 4, "max_steps": 1},
        "schedule": "one_cycle",
    },
    "val_every": IRIS
    | {
        "trainer": {"epochs": 12, "accelerator": "cpu", "val_every": 3},
        "schedule": {"name": "plateau", "patience": 0, "factor": 0.5},
        "regularization": {"dropout": 0.2, "early_stopping": {"patience": 3}},
    },
    "transformer": DIGITS
    | {"model": {"name": "transformer", "num_heads": 2, "head_size": 4}, "optimizer": "muon"},
}


class Killed(BaseException):
    """Ends a training as suddenly as a signal would."""


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The epochs that were really trained, by all trainings of a test."""
    epochs: list[int] = []
    original = SupervisedModule.on_train_epoch_start

    def counted(self: SupervisedModule) -> None:
        original(self)
        epochs.append(self.current_epoch + 1)

    monkeypatch.setattr(SupervisedModule, "on_train_epoch_start", counted)
    yield epochs


def attempt(
    tree: Tree,
    folder: Path | None = None,
    *,
    seed: int = 3,
    last: int | None = None,
    blow: type[BaseException] = Interrupted,
    **options: Any,
) -> tuple[TrainingResult | None, list[Metrics]]:
    """A training that is hit after the epoch `last`, and the epochs that it reported."""
    epochs: list[Metrics] = []

    def on_epoch(epoch: int, metrics: Mapping[str, float]) -> bool:
        assert epoch == len(epochs) + 1
        epochs.append({key: value for key, value in metrics.items() if key != "time/epoch_s"})
        if epoch == last:
            raise blow
        return True

    options["resume_folder"] = folder
    try:
        return train(Configuration.resolve(tree), seed, on_epoch, **options), epochs
    except blow:
        return None, epochs


def without_time(metrics: Mapping[str, float]) -> Metrics:
    return {name: value for name, value in metrics.items() if name != "time/epoch_s"}


@pytest.mark.parametrize("case", TREES)
def test_a_continued_training_equals_a_whole_one(
    case: str, tmp_path: Path, trained: list[int]
) -> None:
    tree, folder = TREES[case], tmp_path / "state"
    whole, epochs = attempt(tree, evaluate_test=True, checkpoint=tmp_path / "whole.pt")
    assert whole is not None
    once = trained.copy()
    trained.clear()
    for last in (1, 3):
        assert attempt(tree, folder, last=last) == (None, epochs[:last])
    result, told = attempt(tree, folder, evaluate_test=True, checkpoint=tmp_path / "parts.pt")
    assert result is not None
    assert trained == once  # nothing was trained twice
    assert told == epochs
    assert (result.epochs, result.best_epoch) == (whole.epochs, whole.best_epoch)
    assert without_time(result.best) == without_time(whole.best)
    assert result.test == whole.test
    saved = [torch.load(tmp_path / f"{name}.pt")["weights"] for name in ("whole", "parts")]
    assert all(torch.equal(saved[0][name], saved[1][name]) for name in saved[0])


def test_epochs_of_equal_accuracy_are_compared_across_interruptions(tmp_path: Path) -> None:
    tree = IRIS | {
        "optimizer": {"name": "adam", "lr": 0.2},
        "regularization": {"early_stopping": {"patience": 9}},
        "trainer": {"epochs": 8, "accelerator": "cpu"},
    }
    whole, epochs = attempt(tree, checkpoint=tmp_path / "whole.pt")
    assert whole is not None and whole.best_epoch is not None
    values = [metrics["val/accuracy"] for metrics in epochs]
    first = values.index(max(values)) + 1
    assert first < whole.best_epoch < 8
    for last in (first, whole.best_epoch):
        attempt(tree, tmp_path / "state", last=last)
    result, _ = attempt(tree, tmp_path / "state", checkpoint=tmp_path / "parts.pt")
    assert result is not None and result.best_epoch == whole.best_epoch
    saved = [torch.load(tmp_path / f"{name}.pt")["weights"] for name in ("whole", "parts")]
    assert all(torch.equal(saved[0][name], saved[1][name]) for name in saved[0])


def test_a_training_that_dies_continues_from_its_last_periodic_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: list[int]
) -> None:
    _, epochs = attempt(IRIS)
    trained.clear()
    monkeypatch.setattr(resume_checkpoint, "SECONDS", 0.0)
    monkeypatch.setattr(ResumeCheckpoint, "due", property(lambda self: not trained[-1] % 2))
    assert attempt(IRIS, tmp_path, last=4, blow=Killed)[0] is None  # before epoch 4 is written
    _, told = attempt(IRIS, tmp_path)
    assert trained == [1, 2, 3, 4, 3, 4, 5, 6]
    assert told == epochs


def test_a_short_training_writes_nothing(tmp_path: Path) -> None:
    attempt(IRIS, tmp_path / "state")
    assert not (tmp_path / "state").exists()


def test_writing_costs_little_even_where_it_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(resume_checkpoint.time, "monotonic", lambda: now[0])
    kept = ResumeCheckpoint(tmp_path, {})
    now[0] += 29
    assert not kept.due
    now[0] += 1
    assert kept.due

    def slow(*_: Any, **__: Any) -> None:
        now[0] += 2.0

    monkeypatch.setattr(resume_checkpoint, "replace", slow)
    kept.save_checkpoint({}, kept.last)
    now[0] += 99
    assert not kept.due
    now[0] += 1
    assert kept.due


def test_an_interruption_at_the_last_epoch_comes_too_late(tmp_path: Path) -> None:
    result, _ = attempt(IRIS, tmp_path / "state", last=6)
    assert result is not None and result.epochs == 6 and not result.stopped
    assert not (tmp_path / "state").exists()


def test_a_training_that_is_told_to_stop_among_its_old_epochs_trains_no_new_one(
    tmp_path: Path, trained: list[int]
) -> None:
    attempt(IRIS, tmp_path, last=3)
    checkpoint = tmp_path / "best.pt"
    configuration = Configuration.resolve(IRIS)
    result = train(
        configuration, 3, lambda epoch, _: epoch < 2, resume_folder=tmp_path, checkpoint=checkpoint
    )
    assert (result.epochs, result.stopped) == (2, True)
    assert trained == [1, 2, 3]
    assert not checkpoint.exists()  # the weights at hand are those of a later epoch


# What is not continued


@pytest.mark.parametrize(
    "other",
    [
        {"tree": IRIS | {"optimizer": {"name": "momentum", "lr": 0.2}}},
        {"tree": IRIS | {"trainer": {"epochs": 7, "accelerator": "cpu"}}},
        {"seed": 4},
    ],
)
def test_the_state_of_another_training_is_ignored(
    other: Tree, tmp_path: Path, trained: list[int]
) -> None:
    attempt(IRIS, tmp_path, last=2)
    trained.clear()
    attempt(**{"tree": IRIS, **other}, folder=tmp_path)
    assert trained[0] == 1


@pytest.mark.parametrize("what", ["FORMAT", "data"])
def test_the_state_of_another_format_or_of_other_data_is_ignored(
    what: str, tmp_path: Path, trained: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt(IRIS, tmp_path, last=2)
    trained.clear()
    if what == "FORMAT":
        monkeypatch.setattr(resume_checkpoint, "FORMAT", resume_checkpoint.FORMAT + 1)
    else:
        known = TensorDataModule.splits.func(  # type: ignore[attr-defined]
            TensorDataModule("iris", load_data_with_one_changed_row, 16)
        )
        monkeypatch.setattr(TensorDataModule, "splits", known)
    attempt(IRIS, tmp_path)
    assert trained[0] == 1


def load_data_with_one_changed_row() -> Any:
    from dataclasses import replace

    from lightning_modules.data.table import load_data

    splits = load_data("iris").splits
    inputs, targets = splits.train
    return replace(splits, train=(inputs + 1, targets))


def write_two(folder: Path) -> tuple[Path, Path]:
    """A folder with the states after two epochs, and after one."""
    for last in (1, 2):
        attempt(IRIS, folder, last=last)
    return folder / "last.pt", folder / "before.pt"


def test_where_the_last_state_is_damaged_the_one_before_is_continued(
    tmp_path: Path, trained: list[int]
) -> None:
    last, before = write_two(tmp_path)
    whole = last.read_bytes()
    _, epochs = attempt(IRIS)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for content in (b"", whole[:1], whole[: len(whole) // 2], whole[:-1], bytes(flipped)):
        last.write_bytes(content)
        trained.clear()
        assert attempt(IRIS, tmp_path)[1] == epochs
        assert trained[0] == 2
        assert not last.exists() and before.exists()
    before.write_bytes(whole[:-1])
    trained.clear()
    assert attempt(IRIS, tmp_path)[1] == epochs
    assert trained[0] == 1


def test_a_damaged_state_never_takes_the_place_of_a_good_one(tmp_path: Path) -> None:
    last, before = write_two(tmp_path)
    good = before.read_bytes()
    last.write_bytes(b"damaged")
    attempt(IRIS, tmp_path, last=2)
    assert before.read_bytes() == good


class Gadget:
    """Makes a folder when it is unpickled without care."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_a_state_holds_tensors_and_plain_values_only_and_code_in_it_is_not_run(
    tmp_path: Path, trained: list[int]
) -> None:
    last, before = write_two(tmp_path)
    assert torch.load(last, weights_only=True)["training"]["seed"] == 3
    before.unlink()
    folder = tmp_path / "was_here"
    content = pickle.dumps(Gadget(folder))
    last.write_bytes(content + hashlib.sha256(content).digest())
    trained.clear()
    attempt(IRIS, tmp_path)
    assert trained[0] == 1 and not folder.exists()
