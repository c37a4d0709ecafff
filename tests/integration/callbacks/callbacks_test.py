"""The ready callbacks report what their libraries measure, and end a training when told to."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairtune import callbacks
from tests.support.checkout import ROOT

EPOCHS = 3
generator = np.random.default_rng(0)
INPUTS = generator.normal(size=(60, 4)).astype(np.float32)
TARGETS = (INPUTS[:, 0] > 0).astype(np.int64)


@dataclass
class Told:
    """A report that keeps what it is told, and stops after an epoch."""

    stop: int = 0
    epochs: list[dict[str, float]] = field(default_factory=list)

    def __call__(
        self, epoch: int, metrics: Mapping[str, float] | None = None, /, **named: float
    ) -> bool:
        assert epoch == len(self.epochs) + 1 and metrics is not None and not named
        assert all(type(value) is float for value in metrics.values())
        self.epochs.append(dict(metrics))
        return epoch != self.stop


def with_lightning(package: str) -> Callable[[Told], None]:
    def train(told: Told) -> None:
        pl = pytest.importorskip(package)
        import torch

        class Module(pl.LightningModule):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.layer = torch.nn.Linear(4, 2)

            def training_step(self, batch: Any, _: int) -> Any:
                loss = torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])
                self.log("train_loss", loss, on_step=False, on_epoch=True)
                return loss

            def validation_step(self, batch: Any, _: int) -> None:
                hits = (self.layer(batch[0]).argmax(1) == batch[1]).float()
                self.log("val_accuracy", hits.mean())

            def configure_optimizers(self) -> Any:
                return torch.optim.SGD(self.parameters(), lr=0.1)

        rows = torch.utils.data.TensorDataset(torch.tensor(INPUTS), torch.tensor(TARGETS))
        loader = torch.utils.data.DataLoader(rows, batch_size=60)
        trainer = pl.Trainer(
            max_epochs=EPOCHS,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[callbacks.lightning_callback(told)],
        )
        trainer.fit(Module(), loader, loader)

    return train


def with_keras(told: Told) -> None:
    keras = pytest.importorskip("keras")
    layers = [keras.layers.Input((4,)), keras.layers.Dense(2, activation="softmax")]
    model = keras.Sequential(layers)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(
        INPUTS,
        TARGETS,
        epochs=EPOCHS,
        verbose=0,
        validation_data=(INPUTS, TARGETS),
        callbacks=[callbacks.keras_callback(told)],
    )


def with_transformers(told: Told) -> None:
    transformers = pytest.importorskip("transformers")
    import torch

    model = transformers.BertForSequenceClassification(
        transformers.BertConfig(
            vocab_size=9, hidden_size=4, num_hidden_layers=1, num_attention_heads=1,
            intermediate_size=4, max_position_embeddings=4,
        )
    )  # fmt: skip
    rows = [{"input_ids": torch.tensor([1, 2, 3]), "labels": torch.tensor(1)}] * 4
    arguments = transformers.TrainingArguments(
        output_dir=".", num_train_epochs=EPOCHS, per_device_train_batch_size=4, use_cpu=True,
        eval_strategy="epoch", logging_strategy="epoch", save_strategy="no", report_to=[],
        disable_tqdm=True,
    )  # fmt: skip
    trainer = transformers.Trainer(
        model,
        arguments,
        train_dataset=rows,
        eval_dataset=rows,
        compute_metrics=lambda found: {"accuracy": float(found.predictions.argmax(1).mean())},
        callbacks=[callbacks.transformers_callback(told)],
    )
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train()
    trainer.evaluate()  # after the training, which is no epoch


def with_xgboost(told: Told) -> None:
    xgboost = pytest.importorskip("xgboost")
    rows = xgboost.DMatrix(INPUTS, TARGETS)
    xgboost.train(
        {"objective": "binary:logistic", "eval_metric": "logloss"},
        rows,
        EPOCHS,
        evals=[(rows, "train"), (rows, "val")],
        verbose_eval=False,
        callbacks=[callbacks.xgboost_callback(told)],
    )


def with_lightgbm(told: Told) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    rows = lightgbm.Dataset(INPUTS, TARGETS)
    lightgbm.train(
        {"objective": "binary", "verbosity": -1, "num_threads": 1},
        rows,
        EPOCHS,
        valid_sets=[rows, lightgbm.Dataset(INPUTS, TARGETS, reference=rows)],
        valid_names=["train", "val"],
        callbacks=[callbacks.lightgbm_callback(told)],
    )


def with_scikit_learn(told: Told) -> None:
    from sklearn.linear_model import SGDClassifier

    part = (INPUTS, TARGETS)
    callbacks.partial_fit(
        SGDClassifier(random_state=0), part, part, EPOCHS, batch_size=16, report=told
    )


TRAININGS: dict[str, tuple[Callable[..., None], set[str]]] = {
    "pytorch_lightning": (with_lightning("pytorch_lightning"), {"train/loss", "val/accuracy"}),
    "lightning": (with_lightning("lightning.pytorch"), {"train/loss", "val/accuracy"}),
    "keras": (with_keras, {"train/loss", "train/accuracy", "val/loss", "val/accuracy"}),
    "transformers": (with_transformers, {"train/loss", "optim/lr", "val/loss", "val/accuracy"}),
    "xgboost": (with_xgboost, {"train/logloss", "val/logloss"}),
    "lightgbm": (with_lightgbm, {"train/binary_logloss", "val/binary_logloss"}),
    "scikit_learn": (with_scikit_learn, {"train/accuracy", "val/accuracy"}),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("library", TRAININGS)
def test_every_epoch_is_reported_and_the_training_ends_when_it_is_told_to(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    train, names = TRAININGS[library]
    for stop, epochs in ((0, EPOCHS), (2, 2)):
        told = Told(stop)
        train(told)
        assert len(told.epochs) == epochs
        assert all(set(metrics) == names for metrics in told.epochs)
        assert all(math.isfinite(value) for each in told.epochs for value in each.values())


def test_the_values_are_those_of_the_library() -> None:
    from sklearn.linear_model import SGDRegressor

    told, part = Told(), (INPUTS, INPUTS[:, 1])
    model = callbacks.partial_fit(
        SGDRegressor(random_state=0),
        part,
        part,
        2,
        metrics=lambda model: {"val/first": float(model.coef_[0])},
        report=told,
    )
    assert told.epochs[1] == {
        "train/r2": model.score(*part),
        "val/r2": model.score(*part),
        "val/first": float(model.coef_[0]),
    }


def test_an_epoch_that_was_not_validated_has_no_value_of_the_one_before() -> None:
    """Lightning keeps what was logged among the metrics."""
    import types

    callback = callbacks.lightning_callback(told := Told())
    old, new = np.float32(0.5), np.float32(0.25)
    trainer = types.SimpleNamespace(
        callback_metrics={"val_loss": old},
        is_global_zero=True,
        strategy=types.SimpleNamespace(broadcast=lambda value: value),
    )
    callback.on_train_epoch_start(trainer, None)
    trainer.callback_metrics = {"val_loss": old, "train_loss": new}
    callback.on_train_epoch_end(trainer, None)
    assert told.epochs == [{"train/loss": 0.25}]


SCRIPT = """
from fairtune.callbacks import partial_fit
from fairtune.program import report, report_test
from sklearn.linear_model import SGDClassifier
rows = ([[0.0], [1.0]] * 5, [0, 1] * 5)
import numpy as np
rows = tuple(map(np.array, rows))
partial_fit(SGDClassifier(random_state=0), rows, rows, 3)
report_test(accuracy=1.0)
"""


def lines(script: str, answers: str, **variables: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=answers,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_a_script_that_runs_by_itself_prints_nothing_and_waits_for_nobody() -> None:
    assert lines(SCRIPT, "") == []


def test_under_fairtune_it_reports_and_listens() -> None:
    said = [json.loads(line) for line in lines(SCRIPT, "proceed\nstop\n", FAIRTUNE_TRIAL="t")]
    assert [each.get("epoch") for each in said] == [1, 2, None]
    assert said[0]["metrics"]["val/accuracy"] <= 1 and said[2] == {"test": {"accuracy": 1.0}}


def test_reporting_imports_nothing_but_python() -> None:
    script = (
        "import sys\nimport fairtune.program, fairtune.callbacks\n"
        "print([name for name in ('torch', 'numpy', 'pydantic', 'optuna') if name in sys.modules])"
    )
    assert lines(script, "") == ["[]"]


def test_what_a_script_prints_into_does_not_matter() -> None:
    script = (
        "import contextlib, io\nfrom fairtune.program import report\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    report(1, {'a/b': 1}, val_loss=2)\n"
    )
    (line,) = lines(script, "", FAIRTUNE_TRIAL="t")
    assert json.loads(line) == {"epoch": 1, "metrics": {"a/b": 1.0, "val/loss": 2.0}}
