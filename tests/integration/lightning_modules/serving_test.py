"""Models that an earlier version has logged: their code was copied with them and stays."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.training.train import train
from tests.support.checkout import ROOT

SERVED = {
    "of version 0.1": ROOT / "tests" / "old_home" / "served.py",
    "of this version": ROOT / "studies" / "mirrors" / "mlflow" / "served.py",
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained") / "best.pt"
    tree = {"data": "iris", "model": {"name": "mlp", "hidden": [4]}, "trainer": {"epochs": 1}}
    train(Configuration.resolve(tree), 0, lambda epoch, metrics: True, checkpoint=path)
    return path


def served(path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The model that a served file makes, as MLflow loads it."""
    spec = spec_from_file_location("served_model", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "served_model", module)
    spec.loader.exec_module(module)
    return module.Network()


@pytest.mark.parametrize("version", SERVED)
def test_a_logged_model_answers(
    version: str, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = served(SERVED[version], monkeypatch)
    context = SimpleNamespace(artifacts={"checkpoint": str(checkpoint)})
    model.load_context(context)
    answers = model.predict(context, np.zeros((3, 4), np.float32))
    assert answers.shape == (3, 3)
    assert answers.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-5)


def test_both_versions_answer_the_same(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = SimpleNamespace(artifacts={"checkpoint": str(checkpoint)})
    rows = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    answers = []
    for path in SERVED.values():
        model = served(path, monkeypatch)
        model.load_context(context)
        answers.append(model.predict(context, rows))
    assert np.array_equal(*answers)
