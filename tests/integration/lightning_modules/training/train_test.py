"""Training: reproducible to the last bit, noticed when it fails, and kept at its best epoch."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from sklearn import datasets as sklearn_datasets

from lightning_modules.configuration import Configuration
from lightning_modules.data.table import DATASETS, load_data
from lightning_modules.networks import NETWORKS
from lightning_modules.optimization import SCHEDULES
from lightning_modules.optimization.rates import simulate
from lightning_modules.training.building import build_data, build_module, restore
from lightning_modules.training.train import train
from lightning_modules.training.trainer import build_trainer
from tests.support.trained import IRIS, SATURATED, SMALL, Metrics, Tree, accuracy, history

RESTLESS: Tree = IRIS | {
    "data": {"name": "iris", "batch_size": 8},
    "optimizer": {"name": "sgd", "lr": 0.5},
    "trainer": {"epochs": 6, "accelerator": "cpu"},
}
"""Its accuracy rises and falls."""
NOISY: Tree = {
    "data": "digits",
    "model": {"name": "cnn", "channels": [4], "batch_norm": True},
    "regularization": {"dropout": 0.3, "label_smoothing": 0.1, "weight_decay": 0.01},
    "schedule": {"name": "cosine", "warmup": 1},
    "trainer": {"epochs": 2, "accelerator": "cpu"},
}
"""Everything that draws random numbers."""


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A folder of this test's own in place of the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lightning_modules.rights.user_cache_path", lambda name: folder / name)
        yield


# Seeds

PRINT_HISTORY = """
import json, sys
from lightning_modules.configuration import Configuration
from lightning_modules.training.train import train

epochs = []
configuration = Configuration.resolve(json.loads(sys.argv[1]))
train(configuration, 7, lambda epoch, metrics: epochs.append(dict(metrics)) or True)
print(json.dumps([configuration.hash, epochs]))
"""


def test_a_seed_gives_the_same_metrics_to_the_last_bit_here_and_in_another_process() -> None:
    first, epochs = history(NOISY, seed=7)
    torch.rand(3)
    again, same = history(NOISY, seed=7)
    assert same == epochs and len(epochs) == 2
    assert (again.best_epoch, again.data_hash) == (first.best_epoch, first.data_hash)
    process = subprocess.run(
        [sys.executable, "-c", PRINT_HISTORY, json.dumps(NOISY)],
        capture_output=True,
        text=True,
        check=True,
    )
    found_hash, elsewhere = json.loads(process.stdout.splitlines()[-1])
    for metrics in elsewhere:
        del metrics["time/epoch_s"]
    assert elsewhere == epochs
    assert found_hash == Configuration.resolve(NOISY).hash
    assert process.stderr == ""


def test_another_seed_gives_other_metrics_on_the_same_data() -> None:
    one, epochs = history(IRIS, seed=1)
    other, others = history(IRIS, seed=2)
    assert epochs[0]["train/loss"] != others[0]["train/loss"]
    assert one.data_hash == other.data_hash


@pytest.mark.parametrize("threads", [2, 1])
def test_a_training_has_the_threads_of_its_configuration(threads: int) -> None:
    found: list[int] = []
    trainer = {"epochs": 1, "accelerator": "cpu", "threads": threads}
    configuration = Configuration.resolve(IRIS | {"trainer": trainer})
    train(configuration, 1, lambda *_: found.append(torch.get_num_threads()) is None)
    assert found == [threads]
    torch.set_num_threads(1)


# Schedules


FASTER: dict[str, Tree] = {
    "plateau": {"patience": 0, "factor": 0.5},
    "step": {"step_size": 2},
}


@pytest.mark.parametrize("warmup", [0.0, 1.5])
@pytest.mark.parametrize("name", SCHEDULES)
def test_the_logged_rate_is_the_simulated_one(name: str, warmup: float) -> None:
    own = FASTER.get(name, {})
    tree = RESTLESS | {
        "schedule": {"name": name, "warmup": warmup, **own},
        "trainer": {"epochs": 7, "accelerator": "cpu"},
    }
    configuration = Configuration.resolve(tree)
    _, epochs = history(tree)
    simulated = simulate(
        name,
        dict(configuration.schedule.parameters),
        epochs=7,
        steps_per_epoch=12,  # 90 rows by 8, the last two rows on their own
        lr=0.5,
        values=[metrics["val/accuracy"] for metrics in epochs],
        goal="maximize",
    )[::12].tolist()
    assert [metrics["optim/lr"] for metrics in epochs] == pytest.approx(simulated, rel=1e-12)
    assert name == "constant" or len(set(simulated)) > 1
    if name == "plateau":
        assert simulated[-1] < 0.5


# Ends


def test_a_training_ends_after_the_epoch_it_is_told_to() -> None:
    configuration = Configuration.resolve(IRIS)
    stopped = train(configuration, 1, lambda epoch, metrics: epoch < 2)
    assert (stopped.epochs, stopped.stopped, stopped.diverged) == (2, True, None)
    whole = train(configuration, 1)
    assert (whole.epochs, whole.stopped) == (4, False)
    at_the_end = train(configuration, 1, lambda epoch, metrics: epoch < 4)
    assert (at_the_end.epochs, at_the_end.stopped) == (4, False)


def test_a_stopped_training_had_the_epochs_of_a_whole_one() -> None:
    _, epochs = history(RESTLESS)
    seen: list[Metrics] = []

    def on_epoch(epoch: int, metrics: Mapping[str, float]) -> bool:
        seen.append({key: value for key, value in metrics.items() if key != "time/epoch_s"})
        return epoch < 3

    train(Configuration.resolve(RESTLESS), 1, on_epoch)
    assert seen == epochs[:3]


@pytest.mark.parametrize(
    ("batch_size", "lr", "metric", "diverged", "epochs", "best_epoch"),
    [
        # the first step leaves weights of 1e30, whose squared errors no float32 holds
        (40, 1e30, "val/rmse", "the training loss is no longer finite at step 2 of epoch 1", 1, 0),
        ("full", 1e30, "val/rmse", "val/rmse is inf after epoch 1", 1, 0),
        # 1e15 is squared once more before it is too much
        (
            "full",
            1e15,
            "train/loss",
            "the training loss is no longer finite at step 1 of epoch 3",
            3,
            1,
        ),
    ],
)
def test_divergence_is_noticed_and_its_step_is_named(
    tmp_path: Path,
    batch_size: int | str,
    lr: float,
    metric: str,
    diverged: str,
    epochs: int,
    best_epoch: int,
) -> None:
    tree: Tree = {
        "data": {"name": "diabetes", "batch_size": batch_size},
        "model": {"name": "mlp", "hidden": []},
        "optimizer": {"name": "sgd", "lr": lr},
        "objective": {"metric": metric},
        "trainer": {"accelerator": "cpu"},
    }
    checkpoint = tmp_path / "best.pt"
    result, _ = history(tree, checkpoint=checkpoint, evaluate_test=True)
    assert result.diverged == diverged
    assert (result.epochs, result.best_epoch or 0, result.stopped) == (epochs, best_epoch, False)
    assert result.test == {}
    assert checkpoint.exists() == bool(best_epoch) == bool(result.best)


def test_early_stopping_ends_the_training_and_the_result_tells_the_best_epoch() -> None:
    tree = RESTLESS | {
        "regularization": {"early_stopping": {"patience": 2}},
        "trainer": {"epochs": 40, "accelerator": "cpu"},
    }
    result, epochs = history(tree)
    values = [metrics["val/accuracy"] for metrics in epochs]
    assert result.epochs < 40 and not result.stopped
    assert result.best_epoch is not None
    assert values[result.best_epoch - 1] == max(values)
    assert result.epochs == values.index(max(values)) + 1 + 2
    assert {key: result.best[key] for key in epochs[0]} == epochs[result.best_epoch - 1]


@pytest.mark.parametrize("stopping", [{}, {"early_stopping": {"patience": 9}}])
def test_among_epochs_of_equal_accuracy_the_one_of_the_lowest_loss_is_the_best(
    tmp_path: Path, stopping: Tree
) -> None:
    tree = SATURATED | {"regularization": stopping}
    checkpoint = tmp_path / "best.pt"
    result, epochs = history(tree, checkpoint=checkpoint)
    highest = max(metrics["val/accuracy"] for metrics in epochs)
    equal = [at for at, metrics in enumerate(epochs, 1) if metrics["val/accuracy"] == highest]
    assert len(equal) > 2
    assert result.best_epoch == min(equal, key=lambda epoch: epochs[epoch - 1]["val/loss"])
    assert result.best_epoch not in (equal[0], len(epochs))
    module = restore(checkpoint)
    inputs, targets = load_data("iris").splits.validation
    with torch.no_grad():
        loss = float(module.loss(module(inputs), targets, 0.0))
    assert loss == pytest.approx(result.best["val/loss"], rel=1e-5)


def test_early_stopping_follows_the_goal_of_the_objective() -> None:
    tree = IRIS | {
        "optimizer": {"name": "sgd", "lr": 0.1},
        "objective": {"metric": "train/loss"},
        "regularization": {"early_stopping": {"patience": 0}},
        "trainer": {"epochs": 8, "accelerator": "cpu"},
    }
    result, epochs = history(tree)
    losses = [metrics["train/loss"] for metrics in epochs]
    assert losses == sorted(losses, reverse=True)  # it improved every time
    assert (result.epochs, result.best_epoch) == (8, 8)


# The test part


def test_the_test_metrics_are_those_of_the_best_weights_and_not_of_the_last(
    tmp_path: Path,
) -> None:
    configuration = Configuration.resolve(SATURATED)
    checkpoint = tmp_path / "best.pt"
    result, epochs = history(SATURATED, checkpoint=checkpoint, evaluate_test=True)
    assert result.best_epoch is not None and result.best_epoch < len(epochs)
    inputs, targets = build_data(configuration).splits.test
    module = restore(checkpoint)
    with torch.no_grad():
        best_loss = float(module.loss(module(inputs), targets, 0.0))
    assert result.test.keys() == {"test/loss", "test/accuracy", "test/f1"}
    assert result.test["test/loss"] == best_loss
    assert result.test["test/accuracy"] == accuracy(module, inputs, targets)

    pl.seed_everything(1, verbose=False)
    last = build_module(configuration, data := build_data(configuration))
    trainer = build_trainer(configuration)
    trainer.fit(last, datamodule=data)
    with torch.no_grad():
        assert float(last.loss(last(inputs), targets, 0.0)) != best_loss


def test_nothing_is_tested_unless_asked() -> None:
    assert history(IRIS)[0].test == {}


def test_the_metrics_of_a_regression_are_in_the_units_of_the_data(tmp_path: Path) -> None:
    tree: Tree = {
        "data": "diabetes",
        "model": {"name": "mlp", "hidden": []},
        "optimizer": {"name": "adam", "lr": 0.05},
        "trainer": {"epochs": 10, "accelerator": "cpu"},
    }
    checkpoint = tmp_path / "best.pt"
    result, _ = history(tree, checkpoint=checkpoint, evaluate_test=True)
    module = restore(checkpoint)
    splits = build_data(Configuration.resolve(tree)).splits
    known = sklearn_datasets.load_diabetes(return_X_y=True)[1]
    for prefix, (inputs, targets) in (("val", splits.validation), ("test", splits.test)):
        assert np.isin(targets.numpy(), known).all()
        with torch.no_grad():
            errors = (module(inputs) - targets).double().numpy()
        metrics = {**result.best, **result.test}
        assert metrics[f"{prefix}/mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-5)
        rmse = np.sqrt(np.square(errors).mean())
        assert metrics[f"{prefix}/rmse"] == pytest.approx(rmse, rel=1e-5)
        assert 45 < rmse < 65  # ordinary least squares gives about 54, the mean about 77


# Combinations

FITTING = [
    (data, model)
    for data, row in DATASETS.items()
    for model, network in NETWORKS.items()
    if row.check is None and row.kind in network.kinds and network.check is None
]


@pytest.mark.parametrize(("data", "model"), FITTING)
def test_every_network_trains_on_every_data_set_that_it_reads(data: str, model: str) -> None:
    tree: Tree = {
        "data": {"name": data, "batch_size": 256},
        "model": {"name": model, **SMALL.get(model, {"hidden_size": 8})},
        "trainer": {"epochs": 1, "accelerator": "cpu"},
    }
    result, [metrics] = history(tree, evaluate_test=True)
    assert result.epochs == result.best_epoch == 1
    assert result.best.keys() == {*metrics, "time/epoch_s"}
    assert all(np.isfinite(value) for value in (*metrics.values(), *result.test.values()))
    assert result.data_hash == load_data(data, batch_size=256).splits.hash


@pytest.mark.parametrize(("batch_size", "steps"), [("full", 3), (45, 6), (1, 270)])
def test_a_full_batch_makes_one_step_per_epoch_and_others_as_many_as_they_need(
    batch_size: int | str, steps: int
) -> None:
    configuration = Configuration.resolve(
        IRIS
        | {
            "data": {"name": "iris", "batch_size": batch_size},
            "trainer": {"epochs": 3, "accelerator": "cpu"},
        }
    )
    data = build_data(configuration)
    trainer = build_trainer(configuration)
    module = build_module(configuration, data)
    trainer.fit(module, datamodule=data)
    assert trainer.global_step == steps
    assert module.diverged is None
