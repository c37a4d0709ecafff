"""Data is split once by seed, scaled by its training part, and read in batches without loss."""

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import datasets as sklearn_datasets
from torch import Tensor

from lightning_modules.data.batches.tensor_batches import TensorBatches
from lightning_modules.data.sets.mnist1d import load
from lightning_modules.data.table import DATASETS, load_data
from lightning_modules.data.tensors import (
    Part,
    Splits,
    TensorDataModule,
    standardize,
)
from lightning_modules.errors import DataError, UserError

SIZES = {"digits": 1797, "breast_cancer": 569, "wine": 178, "iris": 150, "diabetes": 442}
BUNDLED = list(SIZES)
SHAPES = {"digits": (1, 8, 8), "mnist1d": (1, 40)} | {
    "breast_cancer": (30,),
    "wine": (13,),
    "iris": (4,),
    "diabetes": (10,),
}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of this test's own in place of the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lightning_modules.rights.user_cache_path", lambda name: folder / name)
        yield folder / "fairtune"


def parts(data: TensorDataModule) -> tuple[Part, Part, Part]:
    return data.splits.train, data.splits.validation, data.splits.test


def rows(inputs: Tensor) -> list[tuple[float, ...]]:
    return [tuple(row) for row in inputs.flatten(1).tolist()]


def original(name: str) -> tuple[Any, Any]:
    inputs, targets = getattr(sklearn_datasets, f"load_{name}")(return_X_y=True)
    return inputs, targets


# Splits


@pytest.mark.parametrize("name", BUNDLED)
def test_the_parts_hold_every_row_of_the_data_once(name: str) -> None:
    data = load_data(name, standardize=False)
    inputs, targets = original(name)
    columns = 1 if targets.ndim == 1 else targets.shape[1]
    wanted = torch.tensor(np.column_stack([inputs, targets]), dtype=torch.float32)
    found = torch.cat([torch.cat([x.flatten(1), y.view(-1, columns)], 1) for x, y in parts(data)])
    assert len(found) == SIZES[name]
    assert sorted(rows(found)) == sorted(rows(wanted))


@pytest.mark.parametrize("name", BUNDLED)
def test_the_parts_have_the_shares_that_were_asked_for(name: str) -> None:
    data = load_data(name, validation=0.3, test=0.1)
    sizes = [len(part[1]) for part in parts(data)]
    for size, share in zip(sizes, (0.6, 0.3, 0.1), strict=True):
        assert abs(size - share * SIZES[name]) <= 2


@pytest.mark.parametrize("name", [name for name in BUNDLED if name != "diabetes"])
def test_every_part_has_the_classes_in_the_same_shares_to_within_a_row(name: str) -> None:
    data = load_data(name)
    whole = np.bincount(original(name)[1]) / SIZES[name]
    for _, targets in parts(data):
        counts = targets.bincount(minlength=len(whole)).numpy()
        assert (np.abs(counts - whole * len(targets)) <= 1.01).all()


@pytest.mark.parametrize("name", SHAPES)
def test_a_data_set_has_the_shape_and_the_outputs_that_its_table_says(name: str) -> None:
    data, row = load_data(name), DATASETS[name]
    assert data.input_shape == SHAPES[name]
    assert data.outputs == row.outputs
    assert len(SHAPES[name]) == {"table": 1, "signal": 2, "image": 3}[row.kind]
    for inputs, targets in parts(data):
        assert inputs.dtype == torch.float32
        if row.task == "regression":
            assert targets.dtype == torch.float32 and targets.shape == (len(inputs), row.outputs)
        else:
            assert targets.dtype == torch.int64 and targets.shape == (len(inputs),)
            assert set(targets.tolist()) == set(range(row.outputs))


def test_the_same_split_seed_gives_the_same_parts_and_another_seed_others() -> None:
    from lightning_modules.data.sets.bundled import _splits

    first = load_data("wine", split_seed=3)
    one = first.splits
    _splits.cache_clear()
    again, other = load_data("wine", split_seed=3).splits, load_data("wine", split_seed=4).splits
    assert again is not one
    for part, same in zip(parts(first), (again.train, again.validation, again.test), strict=True):
        assert torch.equal(part[0], same[0]) and torch.equal(part[1], same[1])
    assert one.hash == again.hash != other.hash
    assert not torch.equal(one.test[0], other.test[0])


def test_the_test_part_does_not_depend_on_the_share_of_validation() -> None:
    one, other = (load_data("iris", validation=v, standardize=False) for v in (0.1, 0.3))
    assert torch.equal(one.splits.test[0], other.splits.test[0])


def test_the_hash_changes_with_everything_that_a_network_sees() -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"split_seed": 1},
        {"validation": 0.3},
        {"test": 0.3},
        {"standardize": False},
    ]
    hashes = {load_data("iris", **change).splits.hash for change in changes}
    assert len(hashes) == len(changes)
    assert load_data("iris", batch_size=7).splits.hash == load_data("iris").splits.hash


def test_the_hash_changes_when_a_single_target_does() -> None:
    part = (torch.zeros(4, 2), torch.tensor([0, 1, 0, 1]))
    changed = (torch.zeros(4, 2), torch.tensor([0, 1, 1, 1]))
    wide = (torch.zeros(2, 4), torch.tensor([0, 1, 0, 1]))
    hashes = {Splits(train, part, part, 2).hash for train in (part, changed, wide)}
    assert len(hashes) == 3


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        (
            {"test": 0.01},
            "data.test: 150 rows cannot be divided so: The test_size = 2 should be greater or "
            "equal to the number of classes = 3; choose another share",
        ),
        (
            {"validation": 0.005},
            "data.validation: 120 rows cannot be divided so: The test_size = 1 should be greater "
            "or equal to the number of classes = 3; choose another share",
        ),
        (
            {"test": 0.495, "validation": 0.495},
            "data.validation: 75 rows cannot be divided so: The train_size = 1 should be greater "
            "or equal to the number of classes = 3; choose another share",
        ),
    ],
)
def test_a_part_that_cannot_hold_every_class_is_refused(
    shares: dict[str, float], message: str
) -> None:
    with pytest.raises(DataError) as caught:
        _ = load_data("iris", **shares).splits
    assert str(caught.value) == message


def test_parts_that_leave_nothing_to_learn_from_are_refused() -> None:
    with pytest.raises(DataError, match=r"^data.validation: 45 rows cannot be divided so"):
        _ = load_data("iris", validation=0.4, test=0.7).splits


def test_a_data_set_refuses_what_it_does_not_take() -> None:
    with pytest.raises(UserError) as caught:
        load_data("iris", batchsize=3)
    assert str(caught.value) == (
        "data set batchsize: iris takes no such parameter; did you mean batch_size?"
    )


# Standardization


@pytest.mark.parametrize("name", ["breast_cancer", "wine", "iris", "diabetes"])
def test_every_column_of_a_table_has_mean_0_and_deviation_1_on_the_training_part(
    name: str,
) -> None:
    inputs = load_data(name).splits.train[0].double()
    zeros, ones = torch.zeros(SHAPES[name]).double(), torch.ones(SHAPES[name]).double()
    torch.testing.assert_close(inputs.mean(0), zeros, atol=1e-6, rtol=0)
    torch.testing.assert_close(inputs.std(0, correction=0), ones, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["digits", "mnist1d"])
def test_an_image_or_a_signal_has_one_mean_and_deviation_for_its_channel(name: str) -> None:
    inputs = load_data(name).splits.train[0].double()
    assert inputs.mean().item() == pytest.approx(0, abs=1e-6)
    assert inputs.std(correction=0).item() == pytest.approx(1, abs=1e-6)
    assert inputs.mean(0).abs().max() > 0.01  # single points differ still


def test_the_other_parts_are_scaled_with_the_moments_of_the_training_part() -> None:
    for name in ("wine", "mnist1d"):
        raw, scaled = load_data(name, standardize=False), load_data(name)
        axes = 0 if name == "wine" else (0, 2)
        train = raw.splits.train[0].double()
        mean = train.mean(axes, keepdim=True)
        deviation = train.std(axes, correction=0, keepdim=True)
        for before, after in zip(parts(raw), parts(scaled), strict=True):
            wanted = (before[0].double() - mean) / deviation
            torch.testing.assert_close(after[0].double(), wanted, atol=1e-5, rtol=1e-5)
        assert scaled.splits.test[0].mean(axes).abs().max() > 1e-4


def test_rows_outside_the_training_part_cannot_move_the_scale() -> None:
    inputs = np.arange(12.0).reshape(6, 2)
    changed = inputs.copy()
    changed[4:] = 1e6
    one, other = standardize(inputs, inputs[:4], (0,)), standardize(changed, changed[:4], (0,))
    np.testing.assert_array_equal(one[:4], other[:4])


def test_a_constant_column_becomes_zero_and_not_infinite() -> None:
    inputs = np.array([[5.0, 1.0], [5.0, 3.0]])
    np.testing.assert_array_equal(standardize(inputs, inputs, (0,)), [[0, -1], [0, 1]])


def test_channels_are_scaled_apart() -> None:
    signals = np.random.default_rng(0).normal(size=(5, 2, 7)) * [[1.0], [50.0]] + 3
    scaled = standardize(signals, signals, (0, 2))
    np.testing.assert_allclose(scaled.mean((0, 2)), [0, 0], atol=1e-12)
    np.testing.assert_allclose(scaled.std((0, 2)), [1, 1])


def test_the_targets_of_a_regression_keep_their_units_and_tell_their_scale() -> None:
    data = load_data("diabetes")
    scaling = data.target_scaling
    assert scaling is not None
    targets = data.splits.train[1].double().numpy()
    assert targets.min() >= 25 and targets.max() <= 346  # Efron's disease progression
    np.testing.assert_allclose(scaling[0].numpy(), targets.mean(0), rtol=1e-6)
    np.testing.assert_allclose(scaling[1].numpy(), targets.std(0), rtol=1e-6)
    assert load_data("iris").target_scaling is None


def test_targets_that_never_change_have_the_scale_1() -> None:
    part = (torch.zeros(3, 1), torch.full((3, 1), 7.0))
    data = TensorDataModule("constant", lambda: Splits(part, part, part, 1), 2)
    assert data.target_scaling == (torch.tensor([7.0]), torch.tensor([1.0]))


# Batches


def batches(count: int, size: int, seed: int | None = None) -> TensorBatches:
    part = (torch.arange(count).float().unsqueeze(1), torch.arange(count))
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return TensorBatches(part, size, generator)


@pytest.mark.parametrize(
    ("count", "size", "lengths"),
    [
        (6, 3, [3, 3]),
        (8, 3, [3, 3, 2]),
        (7, 3, [3, 4]),  # a single row joins the batch before it
        (4, 3, [4]),
        (2, 3, [2]),
        (1, 3, [1]),
        (3, 1, [1, 1, 1]),
        (1, 1, [1]),
        (5, 5, [5]),
        (5, 100, [5]),
    ],
)
@pytest.mark.parametrize("seed", [None, 0])
def test_batches_have_these_lengths(
    count: int, size: int, lengths: list[int], seed: int | None
) -> None:
    loader = batches(count, size, seed)
    assert [len(targets) for _, targets in loader] == lengths
    assert len(loader) == len(lengths)


def test_every_row_comes_once_in_an_epoch_and_stays_with_its_target() -> None:
    loader = batches(50, 7, seed=0)
    orders = []
    for _ in range(2):
        inputs, targets = (torch.cat(column) for column in zip(*loader, strict=True))
        assert inputs[:, 0].tolist() == targets.tolist()
        assert sorted(targets.tolist()) == list(range(50))
        orders.append(targets.tolist())
    assert orders[0] != orders[1] != list(range(50))


def test_the_order_follows_from_the_seed() -> None:
    def order(seed: int) -> list[list[int]]:
        loader = batches(30, 8, seed)
        return [targets.tolist() for _ in range(2) for _, targets in loader]

    assert order(1) == order(1) != order(2)


def test_training_rows_are_shuffled_by_the_global_seed_and_the_others_stay_in_order() -> None:
    data = load_data("iris", batch_size=16)

    def order(seed: int) -> Tensor:
        torch.manual_seed(seed)
        torch.rand(seed + 1)  # what was drawn before does not matter
        return torch.cat([inputs for inputs, _ in data.train_dataloader()])

    assert torch.equal(order(1), order(1)) and not torch.equal(order(1), order(2))
    assert not torch.equal(order(1), data.splits.train[0])
    for loader, part in (
        (data.val_dataloader(), data.splits.validation),
        (data.test_dataloader(), data.splits.test),
        (data.predict_dataloader(), data.splits.test),
    ):
        [(inputs, targets)] = loader
        assert torch.equal(inputs, part[0]) and torch.equal(targets, part[1])


def test_a_full_batch_holds_the_whole_training_part() -> None:
    data = load_data("iris", batch_size="full")
    [(inputs, targets)] = data.train_dataloader()
    assert len(inputs) == len(targets) == 90


# MNIST-1D


def test_mnist1d_is_4000_signals_to_learn_from_and_1000_to_test_on(cache: Path) -> None:
    arrays = load(cache)
    assert {name: array.shape for name, array in arrays.items()} == {
        "x": (4000, 40),
        "x_test": (1000, 40),
        "y": (4000,),
        "y_test": (1000,),
    }
    assert all(np.isfinite(array).all() for array in arrays.values())
    assert np.bincount(np.concatenate([arrays["y"], arrays["y_test"]])).tolist() == [500] * 10
    data = load_data("mnist1d", validation=0.25)
    assert [len(targets) for _, targets in parts(data)] == [3000, 1000, 1000]
    counts = data.splits.validation[1].bincount().numpy()
    assert (np.abs(counts - np.bincount(arrays["y"]) / 4) <= 1).all()
    assert torch.equal(data.splits.test[1], torch.tensor(arrays["y_test"]))


def test_a_damaged_cache_is_repaired_and_the_global_generators_stay_as_they_were(
    cache: Path, tmp_path: Path
) -> None:
    arrays = load(cache)
    (tmp_path / "mnist1d.npz").write_bytes((cache / "mnist1d.npz").read_bytes()[:-1])
    (tmp_path / "mnist1d.sha256").write_bytes((cache / "mnist1d.sha256").read_bytes())
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    wanted = (torch.rand(1).item(), np.random.random(), random.random())
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    repaired = load(tmp_path)
    assert (torch.rand(1).item(), np.random.random(), random.random()) == wanted
    for name, array in arrays.items():
        np.testing.assert_array_equal(repaired[name], array)
    assert {path.name for path in tmp_path.iterdir()} == {
        "mnist1d.npz",
        "mnist1d.sha256",
        "mnist1d.lock",
    }


def test_a_whole_cache_is_read_and_not_made_again(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(cache)
    monkeypatch.setitem(sys.modules, "mnist1d.data", None)
    assert load(cache)["x"].shape == (4000, 40)
