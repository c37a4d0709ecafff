"""What another split seed divides anew is what the data itself then divides anew."""

import os
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lightning_modules.configuration import Configuration
from lightning_modules.data.preparation.prepared import PARTS
from lightning_modules.data.table import DATASETS
from lightning_modules.data.tensors import TensorDataModule
from lightning_modules.errors import DataError, UserCodeError
from lightning_modules.training.building import build_data
from lightning_modules.training.split_rule import SplitRule, split_rule
from tests.conftest import WriteModule
from tests.support.published_files import NAMES, write_cifar, write_idx

Tree = dict[str, Any]

ROWS = 60


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this test's own in place of the user's cache."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of every kind."""
    folder = tmp_path_factory.mktemp("files")
    for start, name in enumerate(("all", "validation", "test")):
        write_table(folder / f"{name}.csv", 1000 * start)
        write_ts(folder / f"{name}.ts", 1000 * start)
    for parts in ([], ["test"], ["validation"], ["validation", "test"]):
        name = "_".join(["all", *parts])
        write_arrays(folder / f"{name}.npz", parts)
        write_images(folder / name, parts)
    return folder


@pytest.fixture(autouse=True)
def folder(own_folder: Path, files: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder holds a file of every kind."""
    monkeypatch.setattr("lightning_modules.rights.user_cache_path", lambda name: cache / name)
    shutil.copytree(files, own_folder, copy_function=os.link, dirs_exist_ok=True)


def write_table(path: Path, start: int) -> None:
    """Rows for tables, texts and long tables: every `value` stands once in all files."""
    rows = np.arange(start, start + ROWS)
    said = np.array(["train", "train", "val", "test"])[rows % 4]
    columns = {"series": [f"s{row}" for row in rows], "time": rows, "x": rows * 0.5}
    frame = pd.DataFrame(columns | {"value": rows * 1.5, "speaker": rows // 5, "part": said})
    frame["words"] = [f"word word{row % 7}" for row in rows]
    frame.to_csv(path, index=False)


def write_ts(path: Path, start: int) -> None:
    head = "@problemName made\n@timeStamps false\n@univariate true\n@classLabel true a b\n@data\n"
    cases = [f"{start + row},{row % 5},1:{'ab'[row % 2]}" for row in range(ROWS)]
    path.write_text(head + "\n".join(cases) + "\n")


def write_arrays(path: Path, parts: list[str]) -> None:
    arrays = {}
    for start, ending in enumerate(["", *(f"_{part}" for part in parts)]):
        values = np.arange(ROWS) + 1000.0 * start
        arrays |= {f"x{ending}": values[:, None], f"y{ending}": np.arange(ROWS) % 2}
    np.savez(path, **arrays)


def write_images(folder: Path, parts: list[str]) -> None:
    """Images of which no two are equal, ten in each class of a part."""
    for start, part in enumerate(["train", *parts] if parts else [""]):
        for row in range(20):
            file = folder / part / "ab"[row % 2] / f"{row}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((4, 4), 60 * start + row, np.uint8)).save(file)


SETS: dict[str, Tree] = {
    "table": {"path": "all.csv", "target": "value", "drop": ["series", "words"]},
    "text": {"path": "all.csv", "text": "words", "target": "value"},
    "sequences": {"path": "all.csv", "target": "value", "channels": ["x"]},
}
"""The sets that read a table, with a target that tells its row."""


def own(name: str, **given: Any) -> Tree:
    tree = {"name": name, "task": "regression", **SETS[name], **given}
    if name == "table":  # what divides a table is no input of it
        dividing = {given.get(role) for role in ("group", "time", "split_column")}
        tree["drop"] = [*tree["drop"], *({"speaker", "time", "part"} - dividing)]
    return tree


ALL = SplitRule(PARTS, "")
BUNDLED = ("digits", "breast_cancer", "wine", "iris", "diabetes", "characters")
PUBLISHED = SplitRule(("train", "validation"), "the published test part stays")
TEST_FILE = SplitRule(("train", "validation"), "the test part has a file of its own")
VALIDATION_FILE = SplitRule(("train", "test"), "the validation part has a file of its own")
BOTH_FILES = SplitRule((), "validation and test parts have files of their own")
COLUMN = SplitRule((), "a column says the part of every row")
TIME = SplitRule((), "rows are divided by time")
VALIDATION, TEST = {"validation_path": "validation.csv"}, {"test_path": "test.csv"}

CASES: dict[str, tuple[Tree, SplitRule]] = {
    **{name: ({"name": name}, ALL) for name in BUNDLED},
    "some digits": ({"name": "digits", "classes": [3, 5]}, ALL),
    **{name: ({"name": name}, PUBLISHED) for name in ("mnist1d", *NAMES, "cifar10")},
    **{
        f"{name} {case}": (own(name, **given), rule)
        for name in SETS
        for case, given, rule in (
            ("by shares", {}, ALL),
            ("by shares, not stratified", {"stratify": False}, ALL),
            ("by group", {"group": "speaker"}, ALL),
            ("with a test file", TEST, TEST_FILE),
            ("by group with a test file", {"group": "speaker", **TEST}, TEST_FILE),
            ("with a validation file", VALIDATION, VALIDATION_FILE),
            ("with both files", {**VALIDATION, **TEST}, BOTH_FILES),
            ("by a column", {"split_column": "part"}, COLUMN),
        )
    },
    **{f"{name} by time": (own(name, time="time"), TIME) for name in ("table", "text")},
    "table by time with a test file": (own("table", time="time", **TEST), TIME),
    "sequences in order of time": (own("sequences", time="time"), ALL),
    "a .ts file": ({"name": "sequences", "path": "all.ts"}, ALL),
    "a .ts file and one to test on": (
        {"name": "sequences", "path": "all.ts", "test_path": "test.ts"},
        TEST_FILE,
    ),
    "arrays": ({"name": "arrays", "path": "all.npz"}, ALL),
    "arrays to test on": (
        {"name": "arrays", "path": "all_test.npz"},
        SplitRule(("train", "validation"), "the test part has arrays of its own"),
    ),
    "arrays to validate on": (
        {"name": "arrays", "path": "all_validation.npz"},
        SplitRule(("train", "test"), "the validation part has arrays of its own"),
    ),
    "arrays of all parts": (
        {"name": "arrays", "path": "all_validation_test.npz"},
        SplitRule((), "validation and test parts have arrays of their own"),
    ),
    "images": ({"name": "images", "path": "all"}, ALL),
    "images to test on": (
        {"name": "images", "path": "all_test"},
        SplitRule(("train", "validation"), "the test part has a folder of its own"),
    ),
    "images to validate on": (
        {"name": "images", "path": "all_validation"},
        SplitRule(("train", "test"), "the validation part has a folder of its own"),
    ),
    "images of all parts": (
        {"name": "images", "path": "all_validation_test"},
        SplitRule((), "validation and test parts have folders of their own"),
    ),
}


def configuration_of(data: Tree) -> Configuration:
    """With a network that reads the data, whose inputs stay as they are."""
    row = DATASETS[data["name"]]
    if "standardize" in row.parameters:
        data = {**data, "standardize": False}
    sequential = row.kind == "text" or data["name"] == "sequences"
    return Configuration.resolve({"data": data, "model": "gru" if sequential else "mlp"})


def rows(configuration: Configuration) -> dict[str, list[Any]]:
    """The rows of every part, each by its value to predict, else by its inputs."""
    data = build_data(configuration)
    assert isinstance(data, TensorDataModule)
    found = {}
    for part in PARTS:
        inputs, *_, targets = getattr(data.splits, part)
        regression = targets.is_floating_point()
        shown = targets if regression and configuration.data.name in SETS else inputs[:].flatten(1)
        found[part] = sorted(shown.tolist())
    return found


def sizes(parts: dict[str, list[Any]]) -> list[int]:
    return [len(part) for part in parts.values()]


def test_every_data_set_has_a_case() -> None:
    assert {data["name"] for data, _ in CASES.values()} == set(DATASETS)


@pytest.mark.parametrize("case", CASES)
def test_another_split_seed_gives_other_rows_to_the_parts_that_the_rule_names(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, rule = CASES[case]
    if data["name"] in NAMES:
        write_idx(tmp_path / "data" / NAMES[data["name"]] / "raw")
    if data["name"] == "cifar10":
        write_cifar(tmp_path / "data", monkeypatch)
    configuration = configuration_of(data)
    assert split_rule(configuration) == rule
    here = rows(configuration)
    if not rule.redrawn:
        with pytest.raises(DataError, match=r"^data\.split_seed and .* do not go together"):
            rows(configuration.with_split(1))
        return
    assert rows(configuration.with_split(0)) == here
    assert split_rule(configuration.with_split(1)) == rule
    for seed in (1, 2, 3):
        there = rows(configuration.with_split(seed))
        assert tuple(part for part in PARTS if there[part] != here[part]) == rule.redrawn
        assert sizes(there) == sizes(here)
        assert sorted(chain(*there.values())) == sorted(chain(*here.values()))


# Data and programs of the user's

OWN = """
class Divided:
    def __init__(self, batch_size=8, split_seed=0):
        pass

class Fixed:
    def __init__(self, batch_size=8, **anything):
        pass
"""
MODEL = {"model": "mlp", "loss": "cross_entropy"}


@pytest.mark.parametrize(
    ("name", "rule"),
    [("Divided", ALL), ("Fixed", SplitRule((), "theirs:Fixed takes no split_seed"))],
)
def test_data_of_a_class_is_divided_anew_where_the_class_takes_a_split_seed(
    write_module: WriteModule, name: str, rule: SplitRule
) -> None:
    write_module("theirs", OWN)
    tree = MODEL | {"data": {"class": f"theirs:{name}"}}
    assert split_rule(Configuration.resolve(tree)) == rule


def test_a_class_that_nobody_allowed_is_not_imported() -> None:
    Path("trap.py").write_text("raise AssertionError('imported')")
    configuration = Configuration.resolve(MODEL | {"data": {"class": "trap:Data"}})
    with pytest.raises(UserCodeError, match="importing trap runs its code, which nobody has allow"):
        split_rule(configuration)


@pytest.mark.parametrize("data", [{}, {"data": "iris"}])
def test_only_a_program_knows_what_it_divides(data: Tree) -> None:
    objective = {"metric": "val/loss", "goal": "minimize"}
    tree = {"model": {"command": ["train", "{split}"]}, "objective": objective, **data}
    rule = split_rule(Configuration.resolve(tree))
    assert rule == SplitRule((), "only the program knows its data")


# What is looked at


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"name": "arrays", "path": "none.npz"}, "none.npz: there is no such file"),
        ({"name": "arrays", "path": "all.csv"}, "all.csv: is no whole .npz archive"),
        ({"name": "images", "path": "none"}, "none: there is no such folder"),
        ({"name": "images", "path": "all.csv"}, "all.csv: is a file; data.path must be a folder"),
    ],
)
def test_data_that_cannot_be_found_is_told(data: Tree, said: str) -> None:
    with pytest.raises(DataError, match=said):
        split_rule(configuration_of(data))


def test_no_array_and_no_image_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: Any, **__: Any) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr("lightning_modules.data.readers.array_file._member", opened)
    monkeypatch.setattr("lightning_modules.data.readers.image_folders._images", opened)
    for case in ("arrays to test on", "images to test on"):
        data, rule = CASES[case]
        assert split_rule(configuration_of(data)) == rule


def test_the_rule_does_not_import_torch() -> None:
    script = (
        "import sys\n"
        "from lightning_modules.configuration.configuration import Configuration\n"
        "from lightning_modules.training.split_rule import split_rule\n"
        "for data in ('iris', 'mnist1d', {'name': 'arrays', 'path': 'all_test.npz'},\n"
        "             {'name': 'images', 'path': 'all_test'}):\n"
        "    split_rule(Configuration.resolve({'data': data, 'model': 'mlp'}))\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
