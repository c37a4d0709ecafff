"""Images that loader workers decode: every number is that of a training without them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from lightning_modules.configuration import Configuration
from lightning_modules.errors import DataError, Interrupted
from lightning_modules.training.train import TrainingResult, train

Told = list[dict[str, float]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("images"))


def make(folder: Path) -> Path:
    generator = np.random.default_rng(0)
    for name in "ab":
        (folder / name).mkdir()
        for number in range(20):
            pixels = generator.integers(0, 256, (12, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.jpg")
    return folder


def configuration(folder: Path, workers: int | str, **data: Any) -> Configuration:
    parameters = {"name": "images", "path": str(folder), "size": 8, "batch_size": 8, "cache": 0}
    return Configuration.resolve(
        {
            "data": {**parameters, "loader_workers": workers, **data},
            "model": {"name": "mlp", "hidden": [4]},
            "loss": "cross_entropy",
            "trainer": {"epochs": 3, "accelerator": "cpu"},
        }
    )


def trained(made: Configuration, **given: Any) -> tuple[Told, TrainingResult]:
    told: Told = []

    def on_epoch(epoch: int, metrics: Mapping[str, float]) -> bool:
        told.append({name: value for name, value in metrics.items() if name != "time/epoch_s"})
        return True

    return told, train(made, 3, on_epoch, evaluate_test=True, **given)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"balance": "sampling", "augment": {"horizontal_flip": 0.5, "crop": 1, "mixup": 0.2}},
        {"cache": 100},
        {"batch_size": "full"},
    ],
    ids=["decoded", "changed", "kept", "full"],
)
def test_numbers_are_equal_to_the_last_bit(folder: Path, data: dict[str, Any]) -> None:
    told, alone = trained(configuration(folder, 0, **data))
    for workers in (1, 2):
        again, beside = trained(configuration(folder, workers, **data))
        assert again == told and len(told) == 3
        assert (beside.test, beside.data_hash) == (alone.test, alone.data_hash)


def test_an_interrupted_training_continues_with_other_workers(folder: Path, tmp_path: Path) -> None:
    data = {"augment": {"horizontal_flip": 0.5}}
    expected, _ = trained(configuration(folder, 0, **data))

    def interrupted(epoch: int, metrics: Mapping[str, float]) -> bool:
        raise Interrupted

    with pytest.raises(Interrupted):
        train(configuration(folder, 2, **data), 3, interrupted, resume_folder=tmp_path)
    assert list(tmp_path.iterdir())
    for workers in (1, 0):
        told, _ = trained(configuration(folder, workers, **data), resume_folder=tmp_path)
        assert told == expected


def test_auto_is_what_the_caller_says(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lightning_modules.training.building import build_data

    data: Any = [build_data(configuration(folder, given), 3) for given in ("auto", 1, 0)]
    assert [each.workers.count for each in data] == [3, 1, 0]
    (alone,) = [build_data(configuration(folder, "auto"))]
    assert alone.workers.count == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_file_that_breaks_meanwhile_is_named_and_no_process_stays(
    tmp_path: Path, workers: int
) -> None:
    folder = make(tmp_path)
    before = psutil.Process().children(recursive=True)

    def broken(epoch: int, metrics: Mapping[str, float]) -> bool:
        for file in folder.rglob("*.jpg"):
            file.write_bytes(b"no image")
        return True

    with pytest.raises(DataError, match=r"\.jpg: is no whole image \(none of PNG") as caught:
        train(configuration(folder, workers), 3, broken)
    assert "Traceback" not in str(caught.value)
    assert psutil.Process().children(recursive=True) == before
