"""Rows without a target and classes with too few rows: named with their row, or left out and
counted, with the rows of the file numbered as they stand there."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lightning_modules.data.table import load_data
from tests.support.data_sets import refusal, summary_of

LABELS = np.array([*"ab" * 15], dtype=object)
STEPS = np.arange(2.0)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are named from the current folder."""
    monkeypatch.chdir(tmp_path)


def labels(**changed: str | None) -> list[Any]:
    """Thirty labels; `r3="c"` changes the one of row 3."""
    found = LABELS.copy()
    for row, label in changed.items():
        found[int(row[1:]) - 1] = label
    return found.tolist()


def table(target: list[Any]) -> dict[str, Any]:
    """Each row says its number in the file."""
    frame = pd.DataFrame({"number": np.arange(1.0, 31), "y": target})
    frame.to_csv("rows.csv", index=False)
    return {"path": "rows.csv", "target": "y", "standardize": False}


def texts(target: list[Any]) -> dict[str, Any]:
    words = [f"word{number}" for number in range(1, 31)]
    pd.DataFrame({"text": words, "y": target}).to_csv("rows.csv", index=False)
    return {"path": "rows.csv", "text": "text", "target": "y", "min_count": 1}


def long_table(target: list[Any]) -> dict[str, Any]:
    rows = [(f"s{at}", step, at + step, y) for at, y in enumerate(target) for step in STEPS]
    frame = pd.DataFrame(rows, columns=["series", "time", "value", "target"])
    frame.to_csv("steps.csv", index=False)
    return {"path": "steps.csv"}


def ts(target: list[Any]) -> dict[str, Any]:
    lines = [f"{at},{at + 1}:{y or '?'}" for at, y in enumerate(target)]
    Path("rows.ts").write_text("\n".join(["@classLabel true", "@data", *lines]))
    return {"path": "rows.ts"}


def series(target: list[Any]) -> dict[str, Any]:
    x = np.arange(60.0).reshape(30, 2, 1)
    np.savez("rows.npz", x=x, y=np.array([y or "" for y in target]))
    return {"path": "rows.npz"}


def arrays(target: list[Any]) -> dict[str, Any]:
    x = np.arange(1.0, 31)[:, None]
    np.savez("rows.npz", x=x, y=np.array([y or "" for y in target]))
    return {"path": "rows.npz"}


KINDS: dict[str, tuple[str, Any, str, str]] = {
    "table": ("table", table, "line 6", "line 8"),
    "texts": ("text", texts, "line 6", "line 8"),
    "long table": ("sequences", long_table, "line 10", "line 14"),
    ".ts": ("sequences", ts, "line 7", "series 7"),
    "series": ("sequences", series, "series 5", "series 7"),
    "arrays": ("arrays", arrays, "row 5", "row 7"),
}
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
DROP = {"missing_targets": "drop", "rare_classes": "drop"}


@EVERY_KIND
def test_a_row_without_a_target_is_named_with_the_option(kind: str) -> None:
    name, write, missing, _ = KINDS[kind]
    said = refusal(name, **write(labels(r5=None, r9=None)))
    assert missing in said and "missing_targets: drop" in said


@EVERY_KIND
def test_a_class_with_one_row_is_named_with_its_row_and_the_option(kind: str) -> None:
    name, write, _, lone = KINDS[kind]
    given = write(labels(r5=None, r7="lone"))
    said = refusal(name, **given, missing_targets="drop")
    assert f"a class with one row, 'lone' in {lone};" in said and "rare_classes: drop" in said


@EVERY_KIND
def test_what_is_left_out_is_counted_and_rows_keep_their_numbers(kind: str) -> None:
    name, write, *_ = KINDS[kind]
    given = write(labels(r1=None, r2=None, r7="lone", r8="pair", r9="pair")) | DROP
    found = summary_of(name, **given)
    assert sum(found.rows.values()) == 25
    assert {each: sum(rows) for each, rows in found.classes.items()} == {"a": 12, "b": 13}
    missing, rare = found.notices[:2]
    assert missing.endswith("2 of 30 rows have no target and are left out (missing_targets: drop)")
    assert rare.endswith(
        "3 of 28 rows are of 2 rare classes ('lone' 1, 'pair' 2) and are left out (rare_classes: "
        "drop)"
    )
    splits = load_data(name, **given).splits
    rows = splits.names["row"]
    assert not {1, 2, 7, 8, 9} & {*rows}
    assert [labels()[row - 1] for row in rows] == [splits.classes[at] for at in splits.test[-1]]


def test_the_rows_of_a_table_are_those_that_its_inputs_say() -> None:
    splits = load_data("table", **table(labels(r1=None, r12=None, r20="c")), **DROP).splits
    assert splits.test[0][:, 0].tolist() == splits.names["row"]


def test_a_class_that_is_left_out_goes_from_the_files_of_other_parts_too() -> None:
    given = table(labels(r7="lone"))
    pd.DataFrame({"number": [1, 2, 3], "y": ["a", "lone", None]}).to_csv("test.csv", index=False)
    splits = load_data("table", **given, **DROP, test_path="test.csv").splits
    assert (splits.test[0].tolist(), splits.names["row"]) == ([[1.0]], [1])
    pd.DataFrame({"number": [2], "y": ["lone"]}).to_csv("test.csv", index=False)
    assert "test.csv: no row is left for the test part" in refusal(
        "table", **given, **DROP, test_path="test.csv"
    )


def test_words_for_missing_among_values_are_missing_targets() -> None:
    values = [str(number) for number in range(28)]
    given = table([*values, "NA", "?"]) | {"task": "regression"}
    assert "column y, line 30: is missing (2 rows in all)" in refusal("table", **given)
    found = summary_of("table", **given, missing_targets="drop")
    assert sum(found.rows.values()) == 28
    given = table([*values, "NA", "much"]) | {"task": "regression"}
    assert "line 31: 'much' is no finite number" in refusal(
        "table", **given, missing_targets="drop"
    )


def test_numbers_among_which_a_word_means_missing_are_values_to_predict() -> None:
    given = table([str(number / 2) for number in range(29)] + ["NA"])
    assert refusal("table", **given) == (
        "rows.csv: column y has 29 different values; write task: regression, and missing_targets: "
        "drop for the rows that say 'NA'"
    )


def test_a_target_that_nobody_has_is_no_target() -> None:
    given = table([None] * 30)
    assert "column y: is missing in every row; name another target" in refusal(
        "table", **given, missing_targets="drop"
    )


def test_where_fewer_than_two_classes_are_left_nothing_can_be_learned() -> None:
    given = table(["a"] * 28 + ["b", "c"])
    assert "without its rare classes ('b' 1, 'c' 1) fewer than two are left" in refusal(
        "table", **given, rare_classes="drop"
    )


def test_errors_after_rows_were_left_out_name_the_rows_of_the_file() -> None:
    frame = pd.DataFrame({"number": range(30), "y": labels(r1=None), "part": "train"})
    frame.loc[9, "part"] = "elsewhere"
    frame.to_csv("rows.csv", index=False)
    given = {"path": "rows.csv", "target": "y", "split_column": "part", "missing_targets": "drop"}
    assert "line 11: 'elsewhere' is no part" in refusal("table", **given)
    frame["part"] = [str(number) for number in range(30)]
    frame.loc[9, "part"] = None
    frame.to_csv("rows.csv", index=False)
    given = {"path": "rows.csv", "target": "y", "group": "part", "missing_targets": "drop"}
    assert "column part, line 11: is missing" in refusal("table", **given)


def test_a_series_that_has_a_target_in_some_of_its_rows_only_is_refused() -> None:
    given = long_table(labels())
    frame = pd.read_csv("steps.csv")
    frame.loc[3, "target"] = None
    frame.to_csv("steps.csv", index=False)
    said = refusal("sequences", **given, missing_targets="drop")
    assert "series 's1' says nothing here and 'b' in line 4" in said


def test_classes_of_few_images_are_left_out_and_counted() -> None:
    for name, count in {"a": 5, "b": 5, "few": 2}.items():
        for number in range(count):
            file = Path("images", name, f"{number}.png")
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (4, 4), (number, len(name), 0)).save(file)
    assert "leave the class out with rare_classes: drop" in refusal("images", path="images")
    found = summary_of("images", path="images", rare_classes="drop")
    assert {each: sum(rows) for each, rows in found.classes.items()} == {"a": 5, "b": 5}
    assert "2 of 12 files are not read: 2 of the rare class 'few'" in found.notices[0]
    assert load_data("images", path="images", rare_classes="drop").splits.classes == ("a", "b")


@pytest.mark.parametrize("name", ["table", "text"])
def test_an_error_of_the_split_column_names_the_line_of_the_file(name: str) -> None:
    lines = [f"{row},some words {row},{'ab'[row % 2]},train" for row in range(30)]
    lines[20] = "20,some words,a,other"
    Path("rows.csv").write_text("# taken in May\nsize,words,kind,part\n" + "\n".join(lines) + "\n")
    own = {"table": {"drop": ["words"]}, "text": {"text": "words"}}[name]
    given = {"path": "rows.csv", "target": "kind", "split_column": "part", "comment": "#", **own}
    assert "line 23: 'other' is no part; the split column says" in refusal(name, **given)
