"""The logger that trainings find: scalars are numbers of the epoch, the rest are files."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from lightning_modules.user_code.trial_logging import files, logged
from lightning_modules.user_code.trial_logging.trial_logger import TrialLogger


@pytest.fixture
def logger(tmp_path: Path) -> TrialLogger:
    return TrialLogger(tmp_path / "logged")


def written(logger: TrialLogger) -> list[str]:
    folder = logger.logged.files.folder
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


def test_scalars_come_in_by_the_calls_of_every_library(logger: TrialLogger) -> None:
    run: Any = logger.experiment
    logger.log_metrics({"a": 1, "b": torch.tensor(2.0, requires_grad=True)}, step=3)
    run.add_scalar("c", np.float32(3), 7)  # TensorBoard
    run.add_scalars("d", {"x": 4, "y": torch.tensor([5])}, 7)
    run.log({"e": 6, "f": {"g": 7}}, step=1)  # W&B
    run.log_metric("run-id", "h", 8.0, step=2)  # MLflow's client
    run.log_metric("i", 9)  # Comet
    run.log_metric("run-id", key="j", value=10)
    run["k/l"].append(11)  # Neptune
    logger.log_metrics({"a": 12, "text": "no number", "many": torch.ones(3), "none": None})
    assert logger.logged.take() == {
        "a": 12.0, "b": 2.0, "c": 3.0, "d/x": 4.0, "d/y": 5.0, "e": 6.0, "f/g": 7.0, "h": 8.0,
        "i": 9.0, "j": 10.0, "k/l": 11.0,
    }  # fmt: skip
    assert logger.logged.take() == {}  # until something is logged again


def test_figures_images_texts_and_tables_become_files(logger: TrialLogger) -> None:
    run: Any = logger.experiment
    run.add_figure("confusion", Figure(), 1)
    run.add_figure("two", [Figure(), Figure()])
    run.log_figure("run-id", Figure(), "figure.png")
    run.add_image("image", torch.rand(3, 5, 7), 2)
    run.add_images("batch", torch.rand(2, 1, 4, 4))
    logger.log_image("wandb", [Image.new("L", (2, 2)), np.zeros((4, 6, 3), np.uint8)])
    run.add_text("notes", "# hello", 4)
    run.log_text("run-id", "content", "file.txt")
    logger.log_text("rows", columns=["a"], data=[["x"]])
    logger.log_table("table", ["a", "b"], [[1, "=2"]])
    assert written(logger) == [
        "figures/confusion-1.png", "figures/figure.png.png", "figures/two-0.png",
        "figures/two-1.png", "images/batch-0.png", "images/batch-1.png", "images/image-2.png",
        "images/wandb-0.png", "images/wandb-1.png", "tables/rows.json", "tables/table.json",
        "texts/file.txt.txt", "texts/notes-4.txt",
    ]  # fmt: skip
    folder = logger.logged.files.folder
    with Image.open(folder / "images/image-2.png") as image:
        assert image.size == (7, 5)
    assert (folder / "texts/file.txt.txt").read_text() == "content"
    assert json.loads((folder / "tables/table.json").read_text())["data"] == [[1, "=2"]]
    assert logger.logged.remark == ""


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a/b", "..", "é" * 300, "", "\ud800", "\0"])
def test_no_name_leads_out_of_the_folder(name: str, logger: TrialLogger, tmp_path: Path) -> None:
    logger.logged.files.text(name, "x")
    (found,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert found.parent == tmp_path / "logged" / "texts" and len(found.name) < 120
    assert files.safe_name("a@b") != files.safe_name("a_b") != files.safe_name("a#b")


def test_what_is_too_much_is_left_out_and_said(
    logger: TrialLogger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_FILES", 3)
    monkeypatch.setattr(logged, "MOST_NAMES", 2)
    for step in range(5):
        logger.logged.files.text("text", "x", step)
        logger.log_metrics({f"m{step}": step})
    assert len(written(logger)) == 3
    assert logger.logged.take() == {"m0": 0.0, "m1": 1.0}
    logger.log_metrics({"m0": 7, "m9": 1})  # known names go on
    assert logger.logged.take() == {"m0": 7.0}
    assert "more than 2 different scalars" in logger.logged.remark
    assert "in a trial; the rest is left out" in logger.logged.remark


def test_files_together_are_within_a_size(
    logger: TrialLogger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 1000)
    for step in range(5):
        logger.logged.files.text("text", "x" * 300, step)
    assert len(written(logger)) == 3 and logger.logged.files.is_full


def test_a_picture_that_cannot_be_written_ends_no_training(logger: TrialLogger) -> None:
    class Broken:
        def savefig(self, *_: Any, **__: Any) -> None:
            raise KeyError("no renderer")

    logger.experiment.add_figure("broken", Broken())
    logger.log_image("path", ["/no/such/file.png"])
    assert written(logger) == []
    assert logger.logged.remark == "1 of its pictures or tables could not be written"


def test_what_only_other_loggers_have_does_nothing(logger: TrialLogger) -> None:
    tool: Any = logger
    tool.watch(torch.nn.Linear(1, 1), log="all")
    tool.experiment.config.update({"a": 1})
    tool.experiment.summary["best"] = 1
    tool.experiment.add_histogram("h", torch.ones(3), 1)
    tool.experiment.flush()
    tool.log_hyperparams(Namespace(lr=0.1))
    tool.log_hyperparams({"size": 3}, {"hp/metric": 1.0})
    assert logger.hparams == {"lr": 0.1, "size": 3}
    assert logger.logged.take() == {"hp/metric": 1.0}
    assert logger.log_dir == logger.save_dir == tool.experiment.log_dir
    assert Path(logger.log_dir).is_dir()


def test_what_lightning_hands_over_itself_is_not_taken_twice(logger: TrialLogger) -> None:
    with logger.ignoring():
        logger.log_metrics({"epoch": 1, "val/loss": 0.5})
    logger.log_metrics({"mine": 1})
    assert logger.logged.take() == {"mine": 1.0}
