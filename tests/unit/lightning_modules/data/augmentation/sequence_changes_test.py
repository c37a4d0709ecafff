"""Augmentation of signals and sequences: what it does to a batch, and what it leaves alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lightning_modules.configuration import Configuration
from lightning_modules.data.augmentation.data_statistics import DataStatistics
from lightning_modules.data.augmentation.table import AUGMENTATIONS, build_augmentation
from lightning_modules.data.table import load_data
from lightning_modules.errors import ConfigurationError
from lightning_modules.training.train import train

FACTS = DataStatistics(2, torch.zeros(1), torch.ones(1))
OVER_TIME = [name for name, row in AUGMENTATIONS.items() if "sequence" in row.kinds]
LENGTHS = torch.tensor([20, 1, 7, 13] * 50)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(1)


def changed(name: str, given: float, *columns: Tensor) -> tuple[Tensor, ...]:
    change = build_augmentation({name: given}, FACTS)
    assert change is not None
    result: tuple[Tensor, ...] = change(
        (*(column.clone() for column in columns), torch.zeros(len(columns[0])))
    )
    return result[:-1]


def ramps() -> Tensor:
    """Padded sequences (200, 20, 2) that count from 1, the second channel by tens."""
    steps = torch.arange(1.0, 21.0)[None, :, None] * torch.tensor([1.0, 10.0])
    real = torch.arange(20)[None, :, None] < LENGTHS[:, None, None]
    return steps * real


def signals() -> Tensor:
    """Signals (200, 2, 20) that count from 1."""
    return torch.arange(1.0, 21.0).expand(200, 2, 20).clone()


@pytest.mark.parametrize("name", OVER_TIME)
def test_padding_stays_0(name: str) -> None:
    outputs, lengths = changed(name, 0.5, ramps(), LENGTHS)
    assert outputs.shape == (200, 20, 2) and not torch.equal(outputs, ramps())
    for row, length in zip(outputs, lengths.tolist(), strict=True):
        assert row[length:].abs().sum() == 0
    assert name == "window" or torch.equal(lengths, LENGTHS)


def test_jitter_has_the_deviation_asked_for() -> None:
    (outputs,) = changed("jitter", 0.3, signals())
    noise = outputs - signals()
    assert noise.mean().abs() < 0.02 and noise.std().item() == pytest.approx(0.3, rel=0.05)


def test_scaling_has_one_factor_per_row_and_channel() -> None:
    (outputs,) = changed("scaling", 0.2, signals())
    factors = outputs / signals()
    torch.testing.assert_close(factors, factors[:, :, :1].expand_as(factors))
    assert factors.std().item() == pytest.approx(0.2, rel=0.15)
    outputs, _ = changed("scaling", 0.2, ramps(), LENGTHS)
    factors = outputs[::4] / ramps()[::4]
    torch.testing.assert_close(factors, factors[:, :1].expand_as(factors))
    assert (factors[:, 0, 0] != factors[:, 0, 1]).all()


def test_time_mask_hides_one_stretch_of_at_most_the_share() -> None:
    (outputs,) = changed("time_mask", 0.25, signals())
    hidden = outputs[:, 0] == 0
    assert torch.equal(hidden, outputs[:, 1] == 0)
    counts = hidden.sum(1)
    assert set(counts.tolist()) == set(range(6))  # up to 5 of 20
    edges = hidden.int().diff(dim=1).abs().sum(1) + hidden[:, 0].int() + hidden[:, -1].int()
    assert set(edges[counts > 0].tolist()) == {2}
    assert torch.equal(outputs[~hidden[:, None].expand_as(outputs)],
                       signals()[~hidden[:, None].expand_as(outputs)])  # fmt: skip


def test_a_window_of_a_sequence_is_shorter_and_unchanged() -> None:
    outputs, lengths = changed("window", 0.5, ramps(), LENGTHS)
    assert lengths[:4].tolist() == [10, 1, 4, 6]  # 3.5 and 6.5 are rounded to even
    begins = set()
    for row, length in zip(outputs[::4], lengths[::4].tolist(), strict=True):
        begin = int(row[0, 0])
        begins.add(begin)
        wanted = torch.arange(float(begin), begin + length)
        assert torch.equal(row[:length, 0], wanted) and torch.equal(row[:length, 1], wanted * 10)
    assert begins == set(range(1, 12))


def test_a_window_of_a_signal_is_stretched_to_the_old_length() -> None:
    (outputs,) = changed("window", 0.5, signals())
    slopes = outputs.diff(dim=2)
    torch.testing.assert_close(slopes, torch.full_like(slopes, 9 / 19))
    assert set(outputs[:, 0, 0].tolist()) == set(range(1, 12))


def sequences(augment: dict[str, Any] | None = None) -> Any:
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 12, 60)
    np.savez("steps.npz", x=rng.normal(size=(lengths.sum(), 2)), y=np.arange(60) % 2,
             lengths=lengths)  # fmt: skip
    return load_data("sequences", path="steps.npz", augment=augment)


@pytest.mark.parametrize("name", OVER_TIME)
@pytest.mark.parametrize("of", ["mnist1d", "sequences"])
def test_only_training_batches_are_changed_and_the_data_itself_never(
    of: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    load = sequences if of == "sequences" else lambda augment: load_data(of, augment=augment)
    plain, data = load(None), load({name: {}})
    before = data.splits.hash
    torch.manual_seed(0)
    batches = list(data.train_dataloader())
    torch.manual_seed(0)
    raw = list(plain.train_dataloader())
    assert not any(torch.equal(a[0], b[0]) for a, b in zip(batches, raw, strict=True))
    assert all(torch.equal(a[-1], b[-1]) for a, b in zip(batches, raw, strict=True))
    for loader in ("val_dataloader", "test_dataloader", "predict_dataloader"):
        pairs = zip(getattr(data, loader)(), getattr(plain, loader)(), strict=True)
        assert all(torch.equal(x, y) for a, b in pairs for x, y in zip(a, b, strict=True))
    del data.splits.__dict__["hash"]
    assert data.splits.hash == before == plain.splits.hash


@pytest.mark.parametrize("name", OVER_TIME)
def test_a_training_with_it_is_the_same_to_the_last_bit_again(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sequences()
    losses = []
    for augment in ({name: {}}, {name: {}}, {}):
        configuration = Configuration.resolve(
            {
                "data": {"name": "sequences", "path": "steps.npz", "augment": augment},
                "model": {"name": "gru", "hidden_size": 4},
                "trainer": {"epochs": 2, "accelerator": "cpu"},
            }
        )
        losses.append(train(configuration, seed=3).best["train/loss"])
    assert losses[0] == losses[1] != losses[2]


def test_images_are_not_changed_by_it_and_texts_by_nothing() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Configuration.resolve(
            {"data": {"name": "digits", "augment": {"jitter": 1}}, "model": "mlp"}
        )
    assert str(caught.value) == (
        "data.augment.jitter: jitter changes signals and sequences, but digits is an image"
    )
    given = {"name": "text", "path": "a.csv", "text": "t", "target": "u", "augment": {"jitter": 1}}
    with pytest.raises(ConfigurationError, match=r"data\.augment: text takes no such parameter"):
        Configuration.resolve({"data": given, "model": "gru"})
