"""A task trains on its split, and a trial's end tells the rows of the parts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_modules.configuration import Configuration
from lightning_modules.data.table import load_data
from lightning_modules.errors import Interrupted
from lightning_modules.training.train import train
from studies.engines import Task
from studies.engines.training import train_task
from studies.records import EpochReport
from tests.conftest import WriteModule
from tests.support.own_code import LIGHTNING

Tree = dict[str, Any]

IRIS: Tree = {
    "data": {"name": "iris", "split_seed": 3},
    "model": {"name": "mlp", "hidden": [4]},
    "trainer": {"epochs": 2, "accelerator": "cpu"},
}
STREAM = """
from torch.utils.data import DataLoader, IterableDataset

class Stream(IterableDataset):
    def __init__(self, rows):
        self.rows = rows

    def __iter__(self):
        return iter(self.rows)

class Streamed(Rows):
    def train_dataloader(self):
        return DataLoader(Stream(self.parts[0]), 16)

class Several(Rows):
    def val_dataloader(self):
        return [DataLoader(self.parts[1], 16), DataLoader(self.parts[1], 16)]

class Indexed(Module):
    def validation_step(self, batch, index, dataloader_idx=0):
        self._step("val", batch)

class Single(Rows):
    def val_dataloader(self):
        return [DataLoader(self.parts[1], 16)]

class Divided(Rows):
    def __init__(self, split_seed=0):
        super().__init__()
        random = torch.Generator().manual_seed(split_seed)
        whole = self.parts[0].dataset
        self.parts = random_split(whole, [60, 20, 16], random)
        self.data_hash = f"divided by {split_seed}"
"""


def go_on(report: EpochReport) -> bool:
    return True


def task(folder: Path, tree: Tree, **given: Any) -> Task:
    checkpoint, continuation = str(folder / "best.pt"), str(folder / "state")
    return Task("one", Configuration.resolve(tree), 1, checkpoint, continuation, **given)


# The split


def test_a_split_is_part_of_the_configuration_and_of_its_hash() -> None:
    configuration = Configuration.resolve(IRIS)
    other = configuration.with_split(4)
    assert other.data.parameters["split_seed"] == 4
    assert other.hash != configuration.hash == other.with_split(3).hash
    assert other == Configuration.resolve(other.to_dict())


def test_a_task_trains_on_its_split_and_the_checkpoint_says_which(tmp_path: Path) -> None:
    own, same, other = (
        train_task(task(tmp_path, IRIS, split=split), go_on) for split in (None, 3, 4)
    )
    assert own.data_hash == same.data_hash == load_data("iris", split_seed=3).splits.hash
    assert other.data_hash == load_data("iris", split_seed=4).splits.hash
    content = torch.load(tmp_path / "best.pt", weights_only=True)
    assert content["configuration"]["data"]["split_seed"] == 4


def test_a_training_on_another_split_is_not_continued(tmp_path: Path) -> None:
    def interrupted(report: EpochReport) -> bool:
        raise Interrupted

    given = task(tmp_path, IRIS, split=4)
    with pytest.raises(Interrupted):
        train_task(given, interrupted)
    assert (tmp_path / "state" / "last.pt").exists()
    told: list[int] = []
    train_task(replace(given, split=5), lambda report: told.append(report.epoch) or True)
    alone = train_task(task(tmp_path / "alone", IRIS, split=5), go_on)
    end = train_task(replace(given, split=5), go_on)
    assert told == [1, 2]
    assert (end.data_hash, end.best["val/loss"]) == (alone.data_hash, alone.best["val/loss"])


def test_a_class_of_the_users_is_given_the_split(write_module: WriteModule, tmp_path: Path) -> None:
    name = write_module("theirs", LIGHTNING + STREAM)
    tree = own_tree(f"{name}:Divided", f"{name}:Module")
    ends = [train_task(task(tmp_path, tree, split=split), go_on) for split in (None, 7)]
    assert [end.data_hash for end in ends] == ["divided by 0", "divided by 7"]


# Rows of the parts


def own_tree(data: str, model: str) -> Tree:
    return {
        "data": {"class": data},
        "model": {"class": model},
        "trainer": {"epochs": 1, "accelerator": "cpu"},
        "objective": {"metric": "train_loss", "goal": "minimize"},
    }


def test_the_end_of_a_trial_tells_the_rows_of_its_parts(tmp_path: Path) -> None:
    end = train_task(task(tmp_path, IRIS), go_on)
    assert end.rows == {"train": 90, "validation": 30, "test": 30}


@pytest.mark.parametrize(
    ("data", "test", "rows"),
    [
        ("Rows", False, {"train": 64, "validation": 16}),
        ("Rows", True, {"train": 64, "validation": 16, "test": 16}),
        ("Single", False, {"train": 64, "validation": 16}),
        ("Several", False, {"train": 64}),
        ("Streamed", False, {"validation": 16}),
    ],
)
def test_rows_of_the_users_data_are_told_where_they_are_known(
    data: str, test: bool, rows: dict[str, int], write_module: WriteModule
) -> None:
    name = write_module("theirs", LIGHTNING + STREAM)
    tree = own_tree(f"{name}:{data}", f"{name}:Indexed")
    result = train(Configuration.resolve(tree), 1, evaluate_test=test)
    assert result.rows == rows
