"""Metrics from a CSV file that grows while it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightning_modules.errors import UserError
from studies.engines.programs.csv_file import CsvFile
from studies.engines.programs.written_epochs import Written


def news(file: CsvFile, over: bool = False) -> list[Written]:
    return list(file.news(over))


def test_rows_are_read_once_as_they_come_and_halves_of_them_not(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    file = CsvFile(path, "")
    assert news(file) == []
    path.write_text("epoch,val_acc,time\n0,0.5,")
    assert news(file) == []
    path.write_text("epoch,val_acc,time\n0,0.5,noon\n1,0.")
    assert news(file) == [Written({"val_acc": 0.5}, 0)] and file.numbered
    path.write_text("epoch,val_acc,time\n0,0.5,noon\n1,0.6,noon\n")
    assert news(file) == [Written({"val_acc": 0.6}, 1)]
    assert news(file) == news(file, over=True) == []


def test_holes_are_no_numbers_and_new_columns_may_come(tmp_path: Path) -> None:
    """As Lightning's CSVLogger writes the file anew for a new column."""
    path = tmp_path / "metrics.csv"
    file = CsvFile(path, "")
    path.write_text("epoch,step,train_loss\n0,9,1.5\n")
    assert news(file) == [Written({"step": 9, "train_loss": 1.5}, 0)]
    path.write_text("epoch,step,train_loss,val_loss\n0,9,1.5,\n0,9,,1.25\n1,19,1.0")
    assert news(file) == [Written({"step": 9, "val_loss": 1.25}, 0)]
    assert news(file, over=True) == [Written({"step": 19, "train_loss": 1}, 1)]


def test_without_a_column_that_counts_rows_have_no_number(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    file = CsvFile(path, "")
    path.write_text("\ufeffloss;acc\n0,5;93.1%\n1e-3;\n", encoding="utf-8")
    assert news(file) == [Written({"acc": pytest.approx(0.931)}), Written({"loss": 0.001})]
    assert not file.numbered


def test_the_column_that_counts_may_be_named(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    file = CsvFile(path, "pass")
    path.write_text("pass\tacc\n4\t1\n")
    assert news(file) == [Written({"acc": 1}, 4)]
    file = CsvFile(path, "epoch")
    path.write_text("pass\tacc\n4\t1\n")
    with pytest.raises(UserError, match=r"no column 'epoch', but pass, acc"):
        news(file)


def test_the_path_may_hold_a_star_for_one_file(tmp_path: Path) -> None:
    for version in (0, 1):
        (tmp_path / f"version_{version}").mkdir()
    file = CsvFile(tmp_path / "version_*" / "metrics.csv", "")
    assert news(file) == []
    (tmp_path / "version_0" / "metrics.csv").write_text("acc\n1\n")
    assert news(file) == [Written({"acc": 1})]
    (tmp_path / "version_1" / "metrics.csv").write_text("acc\n1\n")
    with pytest.raises(UserError, match=r"is several, .*version_0.* and .*version_1"):
        news(file)


def test_what_an_attempt_before_has_written_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("acc\n1\n")
    assert news(CsvFile(path, ""), over=True) == []
    assert not path.exists()


def test_what_was_found_in_place_of_a_metric_is_said(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    file = CsvFile(path, "")
    assert file.missing("val/loss") == f"there is no row in {path}"
    path.write_text("epoch,acc\n1,1\n")
    news(file)
    assert file.missing("val/loss").endswith(
        "log.csv has epoch, acc; say with metrics.names which one is val/loss"
    )
