"""What columns of dates, of numbers written as texts, and words for missing values become."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lightning_modules.data.table import DATASETS, load_data
from lightning_modules.errors import DataError

ROW = DATASETS["table"]
SAID = ["train"] * 6 + ["validation"] * 2 + ["test"] * 2


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are named from the current folder."""
    monkeypatch.chdir(tmp_path)


def repeated(values: list[Any]) -> list[Any]:
    return (values * 10)[:10]


def write(values: list[Any], name: str = "rows.csv", **columns: Any) -> None:
    """Ten rows with the values in column x, again and again."""
    frame = pd.DataFrame({"x": repeated(values), "part": SAID, "y": ["a", "b"] * 5, **columns})
    if name.endswith(".parquet"):
        frame.to_parquet(name)
    else:
        frame.to_csv(name, index=False)


def splits(path: str = "rows.csv", **given: Any) -> Any:
    chosen = {"target": "y", "split_column": "part", "standardize": False, **given}
    return load_data("table", path=path, **chosen).splits


def seen(part: str = "train", path: str = "rows.csv", **given: Any) -> list[list[float]]:
    """What a network sees of a part."""
    found: list[list[float]] = getattr(splits(path, **given), part)[0].tolist()
    return found


def new(values: list[Any], path: str = "new.csv", **given: Any) -> list[list[float]]:
    """What a network that learned from rows.csv sees of new rows."""
    frame = pd.DataFrame({"x": values})
    if path.endswith(".parquet"):
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    assert ROW.read_new is not None
    preparation = json.loads(json.dumps(splits(**given).preparation))
    parameters = {**ROW.defaults(), "path": "rows.csv", "target": "y", **given}
    found: list[list[float]] = ROW.read_new(path, preparation, **parameters)[0].tolist()
    return found


def refusal(path: str = "rows.csv", **given: Any) -> str:
    assert ROW.check is not None
    chosen = {**ROW.defaults(), "path": path, "target": "y", "split_column": "part", **given}
    with pytest.raises(DataError) as caught:
        ROW.check(**chosen)
    return str(caught.value)


# Dates

ISO = ["2024-02-29", "2024-12-31"]
"""A Thursday and a Tuesday, 306 days later."""


def dated(days: list[str]) -> list[list[float]]:
    write(days)
    return seen()[:2]


@pytest.mark.parametrize(
    "days",
    [
        ISO,
        ["2024/02/29", "2024/12/31"],
        ["29/02/2024", "31/12/2024"],
        ["02/29/2024", "12/31/2024"],
        ["29.2.2024", "31.12.2024"],
        ["29-02-2024", "31-12-2024"],
        ["29-Feb-2024", "31-Dec-2024"],
        ["Thu Feb 29 2024", "Tue Dec 31 2024"],
        ["Thursday, 29 February 2024", "Tuesday, 31 December 2024"],
        ["29/02/2024", "31/12/2024 00:00"],
        ["29/02/2024 00:00:00", "31/12/2024 00:00"],
        ["29 February 2024", "31 December 2024"],
        ["Feb 29, 2024", "Dec 31, 2024"],
        ["2024-02-29 00:00:00", "2024-12-31 00:00:00"],
        ["2024-02-29T00:00Z", "2024-12-31T00:00Z"],
    ],
)
def test_dates_become_year_month_weekday_and_the_days_since_the_first(days: list[str]) -> None:
    assert dated(days) == [[2024, 2, 3, 0], [2024, 12, 1, 306]]


@pytest.mark.parametrize(
    "moments",
    [
        ["2024-02-29 18:30", "2024-03-01 00:30"],
        ["2024-02-29T18:30:00.000", "2024-03-01T00:30:00.000"],
        ["29/02/2024 18:30", "01/03/2024 00:30"],
        ["02/29/2024 6:30 PM", "03/01/2024 12:30 AM"],
        ["2024-02-29 18:30:00+02:00", "2024-03-01 00:30:00+0200"],
    ],
)
def test_times_add_the_hour_that_the_clock_says(moments: list[str]) -> None:
    assert dated(moments) == [[2024, 2, 3, 18, 0], [2024, 3, 4, 0, 0.25]]


@pytest.mark.parametrize("months", [["Feb 2024", "Dec 2024"], ["2024-02", "2024-12"]])
def test_months_are_dates(months: list[str]) -> None:
    assert dated(months) == [[2024, 2, 3, 0], [2024, 12, 6, 304]]


def test_zones_count_in_what_has_elapsed_and_not_in_the_hour() -> None:
    assert dated(["2024-10-27 02:30+02:00", "2024-10-27 02:30+01:00"]) == [
        [2024, 10, 6, 2, 0],
        [2024, 10, 6, 2, pytest.approx(1 / 24)],
    ]


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_dates_of_parquet_are_as_those_of_csv(zone: str | None) -> None:
    moments = pd.to_datetime(repeated(["2024-02-29 18:30", "2024-03-01 00:30"])).tz_localize(zone)
    write(list(moments), "rows.parquet")
    assert seen(path="rows.parquet")[:2] == [[2024, 2, 3, 18, 0], [2024, 3, 4, 0, 0.25]]
    write([moment.date() for moment in moments], "rows.parquet")
    assert seen(path="rows.parquet")[:2] == [[2024, 2, 3, 0], [2024, 3, 4, 1]]


@pytest.mark.parametrize(
    ("days", "forms"),
    [
        (["05/06/2024", "07/08/2024"], ["%d/%m/%Y", "%m/%d/%Y"]),
        (["5.6.2024 10:00", "7.8.2024 11:00"], ["%d.%m.%Y %H:%M", "%m.%d.%Y %H:%M"]),
    ],
)
def test_dates_that_may_be_two_days_are_named_with_the_option(
    days: list[str], forms: list[str]
) -> None:
    write(days)
    first, second = (f"dates: {{x: '{form}'}}" for form in forms)
    assert refusal() == (
        f"rows.csv: column x, line 2: {days[0]!r} may be 2024-06-05 or 2024-05-06; write {first} "
        f"or {second}"
    )
    june, may = (seen(dates={"x": form})[0][:3] for form in forms)
    assert (june, may) == ([2024, 6, 2], [2024, 5, 0])


def test_years_of_two_digits_are_named() -> None:
    write(["29/02/24", "31/12/24"])
    assert refusal() == (
        "rows.csv: column x, line 2: '29/02/24' has a year of two digits; write dates: {x: "
        "'%d/%m/%y'} or dates: {x: '%y/%m/%d'}, or years of four digits"
    )
    assert seen(dates={"x": "%d/%m/%y"})[:2] == [[2024, 2, 3, 0], [2024, 12, 1, 306]]


def test_numbers_are_dates_where_the_option_says_so() -> None:
    write([20240229, 20241231])
    assert seen(dates={"x": "%Y%m%d"})[:2] == [[2024, 2, 3, 0], [2024, 12, 1, 306]]
    write([20240229, "soon"])
    assert refusal(dates={"x": "%Y%m%d"}) == (
        "rows.csv: column x, line 3: 'soon' is no date written as 20241231 (%Y%m%d) (and line 5, "
        "line 7, line 9, line 11); write it so, or leave it empty"
    )


def test_dates_with_something_else_among_them_are_named() -> None:
    write([*ISO, *ISO, "soon"])
    assert refusal() == (
        "rows.csv: column x is mostly dates, but line 6 says 'soon' (and line 11); clean it, "
        "write missing: ['soon'] where it means missing, or list the column in categorical"
    )
    assert seen(missing=["soon"])[4][-1] == 1


def test_new_dates_are_read_as_those_of_the_training_and_a_missing_one_is_said_once() -> None:
    write(["29/02/2024", "31/12/2024", None, "NA"])
    assert seen()[:3] == [
        [2024, 2, 3, 0, 0],
        [2024, 12, 1, 306, 0],
        [2024, 7, 2, 153, 1],
    ]
    assert new(["03/04/2025", ""])[0] == [2025, 4, 3, 399, 0]
    with pytest.raises(DataError, match=r"line 2: '2025-04-03' is no date written as 31/12/2024"):
        new(["2025-04-03"])
    assert new([pd.Timestamp("2025-04-03")], "new.parquet") == [[2025, 4, 3, 399, 0]]


def test_a_listed_column_of_dates_stays_categories() -> None:
    write(ISO)
    assert seen(categorical=["x"])[:2] == [[1, 0], [0, 1]]


def test_rows_are_divided_by_dates_of_any_form() -> None:
    days = [f"{day:02}/01/2024" for day in range(20, 10, -1)]
    write([*range(10)], when=days)
    found = splits(split_column=None, time="when", drop=["part"])
    assert found.test[0].tolist() == [[0], [1]]
    days = [f"{day:02}/01/2024" for day in range(10, 0, -1)]
    write([*range(10)], when=days)
    assert "may be 2024-01-10 or 2024-10-01; write dates: {when: '%d/%m/%Y'}" in refusal(
        split_column=None, time="when", drop=["part"]
    )
    given = {"split_column": None, "time": "when", "drop": ["part"]}
    assert splits(**given, dates={"when": "%d/%m/%Y"}).test[0].tolist() == [[0], [1]]


def test_many_days_are_a_handful_of_columns() -> None:
    moments = pd.date_range("2024-01-01", periods=6922, freq="h")
    frame = pd.DataFrame({"x": moments.astype(str), "y": np.arange(6922) % 2})
    frame.to_csv("rows.csv", index=False)
    found = load_data("table", path="rows.csv", target="y").splits
    assert found.train[0].shape[1] == 5
    assert found.train[0].dtype.itemsize == 4


# Categories


def test_rare_levels_share_one_that_unseen_ones_have_too() -> None:
    levels = [f"c{number:03}" for number in range(150)]
    often = levels[:99] * 4 + levels[99:]
    rows = len(often)
    part = ["train"] * rows + ["validation", "test"]
    frame = pd.DataFrame({"x": [*often, "c000", "new"], "part": part, "y": np.arange(rows + 2) % 2})
    frame.to_csv("rows.csv", index=False)
    found = splits(categorical=["x"])
    train = found.train[0].numpy()
    assert train.shape == (rows, 100)
    assert (train.sum(axis=1) == 1).all()
    assert train.sum(axis=0).tolist() == [4] * 99 + [51]
    assert found.test[0][0].nonzero().tolist() == [[99]]
    embedded = splits(categorical=["x"], categories="embedding")
    assert embedded.input_embedding["sizes"] == [151]


# Numbers


@pytest.mark.parametrize(
    ("written", "values"),
    [
        (["1,5", "2,25"], [1.5, 2.25]),
        (["1.234,5", "1.234"], [1234.5, 1234]),
        (["1,234.5", "12"], [1234.5, 12]),
        (["1,234,567", "1,234"], [1234567, 1234]),
        (["1 234,5", "7"], [1234.5, 7]),
        (["1\u00a0234", "5"], [1234, 5]),
        (["1'234.5", "5"], [1234.5, 5]),
        (["0,125", "0,250"], [0.125, 0.25]),
        (["87%", "3.5 %"], [87, 3.5]),
        (["$45", "$1,200.50"], [45, 1200.5]),
        (["-$45", "$-3"], [-45, -3]),
        (["45 €", "1.200,50 €"], [45, 1200.5]),
        (["EUR 45", "EUR 50"], [45, 50]),
        (["130 hp", "95 hp"], [130, 95]),
        (["10 km/h", "12 km/h"], [10, 12]),
        (["\u22125", "5"], [-5, 5]),
        (["1e3 m", "2 m"], [1000, 2]),
        (["($45)", "$30"], [-45, 30]),
        (["1,23,456", "45"], [123456, 45]),
    ],
)
def test_numbers_that_are_written_as_texts_are_numbers(
    written: list[str], values: list[float]
) -> None:
    write(written)
    assert seen()[:2] == [[value] for value in values]
    write(written, "rows.parquet")
    assert seen(path="rows.parquet")[:2] == [[value] for value in values]
    assert new([written[1]]) == [[values[1]]]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (
            ["1,234", "45"],
            "line 2: '1,234' may be 1.234 or 1234; write decimal: ',' or thousands: ','",
        ),
        (
            ["$1.234", "$45"],
            "line 2: '$1.234' may be 1.234 or 1234; write decimal: '.' or thousands: '.'",
        ),
    ],
)
def test_numbers_that_may_be_two_are_named_with_the_options(
    written: list[str], message: str
) -> None:
    write(written)
    assert refusal() == f"rows.csv: column x, {message}"
    sign = message[-2]
    assert seen(decimal=sign)[:2] == [[pytest.approx(1.234)], [45]]
    assert seen(thousands=sign)[:2] == [[1234], [45]]


def test_the_options_decide_where_numbers_look_plain() -> None:
    write(["1.234", "2.500"])
    assert seen()[:2] == [[pytest.approx(1.234)], [2.5]]
    assert seen(thousands=".")[:2] == [[1234], [2500]]
    assert seen(decimal=",")[:2] == [[1234], [2500]]
    assert new(["3.500"], decimal=",") == [[3500]]
    write(["1.5", "2.25"])
    assert seen(decimal=",")[:2] == [[1.5], [2.25]]  # they cannot be anything else


def test_one_sign_cannot_be_both() -> None:
    write(["1,5"])
    assert refusal(decimal=",", thousands=",") == (
        "data.decimal and data.thousands are both ','; they cannot be the same"
    )


def test_different_units_are_no_numbers_and_a_missing_one_is_named() -> None:
    write(["1st", "2nd", "3rd"])
    assert seen()[:3] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    write(["130 hp", "95 hp", "80"])
    assert refusal().startswith("rows.csv: column x is mostly numbers, but line 4 says '80' ")


def test_values_to_predict_may_be_written_as_texts() -> None:
    write([1, 2, 3], y=[f"$1,{100 + row}.50" for row in range(10)])
    found = splits(task="regression")
    assert found.train[1][:2].tolist() == [[1100.5], [1101.5]]
    write([1, 2, 3], y=[f"1,{100 + row}" for row in range(10)])
    assert "may be 1.1 or 1100; write decimal: ','" in refusal(task="regression")
    assert splits(task="regression", thousands=",").train[1][0].tolist() == [1100]


def test_values_of_a_part_with_a_file_of_its_own_are_written_as_those_of_the_main_file() -> None:
    frame = pd.DataFrame(
        {"x": ["1.234,5", "1.234"] * 5, "y": [f"1.{row}00,5" for row in range(10)]}
    )
    frame.to_csv("rows.csv", index=False)
    pd.DataFrame({"x": ["2.345"] * 2, "y": ["1.234", "2.345"]}).to_csv("own.csv", index=False)
    found = splits(task="regression", split_column=None, test_path="own.csv").test
    assert (found[0].tolist(), found[1].tolist()) == ([[2345], [2345]], [[1234], [2345]])


# Words


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_words_for_missing_are_missing_among_numbers_and_values_among_texts(name: str) -> None:
    write(["1", "NA", "3", "?", "5", "none"], name)
    assert seen(path=name) == [[1, 0], [3, 1], [3, 0], [3, 1], [5, 0], [3, 1]]
    write(["red", "NA", "None"], name)
    assert seen(path=name)[:3] == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]  # NA, None, red
    assert seen(path=name, missing=["NA", "None"])[:3] == [[0, 1], [1, 0], [1, 0]]
    write(["red", None, "  "], name)
    assert seen(path=name)[:3] == [[0, 1], [1, 0], [1, 0]]


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_words_for_missing_are_classes(name: str) -> None:
    write([1, 2], name, y=["NA", "None"] * 5)
    assert splits(name).classes == ("NA", "None")
    place = "line 2" if name.endswith(".csv") else "row 1"
    assert refusal(name, missing=["NA"]) == (
        f"{name}: column y, {place}: is missing (5 rows in all); fill it in, or write "
        "missing_targets: drop, which leaves such rows out"
    )


def test_a_number_may_mean_missing() -> None:
    write([1, -999, 3])
    assert seen(missing=["-999"])[:3] == [[1, 0], [2, 1], [3, 0]]


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_labels_lose_their_spaces_and_keep_their_zeros(name: str) -> None:
    write([1, 2], name, y=["01", "1 ", " 01", "1", "01"] * 2)
    assert splits(name).classes == ("01", "1")
    write([1, 2], name, y=["yes", "no ", " yes", "no", "yes "] * 2)
    assert splits(name).classes == ("no", "yes")


def test_levels_that_a_model_of_before_has_learned_are_found() -> None:
    frame = pd.DataFrame({"x": ["red", "NA", "", "blue"]})
    frame.to_csv("new.csv", index=False)
    assert ROW.read_new is not None
    category = {"name": "x", "values": ["", " red", "blue"]}
    preparation = {"numbers": [], "categories": [category], "embedded": False}
    (found,) = ROW.read_new("new.csv", preparation, categorical=[])
    assert found.tolist() == [[0, 1, 0], [1, 0, 0], [1, 0, 0], [0, 0, 1]]
