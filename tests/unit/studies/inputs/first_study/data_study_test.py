"""A study file for data: what reads it, what it says, and that it is a study file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lightning_modules.errors import DataError, UserError
from studies.inputs.first_study.blocks import commented, name_of
from studies.inputs.first_study.data_study import batch_size_for, data_study, epochs_for
from studies.inputs.first_study.targets import target_task
from studies.study_file import Spec, document, resolve

RANDOM = np.random.default_rng(0)
ROWS = 120


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def study(
    path: str, targets: Sequence[str] = (), task: str | None = None, overrides: Sequence[str] = ()
) -> tuple[Spec, dict[str, Any], str]:
    """The study of the file, its section of data and its text."""
    text, _ = data_study(Path(path), targets, task, overrides)
    spec = resolve(document.parse(text, "study.yaml"))
    data = spec.configurations[0].data
    return spec, {"name": data.name, **data.parameters}, text


def table(**columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame({"size": RANDOM.normal(size=ROWS), **columns})
    frame.to_csv("rows.csv", index=False)
    return frame


def test_a_table_is_told_and_what_names_rows_is_left_out() -> None:
    table(
        number=range(ROWS),
        person=[f"person{row}@example" for row in range(ROWS)],
        day=pd.date_range("2024-01-01", periods=ROWS),
        outcome=["ill"] * 20 + ["well"] * 100,
    )
    spec, data, text = study("rows.csv", ["outcome"])
    assert (data["name"], data["target"], data["task"]) == ("table", "outcome", "classification")
    assert data["drop"] == ["person"] and data["batch_size"] == 4
    assert spec.objective.metric == "val/balanced_accuracy"
    assert spec.configurations[0].model.name == "mlp"
    words = " ".join(text.replace("\n# ", " ").split())
    assert "classes: ill 20 (16.7%), well 100 (83.3%)" in words
    assert "write `time: day`" in words


@pytest.mark.parametrize(
    ("values", "task", "metric"),
    [
        (RANDOM.normal(size=ROWS), "regression", "val/rmse"),
        (range(1000, 1000 + 7 * ROWS, 7), "regression", "val/rmse"),
        ([0, 1] * 60, "classification", "val/accuracy"),
        ([0.5, 1.5] * 60, "regression", "val/rmse"),
        (["a", "b", "c"] * 40, "classification", "val/accuracy"),
        ([True, False] * 60, "classification", "val/accuracy"),
        ([f"${row}" for row in range(ROWS)], "regression", "val/rmse"),
    ],
)
def test_the_task_follows_from_the_target(values: Any, task: str, metric: str) -> None:
    table(outcome=values)
    spec, data, _ = study("rows.csv", ["outcome"])
    assert (data["task"], spec.objective.metric) == (task, metric)


def test_a_task_that_is_named_stays() -> None:
    table(stars=[1, 2, 3] * 40)
    assert study("rows.csv", ["stars"], "regression")[1]["task"] == "regression"


def test_several_targets() -> None:
    table(price=RANDOM.normal(size=ROWS), weight=RANDOM.normal(size=ROWS), a=[0, 1] * 60,
          b=[0, 0, 1] * 40)  # fmt: skip
    spec, data, _ = study("rows.csv", ["price", "weight"])
    assert (data["target"], spec.objective.metric) == (["price", "weight"], "val/r2")
    spec, data, _ = study("rows.csv", ["a", "b"])
    assert (data["task"], spec.objective.metric) == ("multilabel", "val/f1")


def test_rows_and_classes_without_enough_are_left_out() -> None:
    table(outcome=["a", "b"] * 59 + [None, "c"])
    _, data, _ = study("rows.csv", ["outcome"])
    assert (data["missing_targets"], data["rare_classes"]) == ("drop", "drop")


def test_without_a_target_the_columns_are_named() -> None:
    table(row=range(ROWS), city=["a", "b", "c"] * 40, same=[1] * ROWS)
    with pytest.raises(UserError, match=r"--target COLUMN; it could be city \(3 classes\), size"):
        study("rows.csv")
    with pytest.raises(UserError, match="no column citi to predict; did you mean city"):
        study("rows.csv", ["citi"])
    with pytest.raises(UserError, match="no column weather to predict; it could be city"):
        study("rows.csv", ["weather"])


def test_texts_are_read_as_texts() -> None:
    words = ["good", "bad", "fine", "poor", "long", "short"]
    texts = [" ".join(RANDOM.choice(words, 8)) for _ in range(ROWS)]
    table(review=texts, mood=["up", "down"] * 60)
    spec, data, text = study("rows.csv", ["mood"])
    assert (data["name"], data["text"], data["tokenizer"]) == ("text", "review", "words")
    assert spec.configurations[0].model.name == "gru"
    assert "Column review is read alone; column size is not." in text
    letters = [*"天地玄黄宇宙洪荒日月盈昃"]
    table(review=["".join(RANDOM.permutation(letters)) for _ in range(ROWS)], mood=[0, 1] * 60)
    assert study("rows.csv", ["mood"])[1]["tokenizer"] == "characters"


def test_a_table_of_series_is_read_as_series() -> None:
    steps = pd.DataFrame({"series": np.repeat(range(30), 4), "time": [*range(4)] * 30})
    steps["value"], steps["kind"] = RANDOM.normal(size=120), np.repeat(["a", "b"] * 15, 4)
    steps.to_csv("steps.csv", index=False)
    spec, data, _ = study("steps.csv", ["kind"])
    assert (data["name"], data["target"]) == ("sequences", "kind")
    assert spec.configurations[0].model.name == "gru"


@pytest.mark.parametrize(
    ("names", "shape", "targets", "kind", "task"),
    [
        (("x", "y"), (60, 4), [0, 1] * 30, "table", "classification"),
        (("X", "labels"), (60, 8, 8), ["a", "b"] * 30, "image", "classification"),
        (("data", "targets"), (60, 3, 20), RANDOM.normal(size=60), "signal", "regression"),
        (("images", "y"), (60, 3, 8, 8), RANDOM.normal(size=(60, 2)), "image", "regression"),
    ],
)
def test_arrays(names: Any, shape: Any, targets: Any, kind: str, task: str) -> None:
    np.savez("data.npz", **{names[0]: RANDOM.normal(size=shape), names[1]: np.array(targets)})
    _, data, _ = study("data.npz")
    assert (data["inputs"], data["targets"]) == names
    assert (data["kind"], data["task"]) == (kind, task)


def test_arrays_that_are_not_known_are_named() -> None:
    np.savez("data.npz", a=np.zeros((60, 2)), b=np.arange(60) % 2)
    with pytest.raises(UserError, match="has the arrays a, b; name the one to predict"):
        study("data.npz")
    with pytest.raises(DataError, match="there is no such file"):
        study("nothing.npz", ["b"], None, ["data.inputs=a"])
    assert study("data.npz", ["b"], None, ["data.inputs=a"])[1]["targets"] == "b"


@pytest.mark.parametrize("gray", [True, False])
def test_a_folder_of_images(gray: bool) -> None:
    for name in ("cats", "dogs"):
        (Path("pets") / name).mkdir(parents=True)
        for place in range(20):
            pixels = RANDOM.integers(0, 255, (20, 24) if gray else (20, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(Path("pets") / name / f"{place}.png")
    _, data, _ = study("pets")
    assert (data["size"], data["color"]) == (20, "gray" if gray else "rgb")
    with pytest.raises(UserError, match="the folders are the classes"):
        study("pets", ["cats"])


def test_an_archive_of_series() -> None:
    rows = [f"{','.join(f'{value:.3f}' for value in RANDOM.normal(size=9))}:{'ab'[row % 2]}"
            for row in range(60)]  # fmt: skip
    Path("gestures.ts").write_text(
        "@problemName g\n@univariate true\n@classLabel true a b\n@data\n" + "\n".join(rows) + "\n"
    )
    assert study("gestures.ts")[1]["name"] == "sequences"


def test_names_of_a_file_are_values_and_never_keys() -> None:
    odd = "yes: no # {x}"
    frame = table(**{odd: [0, 1] * 60, "line\nmodel: 3": RANDOM.normal(size=ROWS)})
    frame.to_parquet("rows.parquet")
    _, data, text = study("rows.parquet", [odd])
    assert data["target"] == odd
    assert "\nmodel: 3" not in text


def test_what_is_said_of_reading_stays_in_the_file() -> None:
    prices = [f"{row},5" for row in range(ROWS)]
    pd.DataFrame({"price": prices, "y": [0, 1] * 60}).to_csv("rows.csv", index=False, sep=";")
    assert study("rows.csv", ["y"], None, ["data.decimal=','"])[1]["decimal"] == ","


def test_nothing_that_is_no_data() -> None:
    with pytest.raises(UserError, match="no such file of data, script or preset"):
        study("nothing.yaml")


@pytest.mark.parametrize(
    ("rows", "size"), [(5, 1), (19, 1), (20, 2), (40, 4), (640, 64), (10**6, 256)]
)
def test_the_batch_size_gives_ten_steps(rows: int, size: int) -> None:
    assert batch_size_for(rows) == size


@pytest.mark.parametrize(
    ("rows", "size", "epochs"), [(40, 4, 40), (3000, 256, 40), (10**5, 256, 10)]
)
def test_few_rows_are_given_more_epochs(rows: int, size: int, epochs: int) -> None:
    assert epochs_for(rows, size) == epochs


def test_comments_stay_comments_and_names_are_names() -> None:
    text = commented("a\nb: \x1b[31m " + "word " * 40)
    assert all(line.startswith("# ") and len(line) <= 100 for line in text.splitlines())
    assert "\x1b" not in text
    assert [name_of(Path(name)) for name in ("Data (1).csv", "über", "/", "a.csv.gz")] == [
        "data-1", "ber", "study", "a",
    ]  # fmt: skip


def test_targets_that_miss_values_are_told_by_the_others() -> None:
    assert target_task(np.array([1.0, 2.0, np.nan]), "y")[0] == "classification"
