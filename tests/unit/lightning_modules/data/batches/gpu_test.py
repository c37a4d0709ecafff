"""Data on a GPU, of which torch's `meta` device takes the place: it has no numbers, but rules."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from lightning_modules.data.batches import gpu
from lightning_modules.data.batches.columns import CPU
from lightning_modules.data.sets.images import Pixels
from lightning_modules.data.tensors import Splits, TensorDataModule

META = torch.device("meta")


@pytest.fixture(autouse=True)
def meta(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "device_of", lambda trainer: META)
    monkeypatch.setattr(gpu, "free_memory", lambda device: 2**20)


def pinned(monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """The tensors that are asked to be pinned, which takes a GPU."""
    seen: list[torch.Tensor] = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: seen.append(self) or self)
    return seen


def module(inputs: Any, **given: Any) -> TensorDataModule:
    part = inputs, torch.arange(10) % 2
    return TensorDataModule("made", lambda: Splits(part, part, part, outputs=2), 4, **given)


def test_a_part_is_moved_once() -> None:
    data = module(torch.rand(10, 3))
    first, second = data.train_dataloader(), data.train_dataloader()
    assert [column.device for column in first.columns] == [META, META]
    assert first.columns[0] is second.columns[0]
    assert data.splits.train[0].device == CPU


def test_batches_of_a_moved_part_are_there_and_the_order_is_the_cpus() -> None:
    torch.manual_seed(5)
    data = module(torch.rand(10, 3))
    batches = list(data.train_dataloader())
    assert [tuple(inputs.shape) for inputs, _ in batches] == [(4, 3), (4, 3), (2, 3)]
    assert {column.device for batch in batches for column in batch} == {META}
    assert data._shuffling is not None and data._shuffling.device == CPU


def test_rows_that_do_not_fit_stay_and_are_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "free_memory", lambda device: 4 * (10 * 3 * 4 + 10 * 8) - 1)
    seen = pinned(monkeypatch)
    batches = list(module(torch.rand(10, 3)).val_dataloader())
    assert {column.device for batch in batches for column in batch} == {CPU}
    assert len(seen) == 2


def test_rows_that_take_a_quarter_of_the_memory_are_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "free_memory", lambda device: 4 * (10 * 3 * 4 + 10 * 8))
    assert module(torch.rand(10, 3)).val_dataloader().columns[0].device == META


def test_rows_that_are_changed_at_random_are_changed_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = pinned(monkeypatch)
    data = module(torch.rand(10, 1, 4, 4), augment={"horizontal_flip": 0.5})
    assert {batch[0].device for batch in data.train_dataloader()} == {CPU} and len(seen) == 6
    assert {batch[0].device for batch in data.val_dataloader()} == {META}


def test_bytes_are_moved_as_bytes_and_scaled_there() -> None:
    pixels = torch.zeros(10, 3, 4, 4, dtype=torch.uint8)
    data = module(Pixels(pixels, ([0.5] * 3, [0.2] * 3)))
    batches = data.val_dataloader()
    assert batches.columns[0].pixels.dtype == torch.uint8
    (batch,) = batches
    assert batch[0].dtype == torch.float32 and batch[0].device == META


def test_only_a_gpu_of_the_trainer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for root, expected in (("cpu", "cpu"), ("cuda:1", "cuda:1"), ("mps", "cpu")):
        trainer = SimpleNamespace(strategy=SimpleNamespace(root_device=torch.device(root)))
        assert gpu.device_of(trainer) == torch.device(expected)
    assert gpu.device_of(None) == CPU
