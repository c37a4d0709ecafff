"""Classes that fairtune's authors did not write: trained, tuned, pruned, continued, refused."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_modules.configuration import Configuration
from lightning_modules.errors import DataError, Interrupted, UserCodeError, UserError
from lightning_modules.training.building import restore
from lightning_modules.training.train import TrainingResult, train
from lightning_modules.user_code import imports
from tests.conftest import WriteModule
from tests.support.own_code import LIGHTNING, NETWORK

Tree = dict[str, Any]
Metrics = dict[str, float]

DEMOS = "pytorch_lightning.demos.boring_classes"
DEMO: Tree = {
    "data": {"class": f"{DEMOS}:BoringDataModule"},
    "model": {"class": f"{DEMOS}:DemoModel", "out_dim": 3, "learning_rate": 0.01},
    "trainer": {"epochs": 4, "accelerator": "cpu"},
    "objective": {"metric": "train/loss", "goal": "minimize"},
}
NET: Tree = {
    "data": {"name": "iris", "batch_size": 32},
    "optimizer": {"name": "adam", "lr": 0.05},
    "trainer": {"epochs": 3, "accelerator": "cpu"},
}
pytestmark = pytest.mark.usefixtures("own_folder")

MODULE: Tree = {
    "trainer": {"epochs": 5, "accelerator": "cpu"},
    "objective": {"metric": "val_acc", "goal": "maximize"},
}


def history(
    tree: Tree, seed: int = 1, last: int = 0, **options: Any
) -> tuple[TrainingResult | None, list[Metrics]]:
    """The result of a training and its metrics per epoch; it is interrupted after `last`."""
    epochs: list[Metrics] = []

    def on_epoch(epoch: int, metrics: Mapping[str, float]) -> bool:
        assert epoch == len(epochs) + 1
        epochs.append({key: value for key, value in metrics.items() if key != "time/epoch_s"})
        if epoch == last:
            raise Interrupted
        return True

    try:
        return train(Configuration.resolve(tree), seed, on_epoch, **options), epochs
    except Interrupted:
        return None, epochs


# Lightning's own demos


def test_a_demo_of_lightning_learns_and_reports_its_loss_and_its_rate() -> None:
    imports.allow(["pytorch_lightning.demos"])
    result, epochs = history(DEMO)
    assert result is not None
    assert (result.epochs, result.data_hash, result.test) == (4, "", {})
    assert [set(metrics) for metrics in epochs] == [{"train/loss", "optim/lr"}] * 4
    assert epochs[-1]["train/loss"] < epochs[0]["train/loss"]
    assert {metrics["optim/lr"] for metrics in epochs} == {0.01}


def test_a_demo_ends_when_it_is_told_to_and_the_same_seed_gives_the_same_numbers() -> None:
    imports.allow(["pytorch_lightning.demos"])
    _, whole = history(DEMO)
    _, again = history(DEMO)
    assert whole == again
    stopped = train(Configuration.resolve(DEMO), 1, lambda epoch, metrics: epoch < 2)
    assert (stopped.epochs, stopped.stopped) == (2, True)


@pytest.mark.parametrize("name", ["BoringModel", "ManualOptimBoringModel"])
def test_a_demo_with_its_own_schedule_or_loop_is_respected(name: str) -> None:
    imports.allow([DEMOS])
    result, epochs = history(DEMO | {"model": {"class": f"{DEMOS}:{name}"}})
    assert result is not None and result.epochs == 4
    rates = [metrics["optim/lr"] for metrics in epochs]
    stepped = name == "BoringModel"  # StepLR by a tenth each epoch; the other steps by hand
    assert rates == pytest.approx([0.1, 0.01, 0.001, 0.0001] if stepped else [0.1] * 4)


# A LightningModule and a DataModule of a user's


@pytest.fixture
def module(write_module: WriteModule) -> Tree:
    name = write_module("theirs", LIGHTNING)
    return MODULE | {"model": {"class": f"{name}:Module"}, "data": {"class": f"{name}:Rows"}}


def test_what_a_module_logs_is_reported_and_its_test_is_taken(module: Tree, tmp_path: Path) -> None:
    checkpoint = tmp_path / "best.pt"
    result, epochs = history(module, evaluate_test=True, checkpoint=checkpoint)
    assert result is not None
    assert {"train_loss", "train_acc", "val_loss", "val_acc", "train/loss"} <= set(epochs[0])
    best = max(metrics["val_acc"] for metrics in epochs)
    losses = [metrics["val_loss"] for metrics in epochs if metrics["val_acc"] == best]
    assert len(losses) > 1 and result.best["val_loss"] == min(losses)
    assert result.best["val_acc"] == best == epochs[int(result.best_epoch or 0) - 1]["val_acc"]
    assert set(result.test) == {"test/loss", "test/acc"}
    assert result.data_hash == "made-1"
    assert [metrics["optim/lr"] for metrics in epochs[:3]] == pytest.approx([0.1, 0.05, 0.025])
    network = restore(checkpoint)
    rows = sys.modules["theirs"].Rows().parts[1]
    inputs, targets = torch.stack([row[0] for row in rows]), torch.stack([row[1] for row in rows])
    with torch.no_grad():
        found = float((network(inputs).argmax(1) == targets).float().mean())
    assert found == best


@pytest.mark.parametrize("last", [1, 3])
def test_a_module_continues_to_the_numbers_of_a_whole_training(
    module: Tree, tmp_path: Path, last: int
) -> None:
    _, whole = history(module)
    folder = tmp_path / "state"
    result, before = history(module, last=last, resume_folder=folder)
    assert result is None and len(before) == last
    result, epochs = history(module, resume_folder=folder)
    assert result is not None and result.epochs == 5
    assert epochs == whole


def test_a_demo_continues_to_the_numbers_of_a_whole_training(tmp_path: Path) -> None:
    imports.allow([DEMOS])
    _, whole = history(DEMO)
    history(DEMO, last=2, resume_folder=tmp_path / "state")
    _, epochs = history(DEMO, resume_folder=tmp_path / "state")
    assert epochs == whole


def test_a_state_that_cannot_be_written_means_to_start_anew(
    write_module: WriteModule, tmp_path: Path
) -> None:
    name = write_module(
        "theirs",
        LIGHTNING + "    def on_save_checkpoint(self, checkpoint):\n"
        "        checkpoint['odd'] = lambda: None\n",
    )
    tree = MODULE | {"model": {"class": f"{name}:Module"}, "data": {"class": f"{name}:Rows"}}
    _, whole = history(tree)
    history(tree, last=2, resume_folder=tmp_path / "state")
    _, epochs = history(tree, resume_folder=tmp_path / "state")
    assert epochs == whole


def test_a_loss_that_is_not_finite_is_a_divergence(module: Tree) -> None:
    result, epochs = history(module | {"model": {**module["model"], "blow_up": 2}})
    assert result is not None and len(epochs) == 2
    assert (result.diverged, result.best_epoch) == ("val_loss is nan after epoch 2", 1)


def test_an_objective_that_is_not_logged_is_named(module: Tree) -> None:
    tree = module | {"objective": {"metric": "val_accc", "goal": "maximize"}}
    with pytest.raises(UserError, match="val_accc was not logged in epoch 1; did you mean val_"):
        history(tree)


def test_an_epoch_without_the_objective_has_no_value_and_is_not_the_best(
    write_module: WriteModule,
) -> None:
    """Lightning keeps what was logged last among its metrics."""
    seldom = LIGHTNING.replace(
        'self.log(f"{part}_acc"', 'if self.current_epoch % 2 == 0: self.log(f"{part}_acc"'
    )
    name = write_module("theirs", seldom)
    tree = MODULE | {"model": {"class": f"{name}:Module"}, "data": {"class": f"{name}:Rows"}}
    result, epochs = history(tree)
    assert result is not None and result.epochs == 5
    assert ["val_acc" in metrics for metrics in epochs] == [True, False, True, False, True]
    assert ["train_acc" in metrics for metrics in epochs] == [True, False, True, False, True]
    assert all({"val_loss", "train/loss", "optim/lr"} <= set(metrics) for metrics in epochs)
    assert result.best_epoch in (1, 3, 5)


SCHEDULES = {
    "plateau": """{"scheduler": lrs.ReduceLROnPlateau(optimizer, patience=0, threshold=0.2),
        "monitor": "val_loss"}""",
    "plateau_by_steps": """{"scheduler": lrs.ReduceLROnPlateau(optimizer, patience=1),
        "monitor": "train_loss_step", "interval": "step", "frequency": 2}""",
    "every_second_epoch": """{"scheduler": lrs.ExponentialLR(optimizer, 0.5), "frequency": 2}""",
    "one_cycle": """{"scheduler": lrs.OneCycleLR(optimizer, 0.2, total_steps=28),
        "interval": "step"}""",
    "restarts": "lrs.CosineAnnealingWarmRestarts(optimizer, 2)",
    "sequence": """lrs.SequentialLR(optimizer, [lrs.ConstantLR(optimizer, 0.1, 2),
        lrs.ExponentialLR(optimizer, 0.5)], [2])""",
    "chained": """lrs.ChainedScheduler([lrs.ConstantLR(optimizer, 0.1, 2),
        lrs.ExponentialLR(optimizer, 0.5)])""",
    "plateau_every_second": """{"scheduler": lrs.ReduceLROnPlateau(optimizer, patience=0,
        threshold=0.2), "monitor": "val_loss", "frequency": 2}""",
    "stopping": "lrs.ConstantLR(optimizer, 1.0)",
    "stopping_at_the_end": "lrs.ConstantLR(optimizer, 1.0)",
}
STOPPING = """
    def configure_callbacks(self):
        from pytorch_lightning.callbacks import EarlyStopping
        return [EarlyStopping("val_loss", patience=1, min_delta=0.03, check_on_train_epoch_end=END)]
"""


@pytest.mark.parametrize(
    ("schedule", "last"), [*((name, 2) for name in SCHEDULES), ("plateau", 1), ("stopping", 1)]
)
def test_every_schedule_and_stopping_of_a_module_continues_as_if_nothing_had_been(
    schedule: str, last: int, write_module: WriteModule, tmp_path: Path
) -> None:
    text = LIGHTNING.replace(
        "torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)", SCHEDULES[schedule]
    ).replace("import torch\n", "import torch\nimport torch.optim.lr_scheduler as lrs\n", 1)
    if schedule.startswith("stopping"):
        text += STOPPING.replace("END", str(schedule == "stopping_at_the_end"))
    name = write_module("theirs", text)
    tree = MODULE | {
        "model": {"class": f"{name}:Module"},
        "data": {"class": f"{name}:Rows"},
        "trainer": {"epochs": 7, "accelerator": "cpu"},
    }
    whole_result, whole = history(tree)
    folder = tmp_path / "state"
    result, before = history(tree, last=last, resume_folder=folder)
    assert result is None and len(before) == last
    result, epochs = history(tree, resume_folder=folder)
    assert epochs == whole
    assert result is not None and whole_result is not None
    assert (result.epochs, result.stopped) == (whole_result.epochs, whole_result.stopped)
    if schedule.startswith("stopping"):
        assert last < len(whole) < 7


def renamed(text: str) -> str:
    """The same module of the distribution that is called `lightning`."""
    return text.replace("import pytorch_lightning as pl", "import lightning as L").replace(
        "pl.Lightning", "L.Lightning"
    )


@pytest.fixture
def other(write_module: WriteModule) -> str:
    stopping = STOPPING.replace("pytorch_lightning", "lightning.pytorch").replace("END", "True")
    return write_module("others", renamed(LIGHTNING) + stopping)


def test_a_module_of_the_package_lightning_trains_as_itself(
    module: Tree, other: str, tmp_path: Path
) -> None:
    tree = module | {"model": {"class": f"{other}:Module"}, "data": {"class": f"{other}:Rows"}}
    checkpoint = tmp_path / "best.pt"
    result, epochs = history(tree, evaluate_test=True, checkpoint=checkpoint)
    _, same = history(module)
    assert 1 < len(epochs) < 5 and epochs == same[: len(epochs)]  # its own callback ended it
    assert result is not None and set(result.test) == {"test/loss", "test/acc"}
    assert result.rows == {"train": 64, "validation": 16, "test": 16}
    assert type(restore(checkpoint)).__name__ == "Module"
    folder = tmp_path / "state"
    history(tree, last=1, resume_folder=folder)
    _, continued = history(tree, resume_folder=folder)
    assert continued == epochs


@pytest.mark.parametrize("theirs", ["model", "data"])
def test_modules_and_data_of_either_name_go_together(module: Tree, other: str, theirs: str) -> None:
    part = {"model": "Module", "data": "Rows"}[theirs]
    result, epochs = history(module | {theirs: {"class": f"{other}:{part}"}}, evaluate_test=True)
    assert result is not None and set(result.test) == {"test/loss", "test/acc"}
    assert epochs == history(module)[1][: len(epochs)]


def test_data_of_the_package_lightning_feeds_a_network_of_fairtunes(
    module: Tree, other: str
) -> None:
    model = {"model": {"name": "mlp", "hidden": [8]}, "optimizer": "adam", "loss": "cross_entropy"}
    tree = module | model | {"objective": {"metric": "val/accuracy", "goal": "maximize"}}
    _, here = history(tree)
    _, there = history(tree | {"data": {"class": f"{other}:Rows"}})
    assert here == there


def test_a_module_of_the_package_lightning_is_no_bare_network(other: str) -> None:
    tree = MODULE | {
        "model": {"class": f"{other}:Module"},
        "data": {"class": f"{other}:Rows"},
        "optimizer": {"name": "adam", "lr": 0.1},
        "loss": "cross_entropy",
        "objective": {"metric": "val/loss", "goal": "minimize"},
    }
    with pytest.raises(UserCodeError, match="is a LightningModule and brings its own optimizer"):
        history(tree)


def test_a_module_without_a_test_is_not_tested() -> None:
    imports.allow([DEMOS])
    result, _ = history(DEMO, evaluate_test=True)
    assert result is not None and result.test == {}


# A network of a user's, on fairtune's data and on the user's own


def test_a_network_of_a_module_learns_with_an_optimizer_of_the_file(
    write_module: WriteModule, tmp_path: Path
) -> None:
    name, checkpoint = write_module("nets", NETWORK), tmp_path / "best.pt"
    tree = NET | {
        "model": {"class": f"{name}:Net", "width": 16},
        "regularization": {"dropout": 0.1, "early_stopping": {"patience": 2}, "l2": 1e-4},
        "schedule": "cosine",
    }
    result, epochs = history(tree, evaluate_test=True, checkpoint=checkpoint)
    assert result is not None and {"val/accuracy", "train/f1"} <= set(epochs[0])
    assert result.test["test/accuracy"] > 0.6
    network = restore(checkpoint)
    assert [tuple(weights.shape) for weights in network.parameters()][:1] == [(16, 4)]
    os.environ[imports.ALLOW] = ""
    with pytest.raises(UserCodeError, match="nets:Net: importing nets runs its code"):
        restore(checkpoint)


@pytest.mark.parametrize(
    ("loss", "outputs", "last", "said"),
    [
        ("cross_entropy", 3, "Softmax(dim=1)", "are probabilities already"),
        ("cross_entropy", 3, "Identity()", ""),
        ("cross_entropy", 3, "LogSoftmax(dim=1)", ""),
        ("cross_entropy", 3, "Sigmoid()", ""),
    ],
)
def test_probabilities_that_a_loss_takes_for_logits_are_remarked(
    loss: str, outputs: int, last: str, said: str, write_module: WriteModule
) -> None:
    text = NETWORK.replace("nn.Linear(width, outputs),", f"nn.Linear(width, outputs), nn.{last},")
    name = write_module("nets", text)
    result, _ = history(NET | {"model": {"class": f"{name}:Net"}, "loss": loss})
    assert result is not None and said in result.remark and bool(said) == bool(result.remark)


UNPOOLING = """
from torch.nn import functional

class Unpooling(nn.Module):
    def forward(self, inputs):
        pooled, places = functional.max_pool1d(inputs[:, None], 2, return_indices=True)
        return functional.max_unpool1d(pooled, places, 2)[:, 0]
"""


def test_an_operation_without_a_deterministic_implementation_is_remarked(
    write_module: WriteModule,
) -> None:
    text = NETWORK.replace("nn.ReLU(),", "Unpooling(),") + UNPOOLING
    name = write_module("nets", text)
    result, _ = history(NET | {"model": {"class": f"{name}:Net"}})
    assert result is not None
    assert "max_unpooling2d_forward_out, which has no deterministic impl" in result.remark


def test_a_parameter_may_be_called_like_one_of_fairtunes(write_module: WriteModule) -> None:
    name = write_module("nets", NETWORK.replace("width=8", "task, width=8"))
    result, _ = history(NET | {"model": {"class": f"{name}:Net", "task": "any"}})
    assert result is not None and result.epochs == 3


@pytest.mark.parametrize(
    "model",
    [{"name": "mlp", "hidden": [8]}, {"class": "nets:Net", "width": 8}, {"class": "nets:made"}],
)
def test_data_of_a_users_feeds_any_network(write_module: WriteModule, model: Tree) -> None:
    made = "\n\ndef made(outputs, input_shape):\n    return Net(input_shape, outputs)\n"
    write_module("theirs", LIGHTNING)
    write_module("nets", NETWORK + made)
    tree = NET | {
        "data": {"class": "theirs:Rows", "batch_size": 8},
        "model": model,
        "loss": "cross_entropy",
    }
    result, epochs = history(tree, evaluate_test=True)
    assert result is not None and "test/accuracy" in result.test
    assert result.data_hash == "made-1" and len(epochs) == 3


def test_a_recurrent_network_reads_time_by_features_of_a_users_data(
    write_module: WriteModule,
) -> None:
    name = write_module(
        "theirs", LIGHTNING.replace("96, 4,", "96, 5, 3,").replace("sum(1)", "sum((1, 2))")
    )
    model = {"name": "gru", "hidden_size": 4}
    tree = NET | {"data": {"class": f"{name}:Rows"}, "model": model, "loss": "cross_entropy"}
    result, _ = history(tree)
    assert result is not None and result.epochs == 3


def test_what_a_function_makes_is_looked_at(write_module: WriteModule) -> None:
    write_module("all", "def made():\n    return 3\n")
    with pytest.raises(UserCodeError, match=r"what all:made makes is no torch\.nn\.Module and"):
        history(NET | {"model": {"class": "all:made"}})
    with pytest.raises(UserCodeError, match="what all:made makes is no LightningDataModule"):
        history(NET | {"model": "mlp", "data": {"class": "all:made"}, "loss": "mse"})


def test_what_a_constructor_raises_is_told(write_module: WriteModule) -> None:
    name = write_module("nets", NETWORK.replace("super()", "width.missing; super()"))
    with pytest.raises(UserCodeError, match="nets:Net: making it raised AttributeError: 'int' obj"):
        history(NET | {"model": {"class": f"{name}:Net"}})


def test_data_that_does_not_say_its_classes_or_has_other_batches_is_refused(
    write_module: WriteModule,
) -> None:
    write_module("theirs", LIGHTNING.replace("num_classes = 2", "pass"))
    imports.allow([DEMOS])
    tree = NET | {"model": "mlp", "loss": "cross_entropy"}
    with pytest.raises(DataError, match="Rows does not say what there is to predict: give it the"):
        history(tree | {"data": {"class": "theirs:Rows"}})
    with pytest.raises(DataError, match=r"BoringDataModule are not \(inputs, targets\)"):
        history(tree | {"data": {"class": f"{DEMOS}:BoringDataModule"}})
