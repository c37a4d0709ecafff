"""Several targets: values in units of their own, and labels of which a row may have several."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lightning_modules.data.preparation.summary import summary_lines
from lightning_modules.data.table import load_data
from tests.support.data_sets import refusal, summary_of

NUMBERS = np.arange(20.0)
ROWS = pd.DataFrame(
    {
        "a": NUMBERS,
        "price": 1000 * NUMBERS,
        "size": NUMBERS**2,
        "hot": [0, 1] * 10,
        "wet": [0, 0, 1, 1] * 5,
        "tags": ["|", "hot", "wet", "hot| wet "] * 5,
        "name": ["x", "y"] * 10,
    }
)
ONLY_A = ["price", "size", "hot", "wet", "tags", "name"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are named from the current folder."""
    monkeypatch.chdir(tmp_path)
    ROWS.to_csv("rows.csv", index=False)


def parameters(target: Any, **given: Any) -> dict[str, Any]:
    named = [target] if isinstance(target, str) else target
    drop = [name for name in ONLY_A if name not in named]
    return {"path": "rows.csv", "target": target, "drop": drop, **given}


def data(target: Any, **given: Any) -> Any:
    return load_data("table", **parameters(target, **given))


# Values


def test_values_stay_in_their_units_and_each_has_a_scale_of_its_own() -> None:
    table = data(["price", "size"], task="regression", standardize=False)
    splits = table.splits
    assert (splits.outputs, splits.values, splits.classes) == (2, ("price", "size"), ())
    wanted = torch.stack([1000 * splits.train[0][:, 0], splits.train[0][:, 0] ** 2], 1)
    torch.testing.assert_close(splits.train[1], wanted)
    mean, scale = table.target_scaling
    torch.testing.assert_close(mean, wanted.mean(0))
    torch.testing.assert_close(scale, wanted.std(0, correction=0))
    assert (table.task, table.class_weights) == ("regression", None)


def test_batches_have_a_column_for_every_target() -> None:
    _, targets = next(iter(data(["price", "size"], task="regression").train_dataloader()))
    assert (targets.dtype, targets.shape) == (torch.float32, (12, 2))


def test_the_values_are_named_where_it_is_said_what_the_data_became() -> None:
    found = summary_of("table", **parameters(["price", "size"], task="regression"))
    assert "  values: price, size; each is learned on a scale of its own" in summary_lines(found)


def test_a_list_of_one_is_what_its_name_is() -> None:
    alone, listed = (data(each, task="regression").splits for each in ("price", ["price"]))
    assert torch.equal(alone.train[1], listed.train[1]) and listed.values == ()


def test_a_value_that_never_changes_is_named() -> None:
    ROWS.assign(size=3).to_csv("rows.csv", index=False)
    said = refusal("table", **parameters(["price", "size"], task="regression"))
    assert "column size is 3 in every row; there is nothing to learn" in said


def test_rows_that_miss_one_of_the_targets_are_left_out() -> None:
    rows = ROWS.astype({"price": "object"})
    rows.loc[2, "price"], rows.loc[[2, 5], "size"] = "NA", None
    rows.to_csv("rows.csv", index=False)
    given = parameters(["price", "size"], task="regression")
    assert "column price, line 4: is missing; fill it in" in refusal("table", **given)
    found = summary_of("table", **given, missing_targets="drop")
    assert sum(found.rows.values()) == 18
    assert [note.split(":")[1] for note in found.notices[:2]] == [" column price", " column size"]


def test_texts_and_series_have_several_values_too() -> None:
    frame = pd.DataFrame({"t": ["good film", "bad film"] * 10, "u": NUMBERS, "v": -NUMBERS})
    frame.to_csv("texts.csv", index=False)
    splits = load_data(
        "text", path="texts.csv", text="t", target=["u", "v"], task="regression"
    ).splits
    assert torch.equal(splits.train[-1][:, 0], -splits.train[-1][:, 1])
    steps = pd.DataFrame(
        [(s, t, s + t, s, 2.0 * s) for s in range(20) for t in range(3)],
        columns=["series", "time", "c", "u", "v"],
    )
    steps.to_csv("steps.csv", index=False)
    splits = load_data("sequences", path="steps.csv", target=["u", "v"], task="regression").splits
    assert torch.equal(2 * splits.train[-1][:, 0], splits.train[-1][:, 1])
    assert (splits.values, splits.preparation["channels"]) == (("u", "v"), ["c"])


def test_values_of_a_second_file_are_written_as_those_of_the_first() -> None:
    said = ROWS.assign(price=[f"{n},5" for n in range(20)], size=[f"{n} m" for n in range(20)])
    said.to_csv("rows.csv", index=False, sep=";")
    said[:5].to_csv("test.csv", index=False, sep=";")
    splits = data(["price", "size"], task="regression", decimal=",", test_path="test.csv").splits
    assert splits.test[1].tolist() == [[0.5, 0], [1.5, 1], [2.5, 2], [3.5, 3], [4.5, 4]]


# Labels


def test_columns_of_0_and_1_are_labels_of_which_a_row_has_any() -> None:
    table = data(["hot", "wet"], task="multilabel", standardize=False)
    splits = table.splits
    assert (splits.outputs, splits.classes, table.task) == (2, ("hot", "wet"), "multilabel")
    assert table.target_scaling is None
    rows = splits.train[0][:, 0].long()
    assert splits.train[1].tolist() == [[row % 2, row % 4 // 2] for row in rows.tolist()]


@pytest.mark.parametrize("words", [(True, False), ("true", "False"), ("1.0", "0"), (1.0, 0.0)])
def test_true_and_false_are_1_and_0(words: tuple[Any, Any]) -> None:
    wanted = data(["hot", "wet"], task="multilabel").splits.train[1]
    yes, no = words
    ROWS.assign(hot=[no, yes] * 10).to_csv("rows.csv", index=False)
    assert torch.equal(data(["hot", "wet"], task="multilabel").splits.train[1], wanted)


def test_a_column_may_name_all_labels_of_a_row() -> None:
    named = data("tags", task="multilabel", label_separator="|").splits
    columns = data(["hot", "wet"], task="multilabel").splits
    assert named.classes == columns.classes
    assert torch.equal(named.train[1], columns.train[1])


def test_labels_are_counted_and_their_division_is_told() -> None:
    given = parameters("tags", task="multilabel", label_separator="|")
    lines = summary_lines(summary_of("table", **given))
    assert "  labels: hot 10 (50.0%), wet 10 (50.0%)" in lines
    assert any("a row may have several labels, so that rows are not stratified" in x for x in lines)


def test_a_label_that_the_training_part_lacks_is_warned_of() -> None:
    rare = [1 if row in (3, 4) else 0 for row in range(20)]
    part = ["test" if row in (3, 4) else ["train", "train", "val"][row % 3] for row in range(20)]
    ROWS.assign(wet=rare, part=part).to_csv("rows.csv", index=False)
    given = parameters(["hot", "wet"], task="multilabel", split_column="part")
    [warning] = [each for each in summary_of("table", **given).warnings if "label" in each]
    assert "no row of the training part has the label wet, which nothing can learn" in warning


def test_a_label_with_one_row_is_named_or_left_out_and_its_row_stays() -> None:
    ROWS.assign(wet=[0] * 6 + [1] + [0] * 13).to_csv("rows.csv", index=False)
    given = parameters(["hot", "wet"], task="multilabel")
    assert "a class with one row, 'wet' in line 8" in refusal("table", **given)
    ROWS.assign(tags=["hot|lone"] + ["wet", "hot"] * 9 + ["wet"]).to_csv("rows.csv", index=False)
    given = parameters("tags", task="multilabel", label_separator="|", rare_classes="drop")
    found = summary_of("table", **given)
    assert ([*found.classes], sum(found.rows.values())) == (["hot", "wet"], 20)


def test_a_label_of_every_row_or_of_none_teaches_nothing() -> None:
    for value, where in ((0, "no row"), (1, "every row")):
        ROWS.assign(wet=value).to_csv("rows.csv", index=False)
        said = refusal("table", **parameters(["hot", "wet"], task="multilabel"))
        assert f"label 'wet' is in {where}; there is nothing to learn" in said


def test_an_unknown_label_of_another_file_is_named() -> None:
    ROWS.assign(tags="hot|dry").to_csv("test.csv", index=False)
    given = parameters("tags", task="multilabel", label_separator="|", test_path="test.csv")
    assert "test.csv: column tags: label 'dry' is in no row of the main file" in refusal(
        "table", **given
    )


def test_arrays_and_archives_of_series_have_labels_in_columns() -> None:
    labels = ROWS[["hot", "wet"]].to_numpy()
    np.savez("rows.npz", x=NUMBERS[:, None, None] * np.ones((1, 2, 1)), y=labels)
    series = load_data("sequences", path="rows.npz", task="multilabel").splits
    assert (series.classes, series.train[-1].shape) == (("1", "2"), (12, 2))
    assert "2 targets cannot be a classification; they hold 0 and 1" in refusal(
        "sequences", path="rows.npz"
    )
    np.savez("rows.npz", x=NUMBERS[:, None], y=labels)
    assert load_data("arrays", path="rows.npz", task="multilabel").splits.classes == ("1", "2")
    said = refusal("arrays", path="rows.npz")
    assert "or task: multilabel where a row has several labels of 0 and 1" in said


# What several targets are is recognized, and named where they cannot be


REFUSED: dict[str, tuple[list[str], str, str]] = {
    "labels": (["hot", "wet"], "", "they hold 0 and 1, so write task: multilabel"),
    "values": (["price", "hot"], "", "they hold numbers, so write task: regression"),
    "a mixture": (["price", "name"], "", "they hold different things (price numbers, name texts)"),
    "texts": (["tags", "name"], "", "they hold texts, which only a single target may"),
    "a text among values": (
        ["price", "name"], "regression", "column name, line 2: 'x' is no finite number"
    ),
    "a value among labels": (
        ["hot", "price"], "multilabel", "column price, line 3: '1000' is neither 0 nor 1"
    ),
    "an unknown one": (["price", "siz"], "regression", "no column 'siz', which data.target names"),
}  # fmt: skip


def test_mistakes_of_every_target_are_told_at_once() -> None:
    wrong = ROWS.assign(price=["much", *ROWS["price"][1:]], size=[*ROWS["size"][:-1], "large"])
    wrong.to_csv("rows.csv", index=False)
    said = refusal("table", **parameters(["price", "size"], task="regression"))
    assert "column price, line 2: 'much' is no finite number" in said
    assert "column size, line 21: 'large' is no finite number" in said
    wrong.replace({"much": None, "large": None}).to_csv("rows.csv", index=False)
    said = refusal("table", **parameters(["price", "size"], task="regression"))
    assert "column price, line 2: is missing" in said
    assert "column size, line 21: is missing" in said


@pytest.mark.parametrize(("target", "task", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_several_targets_cannot_be_is_said_in_one_sentence(
    target: list[str], task: str, reason: str
) -> None:
    given = {"task": task} if task else {}
    said = refusal("table", **parameters(target, **given))
    assert reason in said and "\n" not in said
