"""A file that is replaced is the earlier one or the new one, never half of one."""

from pathlib import Path

import pytest

from lightning_modules.files import replacing


def test_the_new_file_takes_the_place_of_the_earlier_one_at_the_end_of_the_block(
    tmp_path: Path,
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("earlier")
    with replacing(path, durable=True) as beside:
        beside.write_text("new")
        assert path.read_text() == "earlier"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_the_earlier_file_can_be_kept(tmp_path: Path) -> None:
    path, kept = tmp_path / "last.ckpt", tmp_path / "before.ckpt"
    for text in ("one", "two", "three"):
        with replacing(path, keep=kept) as beside:
            beside.write_text(text)
    assert (path.read_text(), kept.read_text()) == ("three", "two")


def test_a_failure_leaves_the_earlier_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("earlier")
    with pytest.raises(ValueError, match="half"), replacing(path) as beside:
        beside.write_text("ne")
        raise ValueError("half")
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_as_long_as_a_name_may_be_can_be_replaced(tmp_path: Path) -> None:
    for name in ("a" * 251 + ".csv", "ä" * 127):
        with replacing(tmp_path / name) as beside:
            beside.write_text("new")
        assert (tmp_path / name).read_text() == "new"
