"""The table of existing code: its files are read, its changes are few and counted."""

import struct
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import yaml

Benchmark = Callable[[str], ModuleType]


def test_at_least_ten_code_bases_need_at_most_two_lines_and_their_studies_prune_and_compare(
    benchmark: Benchmark,
) -> None:
    tried = benchmark("code_bases")
    assert len(tried.CODE_BASES) >= 10
    for base in tried.CODE_BASES:
        assert sum(change.lines for change in base.changes) <= 2, base.name
        tree = yaml.safe_load(tried.study_file(base).read_text())
        assert tree["study"] == "tried", base.name
        assert tree["search"]["pruner"]["warmup"] < tree["trainer"]["epochs"]
        assert tried.factor_of(base).startswith("model.")


def test_changed_lines_are_counted_but_for_those_that_load_data(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    tried, table = benchmark("code_bases"), benchmark("code_bases_table")
    (tmp_path / "train.py").write_text("a = 1\nrows = load()\nb = 2\n")
    base = table.CodeBase(
        "made",
        "",
        "mnist",
        changes=(
            table.Change("train.py", "a = 1", "a = 1\nc = 3"),
            table.Change("train.py", "b = 2", "b = a"),
            table.Change("train.py", "rows = load()", "rows = made()\nrows.few()", loads_data=True),
        ),
    )
    assert tried.changed(base, tmp_path) == 2
    assert (tmp_path / "train.py").read_text() == "a = 1\nc = 3\nrows = made()\nrows.few()\nb = a\n"
    with pytest.raises(ValueError, match=r"made: train.py has not once 'b = 2'"):
        tried.changed(base, tmp_path)


def test_a_code_base_without_a_clone_is_named_and_left_out(
    benchmark: Benchmark, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tried = benchmark("code_bases")
    words = ["--sources", str(tmp_path), "--work", str(tmp_path / "work"), "--only", "nanoGPT"]
    assert tried.main(words) == 0
    assert f"nanoGPT, characters: there is no {tmp_path / 'nanoGPT'}" in " ".join(
        capsys.readouterr().out.split()
    )
    assert not (tmp_path / "work").exists()


def test_digits_lie_where_mnist_is_looked_for_in_its_own_form(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    benchmark("code_bases_data").mnist(tmp_path)
    raw = tmp_path / "MNIST" / "raw"
    for part, count in (("train", 400), ("t10k", 200)):
        images = (raw / f"{part}-images-idx3-ubyte").read_bytes()
        assert struct.unpack(">4i", images[:16]) == (2051, count, 28, 28)
        assert len(images) == 16 + count * 28 * 28
        labels = (raw / f"{part}-labels-idx1-ubyte").read_bytes()
        assert struct.unpack(">2i", labels[:8]) == (2049, count)
        assert set(labels[8:]) == set(range(10))
