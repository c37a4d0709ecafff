"""Sequences of one's own: what they become, and what is said of files that cannot be used."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lightning_modules.data.readers.series.ts_file import read_ts
from lightning_modules.data.table import DATASETS, load_data
from lightning_modules.errors import DataError

ROW = DATASETS["sequences"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are named from the current folder."""
    monkeypatch.chdir(tmp_path)


def splits(path: str, **given: Any) -> Any:
    return load_data("sequences", path=path, **given).splits


def refusal(path: str, **given: Any) -> str:
    assert ROW.check is not None
    with pytest.raises(DataError) as caught:
        ROW.check(**{**ROW.defaults(), "path": path, **given})
    return str(caught.value)


# A long table


def long_table(series: int = 9) -> pd.DataFrame:
    """Series i of 2 + i % 3 steps; channels i + time and its negative; steps in a mixed order."""
    rows = [
        {
            "series": f"s{at}", "time": step, "a": at + step, "b": -(at + step),
            "target": "xyz"[at % 3], "speaker": at // 2, "age": at * 1.5,
            "part": ["train", "val", "test"][at // 3 % 3],
        }
        for at in range(series)
        for step in range(2 + at % 3)
    ]  # fmt: skip
    return pd.DataFrame(rows).sort_values("time", kind="stable", ascending=False)


WITHOUT = {"channels": ["a", "b"]}


def write(frame: pd.DataFrame | None = None, name: str = "steps.csv", **columns: Any) -> None:
    frame = (long_table() if frame is None else frame).assign(**columns)
    if name.endswith(".parquet"):
        frame.to_parquet(name, index=False)
    else:
        frame.to_csv(name, index=False)


def test_steps_are_gathered_ordered_and_padded() -> None:
    write()
    found = splits("steps.csv", split_column="part", standardize=False, **WITHOUT)
    # the last steps come first, so the longest series are first in the file
    assert found.train[0].tolist() == [
        [[2, -2], [3, -3], [4, -4], [5, -5]],
        [[1, -1], [2, -2], [3, -3], [0, 0]],
        [[0, 0], [1, -1], [0, 0], [0, 0]],
    ]
    assert found.train[1].tolist() == [4, 3, 2]
    assert found.train[2].tolist() == [2, 1, 0]
    assert found.test[0][2].tolist() == [[6, -6], [7, -7], [0, 0], [0, 0]]
    assert (found.classes, found.outputs) == (("x", "y", "z"), 3)


def test_channels_are_scaled_over_the_real_steps_of_the_training_part() -> None:
    write()
    found = splits("steps.csv", split_column="part", **WITHOUT)
    steps = np.array([2, 3, 4, 5, 1, 2, 3, 0, 1])
    mean, deviation = float(steps.mean()), float(steps.std())
    assert found.preparation["mean"] == pytest.approx([mean, -mean])
    assert found.preparation["scale"] == pytest.approx([deviation, deviation])
    assert found.validation[0][0, 0, 0].item() == pytest.approx((5 - mean) / deviation)
    assert found.train[0][1, 3].tolist() == [0, 0]


def test_other_names_parquet_and_values_to_predict() -> None:
    frame = long_table().rename(columns={"series": "id", "time": "t"}).drop(columns=["target"])
    write(frame[["id", "t", "a", "age"]], name="steps.parquet")
    found = splits("steps.parquet", series="id", time="t", target="age", task="regression",
                   standardize=False)  # fmt: skip
    assert (found.outputs, found.train[0].shape[2], found.preparation["channels"]) == (1, 1, ["a"])
    assert found.train[2].shape == (5, 1)
    # the first value of series i is i, and its target 1.5 i
    torch.testing.assert_close(found.train[2][:, 0], found.train[0][:, 0, 0] * 1.5)


def test_dates_order_the_steps_too() -> None:
    days = {0: "2024-01-09", 1: "2024-01-10", 2: "2024-02-01", 3: "2024-11-01"}
    write()
    wanted = splits("steps.csv", split_column="part", **WITHOUT)
    write(time=[days[time] for time in long_table()["time"]])
    assert splits("steps.csv", split_column="part", **WITHOUT).hash == wanted.hash


def test_speakers_stay_together() -> None:
    write(long_table(18))
    found = splits("steps.csv", group="speaker", stratify=False, standardize=False, **WITHOUT)
    firsts = [{int(row) // 2 for row in part[0][:, 0, 0]} for part in
              (found.train, found.validation, found.test)]  # fmt: skip
    assert sum(map(len, firsts)) == len(set.union(*firsts)) == 9


def test_a_test_file_of_its_own_is_scaled_by_the_training_part() -> None:
    write()
    later = long_table()
    write(later.assign(a=later["a"] + 100)[["b", "a", "series", "time", "target"]], "later.csv")
    found = splits("steps.csv", test_path="later.csv", stratify=False, **WITHOUT)
    assert (len(found.train[2]) + len(found.validation[2]), len(found.test[2])) == (9, 9)
    preparation = found.preparation
    raw = found.test[0][0, 0] * torch.tensor(preparation["scale"]) + torch.tensor(
        preparation["mean"]
    )
    torch.testing.assert_close(raw.float(), torch.tensor([102.0, -2.0]))


def test_new_series_are_prepared_as_those_of_the_training() -> None:
    write()
    found = splits("steps.csv", split_column="part", **WITHOUT)
    preparation = json.loads(json.dumps(found.preparation))
    frame = long_table()
    write(frame[frame["part"] == "test"][["b", "time", "series", "a"]], "new.csv")
    assert ROW.read_new is not None
    given = {**ROW.defaults(), "path": "steps.csv", "split_column": "part", **WITHOUT}
    inputs, lengths = ROW.read_new("new.csv", preparation, **given)
    torch.testing.assert_close(inputs, found.test[0])
    assert lengths.tolist() == found.test[1].tolist()


BAD_TABLES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no file": ({}, {"path": "step.csv"}, "step.csv: there is no such file; did you mean steps"),
    "no series": (
        {},
        {"series": "serie"},
        "steps.csv: there is no column 'serie', which data.series names; did you mean series?",
    ),
    "no target": ({}, {"target": "label"}, "there is no column 'label', which data.target names;"),
    "no channel": ({}, {"channels": ["c"]}, "no column 'c', which data.channels names; it has"),
    "a label that changes": (
        {"target": [*long_table()["target"][:-1], "x"]},
        {},
        "column target, line 28: series 's8' says 'x' here and 'z' in line 4; write the same in",
    ),
    "texts": (
        {"a": ["much", *long_table()["a"][1:]]},
        {},
        "steps.csv: column a, line 2: 'much' is no finite number; correct it, or list the columns",
    ),
    "a missing value": (
        {"b": [1, None, *long_table()["b"][2:]]},
        {},
        "steps.csv: column b, line 3: is missing; fill it in or remove the row",
    ),
    "a missing target": (
        {"target": [None, *long_table()["target"][1:]]},
        {},
        "and nothing in line 2 (and line 13, line 22); write the same",
    ),
    "a time twice": (
        {"time": 1},
        {},
        "this time in line ",
    ),
    "no time": (
        {"time": ["soon", *long_table()["time"][1:]]},
        {},
        "steps.csv: column time, line 2: 'soon' is neither a number nor a date such as 2024-03-31",
    ),
    "one class": ({"target": "x"}, {}, "steps.csv: column target says 'x' in every row; there is"),
    "a small class": (
        {"target": ["p" if name in ("s1", "s2") else "q" for name in long_table()["series"]]},
        {},
        "steps.csv: class 'p' has 2 rows, and three parts need one each; add rows",
    ),
    "no number": ({}, {"task": "regression"}, "'z' is no finite number (and line 3, "),
    "a target that is a channel": (
        {},
        {"channels": ["a", "target"]},
        "steps.csv: column target is both data.target and a channel; keep one",
    ),
    "two test parts": (
        {},
        {"test": 0.3, "test_path": "steps.csv"},
        "data.test and data.test_path do not go together; keep one",
    ),
    "shares beside a split column": (
        {"part": "train"},
        {"split_column": "part", "validation": 0.4},
        "data.validation and data.split_column do not go together; keep one",
    ),
    "an unnamed column": (
        {"Unnamed: 0": 1},
        {"channels": []},
        "steps.csv: a column has no name, as the row numbers that some programs write; name it, or",
    ),
}


@pytest.mark.parametrize(("columns", "given", "said"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_tables_that_cannot_be_used_are_refused(
    columns: dict[str, Any], given: dict[str, Any], said: str
) -> None:
    write(**columns)
    assert said in refusal(**{"path": "steps.csv", **WITHOUT, **given})


# Files of the UCR/UEA archive

HEADER = """# Japanese vowels, as it were
@problemName Vowels
@timeStamps false
@univariate false
@dimensions 2
@equalLength false
@classLabel true 1 2
@data
"""
CASES = ["1,2,3:4,5,6:1", "1,2:3,4:2", "0.5,1e1:7,8:1", "9:9:2"] * 3


def write_ts(cases: list[str] | None = None, header: str = HEADER, name: str = "vowels.ts") -> None:
    Path(name).write_text(header + "\n".join(cases or CASES) + "\n")


def test_a_ts_file_has_channels_lengths_and_labels() -> None:
    write_ts()
    found = read_ts("vowels.ts")
    rows, targets = found.rows, found.targets
    assert [row.tolist() for row in rows[:3]] == [
        [[1, 4], [2, 5], [3, 6]], [[1, 3], [2, 4]], [[0.5, 7], [10, 8]]
    ]  # fmt: skip
    assert targets[:4] == ["1", "2", "1", "2"]
    found = splits("vowels.ts", standardize=False)
    assert (found.train[0].shape, found.classes) == ((6, 3, 2), ("1", "2"))
    assert sorted(found.train[1].tolist() + found.validation[1].tolist() + found.test[1].tolist()
                  ) == [1] * 3 + [2] * 6 + [3] * 3  # fmt: skip


def test_the_archives_test_file_is_the_test_part() -> None:
    write_ts(name="vowels_TRAIN.ts")
    write_ts(CASES[:4], name="vowels_TEST.ts")
    found = splits("vowels_TRAIN.ts", test_path="vowels_TEST.ts")
    assert (len(found.train[2]) + len(found.validation[2]), found.test[2].tolist()) == (
        12, [0, 1, 0, 1]
    )  # fmt: skip


def test_a_ts_file_may_hold_values_to_predict_or_no_targets_at_all() -> None:
    regression = "@targetLabel true\n@data\n"
    write_ts(["1,2:0.5", "1,2:1.5", "3,4:-2"] * 4, regression)
    found = splits("vowels.ts", task="regression")
    assert sorted({value for (value,) in found.train[2].tolist()}) == [-2, 0.5, 1.5]
    write_ts(["1,2", "3,4,5"], "@classLabel false\n@data\n", "new.ts")
    assert ROW.read_new is not None
    given = {**ROW.defaults(), "path": "vowels.ts"}
    inputs, lengths = ROW.read_new("new.ts", found.preparation, **given)
    assert (inputs.shape, lengths.tolist()) == ((2, 3, 1), [2, 3])
    assert "new.ts: its header says neither @classLabel true nor @targetLabel" in refusal("new.ts")


BAD_TS: dict[str, tuple[list[str], str, str]] = {
    "unequal channels": (
        ["1,2:3:1"],
        HEADER,
        "vowels.ts: line 9: channel 2 has 1 values, and channel 1 2; the channels of a series are",
    ),
    "ragged channels": (
        ["1:2:1", "1:1"],
        HEADER,
        "vowels.ts: line 10: has 1 channels, and the first series 2; give each as many",
    ),
    "missing values": (
        ["1,2:3,4:1", "1,?:3,4:2"],
        HEADER,
        "vowels.ts: line 10: channel 1, value 2: is missing; fill it in, or write interpolate",
    ),
    "NaN": (["1,2:NaN,4:1"], HEADER, "line 9: channel 2, value 1: is missing"),
    "an empty series": ([":1:2"], HEADER, "line 9: channel 1: is empty; write values or remove"),
    "another label": (["1:1:3"], HEADER, "line 9: label '3' is none of @classLabel (1, 2);"),
    "no label": (["1:1:?"], HEADER, "line 9: has no label at its end; write one, or write missing"),
    "no channel": (["1"], HEADER, "line 9: has no channel before its label; write values, a"),
    "no header": (["1:1:1"], "", "line 1: '1:1:1' is no header line; a .ts file begins with"),
    "a typo": ([], "@clasLabel true\n", "line 1: '@claslabel' is no header line; did you mean"),
    "no data line": ([" "], "@classLabel true\n", "vowels.ts: has no line @data; write it above"),
    "no series": ([" "], HEADER, "vowels.ts: has no series below @data; write one per line"),
    "timestamps": (
        ["(0,1),1:1"],
        "@timeStamps true\n@classLabel true\n@data\n",
        "channel 1 is no list such as (time,value),(time,value); write it so",
    ),
    "one class": (["1:1"] * 9, "@classLabel true\n@data\n", "the label says '1' in every row;"),
}


@pytest.mark.parametrize(("cases", "header", "said"), BAD_TS.values(), ids=BAD_TS)
def test_ts_files_that_cannot_be_used_are_refused(cases: list[str], header: str, said: str) -> None:
    write_ts(cases, header)
    assert said in refusal("vowels.ts")


def test_binary_files_and_columns_of_a_ts_file_are_refused() -> None:
    Path("vowels.ts").write_bytes(b"\xff\xfe\x00")
    assert refusal("vowels.ts").startswith("vowels.ts: is no whole text in utf-16 (byte 0x00); ")
    assert refusal("vowels.ts", group="speaker") == (
        "vowels.ts: has no columns, but data.group names one; leave it out"
    )
    write_ts(name="a.ts")
    write_ts(["1,2:1", "1:2"], name="b.ts")
    assert refusal("a.ts", test_path="b.ts") == (
        "b.ts: has 1 channels, and the training part 2; give it the same"
    )


# Archives of arrays

X, LENGTHS = np.arange(60.0).reshape(30, 2), np.array([1, 4] * 6)
Y = np.array(["a", "b", "b", "a"] * 3)


def write_npz(**arrays: Any) -> None:
    given = {"x": X, "y": Y, "lengths": LENGTHS, **arrays}
    np.savez("steps.npz", **{name: array for name, array in given.items() if array is not None})


def test_flat_and_padded_archives_are_the_same_series() -> None:
    write_npz()
    flat = splits("steps.npz")
    padded = np.full((12, 5, 2), np.nan)
    for row, steps in zip(padded, np.split(X, LENGTHS.cumsum()[:-1]), strict=True):
        row[: len(steps)] = steps
    write_npz(x=padded)
    assert splits("steps.npz").hash == flat.hash
    assert (flat.train[0].shape, flat.classes) == ((6, 4, 2), ("a", "b"))
    write_npz(x=padded[:, :1], lengths=None)
    assert splits("steps.npz").train[1].tolist() == [1] * 6


BAD_NPZ: dict[str, tuple[dict[str, Any], str]] = {
    "no targets": ({"y": None}, "steps.npz: there is no array 'y'; it has x, lengths"),
    "sum": ({"lengths": LENGTHS[1:]}, "lengths adds up to 29 steps, and x has 30; correct one"),
    "empty": ({"lengths": np.array([0, 5] * 6)}, "array lengths: series 1 is empty; remove it"),
    "too long": (
        {"x": np.zeros((12, 3, 1))},
        "lengths has 12 series of up to 4 steps, and x 12 of 3; correct one of them",
    ),
    "no lengths": (
        {"lengths": None},
        "array x has the shape (30, 2), and series × steps × channels is needed; reshape it, or",
    ),
    "kinds of lengths": ({"lengths": LENGTHS / 2}, "array lengths has the shape (12,) and x (30"),
    "NaN": (
        {"x": np.where(X == 3, np.nan, X)},
        "array x, series 2, step 1, channel 2: nan is no finite number; fill it in or remove",
    ),
    "targets": ({"y": Y[1:]}, "array y has the shape (11,), and there are 12 series; give each"),
    "NaN targets": ({"y": np.array([1, np.nan] * 6)}, "array y, series 2: nan is no target; fill"),
    "texts": ({"x": X.astype(str)}, "steps.npz: array x does not hold numbers; save numbers"),
    "objects": ({"y": np.array([{}] * 12)}, "steps.npz: is no whole .npz archive of numbers;"),
}


@pytest.mark.parametrize(("arrays", "said"), BAD_NPZ.values(), ids=BAD_NPZ)
def test_archives_that_cannot_be_used_are_refused(arrays: dict[str, Any], said: str) -> None:
    write_npz(**arrays)
    assert said in refusal("steps.npz")


def test_a_damaged_archive_is_refused() -> None:
    write_npz()
    Path("steps.npz").write_bytes(Path("steps.npz").read_bytes()[:200])
    assert "steps.npz: is no whole .npz archive" in refusal("steps.npz")


def test_the_check_does_not_import_torch() -> None:
    write()
    code = (
        "import sys; from lightning_modules.data.table import DATASETS; "
        "row = DATASETS['sequences']; "
        "row.check(**{**row.defaults(), 'path': 'steps.csv', 'channels': ['a'], "
        "'split_column': 'part'}); print('torch' in sys.modules)"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == "False"
