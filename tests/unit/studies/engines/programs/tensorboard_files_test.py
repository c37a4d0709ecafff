"""Metrics from TensorBoard's files, which are written as torch does it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from lightning_modules.errors import UserError
from studies.engines.programs.tensorboard_files import TensorboardFiles
from studies.engines.programs.written_epochs import Written


class Writer:
    """Writes scalars into a folder."""

    def __init__(self, folder: Path) -> None:
        self.writer = EventFileWriter(str(folder))

    def add(self, step: int, **scalars: float) -> None:
        values = [Summary.Value(tag=tag, simple_value=scalars[tag]) for tag in scalars]
        self.writer.add_event(Event(step=step, summary=Summary(value=values)))
        self.writer.flush()


def news(files: TensorboardFiles) -> list[Written]:
    return list(files.news(over=False))


def test_scalars_are_read_once_as_they_were_written(tmp_path: Path) -> None:
    files = TensorboardFiles(tmp_path)
    assert news(files) == []
    writer = Writer(tmp_path)
    writer.add(0, loss=0.6, acc=1)
    assert news(files) == [Written({"loss": 0.6}, 0), Written({"acc": 1}, 0)]
    assert news(files) == []
    writer.add(7, loss=0.1)
    assert news(files) == [Written({"loss": 0.1}, 7)]
    writer.writer.close()


def test_scalars_of_folders_are_called_after_them_and_come_by_their_steps(tmp_path: Path) -> None:
    """As Keras writes the two parts."""
    files = TensorboardFiles(tmp_path)
    for part in ("train", "validation"):
        writer = Writer(tmp_path / part)
        for step in range(2):
            writer.add(step, loss=step + 0.5)
        writer.writer.close()
    assert news(files) == [
        Written({f"{part}/loss": step + 0.5}, step)
        for step in range(2)
        for part in ("train", "validation")
    ]
    assert files.missing("x").endswith(
        " has train/loss, validation/loss; say with metrics.names which one is x"
    )


def test_a_star_stands_for_one_folder_and_old_files_are_removed(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    Writer(runs / "a").writer.close()
    files = TensorboardFiles(runs / "*")
    assert [each for each in runs.rglob("*") if each.is_file()] == []
    assert files.missing("x") == f"there is no scalar in {runs / '*'}"
    writer = Writer(runs / "a")
    writer.add(1, acc=1)
    assert news(files) == [Written({"acc": 1}, 1)]
    Writer(runs / "b").writer.close()
    with pytest.raises(UserError, match=r"is several, .*a and .*b; name one of them"):
        news(files)
    writer.writer.close()
