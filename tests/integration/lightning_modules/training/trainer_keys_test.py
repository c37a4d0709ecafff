"""precision, accumulate, compile, val_every and max_steps do in a training what they say."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import pytorch_lightning as pl
import torch

from lightning_modules.configuration import Configuration
from lightning_modules.errors import UserError
from lightning_modules.networks import SupervisedModule
from lightning_modules.networks.accumulation import Accumulation
from lightning_modules.training.building import restore
from lightning_modules.training.train import train
from lightning_modules.user_code import imports
from tests.conftest import WriteModule
from tests.support.own_code import LIGHTNING
from tests.support.trained import IRIS, history

Tree = dict[str, Any]
SGD = IRIS | {
    "optimizer": {"name": "sgd", "lr": 0.1},
    "schedule": "one_cycle",
    "regularization": {"gradient_clip": 0.5, "l2": 0.01},
}
OWN: Tree = {
    "data": {"class": "mine:Rows"},
    "model": {"class": "mine:Module", "lr": 0.1, "dropout": 0.0},
    "objective": {"metric": "val_loss", "goal": "minimize"},
    "trainer": {"accelerator": "cpu"},
}


def so(tree: Tree, batch_size: int = 16, **trainer: Any) -> Tree:
    """A tree that is trained in another way."""
    changed = {**tree, "trainer": {"epochs": 3, "accelerator": "cpu", **trainer}}
    if "name" in tree["data"]:
        changed["data"] = {**tree["data"], "batch_size": batch_size}
    return changed


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The learning rate of every step that an optimizer made."""
    rates: list[float] = []
    original = torch.optim.SGD.step

    def counted(self: torch.optim.SGD, *given: Any, **named: Any) -> Any:
        rates.append(self.param_groups[0]["lr"])
        return original(self, *given, **named)

    monkeypatch.setattr(torch.optim.SGD, "step", counted)
    yield rates


@pytest.fixture
def mine(own_folder: None, write_module: WriteModule) -> Callable[[str], None]:
    def write(text: str) -> None:
        write_module("mine", text)
        imports.allow(["mine"])

    return write


@pytest.mark.parametrize(("batch_size", "accumulate"), [(8, 2), (4, 4)])
def test_batches_whose_gradients_make_one_step_are_one_batch(
    batch_size: int, accumulate: int
) -> None:
    """90 rows are no multiple of any of them: the last step has fewer rows, and its last batch."""
    _, whole = history(so(SGD))
    _, parts = history(so(SGD, batch_size, accumulate=accumulate))
    for one, other in zip(whole, parts, strict=True):
        assert one == pytest.approx(other, abs=1e-6)


def test_a_step_is_the_mean_over_the_rows_of_its_batches() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer, accumulation = torch.optim.SGD([weight], lr=1.0), Accumulation(4)
    for rows, mean in ((3, 1.0), (1, 5.0)):  # two of four: the epoch is over
        (accumulation.weighted(mean * weight.sum(), rows) / 4).backward()
    accumulation.average(optimizer)
    assert float(weight.grad) == pytest.approx((3 * 1.0 + 1 * 5.0) / 4)


@pytest.mark.parametrize(
    ("trainer", "wanted"),
    [
        ({}, 3 * 6),
        ({"max_steps": 2}, 3 * 2),
        ({"max_steps": 100}, 3 * 6),
        ({"accumulate": 4}, 3 * 2),
        ({"accumulate": 2, "max_steps": 2}, 3 * 2),
        ({"val_every": 3, "max_steps": 1}, 3),
    ],
)
def test_an_epoch_ends_after_so_many_steps_and_schedules_know_it(
    steps: list[float], trainer: Tree, wanted: int
) -> None:
    history(so(SGD, **trainer))
    assert len(steps) == wanted
    assert steps[-1] == pytest.approx(0.1 / 25 / 1e4, rel=1e-3)  # the end of one_cycle's curve


def test_what_is_validated_now_and_then_is_trained_as_what_is_validated_always() -> None:
    every = history(so(IRIS, epochs=6))[1]
    result, reported = history(so(IRIS, epochs=6, val_every=2))
    assert reported == every[1::2]
    assert (result.epochs, result.best_epoch) == (3, 3)


def test_patience_counts_validations() -> None:
    tree = IRIS | {
        "optimizer": {"name": "sgd", "lr": 1e-9},  # nothing ever improves
        "regularization": {"early_stopping": {"patience": 2}},
        "objective": {"metric": "train/accuracy"},
    }
    for trainer, last in (({"epochs": 12}, 3), ({"epochs": 36, "val_every": 3}, 3)):
        assert history(so(tree, **trainer))[0].epochs == last


def test_plateau_listens_where_there_is_a_validation() -> None:
    tree = IRIS | {
        "optimizer": {"name": "sgd", "lr": 1e-6},
        "schedule": {"name": "plateau", "patience": 0, "factor": 0.5},
        "objective": {"metric": "val/accuracy"},
    }
    rates = [each["optim/lr"] for each in history(so(tree, epochs=8, val_every=2))[1]]
    assert rates == [1e-6, 1e-6, 5e-7, 2.5e-7]


def test_a_pass_without_a_validation_that_diverges_ends_the_training_at_once(
    steps: list[float],
) -> None:
    tree = IRIS | {"optimizer": {"name": "sgd", "lr": 1e30}}
    result, reported = history(so(tree, epochs=8, val_every=4))
    assert reported == [] and result.best_epoch is None
    assert result.diverged == "the training loss is no longer finite at step 2 of epoch 1"
    assert len(steps) == 6  # of one pass


def test_bfloat16_computes_otherwise_and_repeats_itself() -> None:
    plain, first, second = (
        history(so(IRIS, precision=precision))[1] for precision in (32, "bf16", "bf16")
    )
    assert first == second != plain
    for one, other in zip(plain, first, strict=True):
        assert one["val/loss"] == pytest.approx(other["val/loss"], rel=0.01)


def test_losses_of_bfloat16_are_summed_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.dtype] = []
    original = SupervisedModule._log_part

    def looked(self: SupervisedModule, part: str) -> None:
        seen.extend(outputs.dtype for outputs, _ in self._seen[part])
        original(self, part)

    monkeypatch.setattr(SupervisedModule, "_log_part", looked)
    history(so(IRIS, epochs=1, precision="bf16"))
    assert set(seen) == {torch.float32}


def test_weights_and_what_they_predict_are_float32(tmp_path: Any) -> None:
    configuration = Configuration.resolve(so(IRIS, precision="bf16"))
    train(configuration, 1, checkpoint=tmp_path / "best.pt")
    module = restore(tmp_path / "best.pt")
    assert {weight.dtype for weight in module.parameters()} == {torch.float32}
    assert module(torch.zeros(2, 4)).dtype == torch.float32


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU, which knows float16")
def test_float16_is_no_silent_bfloat16() -> None:
    with pytest.raises(UserError, match="precision: fp16 needs a GPU"):
        history(so(IRIS, accelerator="auto", precision="fp16"))


@pytest.mark.slow
def test_a_compiled_network_learns_the_same_and_keeps_the_names_of_its_weights(
    tmp_path: Any,
) -> None:
    tree = so(IRIS, epochs=2)
    _, plain = history(tree, checkpoint=tmp_path / "plain.pt")
    _, first = history(so(IRIS, epochs=2, compile=True), checkpoint=tmp_path / "compiled.pt")
    _, second = history(so(IRIS, epochs=2, compile=True))
    assert first == second
    for one, other in zip(plain, first, strict=True):
        assert one == pytest.approx(other, abs=1e-4)
    weights = [torch.load(tmp_path / f"{name}.pt")["weights"] for name in ("plain", "compiled")]
    assert weights[0].keys() == weights[1].keys()


@pytest.mark.parametrize("package", ["pytorch_lightning", "lightning.pytorch"])
def test_own_modules_are_trained_so_too(
    mine: Callable[[str], None], steps: list[float], package: str
) -> None:
    mine(LIGHTNING.replace("pytorch_lightning", package))
    ways: Tree = {"accumulate": 2, "max_steps": 1, "val_every": 2, "precision": "bf16"}
    result, reported = history(so(OWN, epochs=4, **ways))
    assert result.epochs == 2 and len(steps) == 4
    assert all({"train/loss", "val_loss", "train_loss"} <= set(epoch) for epoch in reported)


def test_the_loss_of_own_modules_is_not_divided_by_what_is_accumulated(
    mine: Callable[[str], None],
) -> None:
    mine(LIGHTNING)
    tree = {**OWN, "model": {**OWN["model"], "lr": 1e-9}}
    (one,), (four,) = (history(so(tree, epochs=1, accumulate=each))[1] for each in (1, 4))
    assert four["train/loss"] == pytest.approx(one["train/loss"], rel=1e-5)


def test_own_modules_that_end_before_there_is_a_validation_are_told(
    mine: Callable[[str], None],
) -> None:
    step = "def on_train_epoch_end(self):\n        self.trainer.should_stop = True\n\n    "
    mine(LIGHTNING.replace("def training_step", f"{step}def training_step"))
    assert history(so(OWN, epochs=4))[0].epochs == 1
    with pytest.raises(UserError) as caught:
        history(so(OWN, epochs=6, val_every=3))
    assert str(caught.value) == (
        "mine:Module ended its training after epoch 1, before the first validation "
        "(trainer.val_every is 3), so that nothing is known of it; write val_every: 1, or let it "
        "go on"
    )


def test_own_schedules_that_watch_a_metric_step_where_it_is_new(
    mine: Callable[[str], None],
) -> None:
    mine(
        LIGHTNING.replace(
            "return [optimizer], [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)]",
            "schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, 'max', 0.5, 0)\n"
            "        watched = {'scheduler': schedule, 'monitor': 'val_loss'}\n"
            "        return {'optimizer': optimizer, 'lr_scheduler': watched}",
        )
    )
    rates = [each["optim/lr"] for each in history(so(OWN, epochs=9, val_every=3))[1]]
    assert rates == [0.1, 0.1, 0.05]  # a falling loss is no larger one


def test_own_modules_that_diverge_between_validations_are_ended(
    mine: Callable[[str], None],
) -> None:
    mine(LIGHTNING.replace('if part == "val" and', 'if part == "train" and'))
    tree = {**OWN, "model": {**OWN["model"], "blow_up": 2}}
    result, reported = history(so(tree, epochs=6, val_every=3))
    assert reported == []
    assert result.diverged == "train/loss is nan in epoch 1"


def test_a_module_that_logs_training_metrics_alone_reports_them(
    mine: Callable[[str], None],
) -> None:
    mine(LIGHTNING)
    tree = {**OWN, "objective": {"metric": "train_loss", "goal": "minimize"}}
    assert history(so(tree, epochs=4, val_every=2))[0].epochs == 2


def test_a_module_that_steps_its_optimizer_itself_accumulates_itself(
    mine: Callable[[str], None],
) -> None:
    mine(LIGHTNING.replace("super().__init__()\n        self.save", "super().__init__()\n        "
                           "self.automatic_optimization = False\n        self.save"))  # fmt: skip
    with pytest.raises(UserError) as caught:
        history(so(OWN, accumulate=2))
    assert str(caught.value) == (
        "trainer.accumulate: mine:Module steps its optimizer itself (automatic_optimization = "
        "False); leave accumulate out, and let the module accumulate"
    )


def test_a_network_is_compiled_anew_for_every_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch would train the ninth network of a class without, and its numbers would depend on what
    a worker did before."""
    from lightning_modules.training.compilation import compile_network

    resets, compiled = [], []
    monkeypatch.setattr(torch._dynamo, "reset", lambda: resets.append(1))
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **given: compiled.append(self))
    module = SupervisedModule(torch.nn.Linear(2, 2))
    compile_network(module)
    own = pl.LightningModule()
    compile_network(own)
    assert len(resets) == 2 and compiled == [module.network, own]
