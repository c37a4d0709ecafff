"""How rows are divided, on few rows."""

import itertools

import numpy as np
import pytest

from lightning_modules.data.preparation.splitting import Division, divide_rows, refuse_unused
from lightning_modules.errors import DataError

SHARES = {"validation": 0.2, "test": 0.2, "split_seed": 0, "where": "rows.csv"}


def parts(division: Division) -> list[list[int]]:
    return [rows.tolist() for rows in division]


def test_every_row_is_in_one_part_and_classes_have_the_same_shares() -> None:
    classes = np.array(["a"] * 20 + ["b"] * 10)
    division = divide_rows(30, classes=classes, **SHARES)
    assert sorted(itertools.chain(*parts(division))) == list(range(30))
    assert [(classes[rows] == "b").sum() for rows in division] == [6, 2, 2]
    assert parts(divide_rows(30, classes=classes, **SHARES)) == parts(division)
    assert parts(divide_rows(30, classes=classes, **{**SHARES, "split_seed": 1})) != parts(division)


def test_a_column_can_say_the_part_of_every_row() -> None:
    said = ["train", "Test", "val", "train"]
    assert parts(divide_rows(4, said=said, **SHARES)) == [[0, 3], [2], [1]]


def test_groups_stay_together() -> None:
    groups = np.repeat(np.arange(10), 3)
    for rows in divide_rows(30, groups=groups, **SHARES):
        assert len(rows) == 3 * len(set(groups[rows]))


def test_groups_of_one_class_each_are_stratified() -> None:
    groups = np.repeat(np.arange(10), 3)
    classes = np.where(groups < 5, "a", "b")
    division = divide_rows(30, groups=groups, classes=classes, **SHARES)
    assert [sorted(set(classes[rows])) for rows in division] == [["a", "b"]] * 3


def test_time_trains_on_the_past_and_equal_moments_stay_together() -> None:
    times = [9, 0, 1, 2, 3, 4, 5, 6, 6, 6]
    division = divide_rows(10, times=times, **SHARES)
    moments = [[times[row] for row in rows] for rows in parts(division)]
    assert max(moments[0]) < min(moments[1]) and max(moments[1]) < min(moments[2])
    assert sorted(itertools.chain(*parts(division))) == list(range(10))


@pytest.mark.parametrize("how", ["at random", "groups", "times", "said"])
def test_a_part_with_a_file_of_its_own_takes_no_rows(how: str) -> None:
    labels = np.array(["a", "b"] * 5)
    said = {"validation": ["train"] * 8 + ["test"] * 2, "test": ["train"] * 8 + ["val"] * 2}
    given: dict[str, object] = {"groups": {"groups": range(10)}, "times": {"times": range(10)}}.get(
        how, {}
    )
    for apart, other in (("validation", "test"), ("test", "validation")):
        if how == "said":
            given = {"said": said[apart]}
        division = divide_rows(10, classes=labels, **given, **{**SHARES, apart: 0.0})._asdict()
        assert (len(division[apart]), len(division[other])) == (0, 2)
        assert sorted([*division["train"], *division[other]]) == list(range(10))
    whole = divide_rows(10, **{**SHARES, "validation": 0.0, "test": 0.0})
    assert parts(whole) == [list(range(10)), [], []]


def test_a_column_that_names_a_part_with_a_file_of_its_own_is_refused() -> None:
    message = "row 3: the split column says test, but data.test_path names a file for that part"
    with pytest.raises(DataError, match=message):
        divide_rows(3, said=["train", "val", "test"], **{**SHARES, "test": 0.0})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"said": ["train", "other", "val"]}, "rows.csv: row 2: 'other' is no part"),
        ({"said": ["train", "train", "val"]}, "rows.csv: the test part would be empty"),
        ({"groups": [1, 1, 2]}, "rows.csv: 2 groups cannot fill three parts"),
        ({"classes": ["a", "a", "b"]}, "rows.csv: class 'b' has 1 rows"),
        ({"times": [1, 1, 1]}, "rows.csv: the validation part would be empty"),
        ({"times": [1, 2, 3], "groups": [1, 2, 3]}, "data.group and data.time do not go together"),
    ],
)
def test_what_cannot_be_divided_is_said(given: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        divide_rows(3, **given, **SHARES)  # type: ignore[arg-type]


DEFAULTS = {"validation": 0.2, "test": 0.2, "split_seed": 0, "stratify": True}
FILE = {"test": "data.test_path"}
BOTH = {"validation": "data.validation_path", **FILE}


@pytest.mark.parametrize(
    ("given", "own", "column", "other"),
    [
        ({"validation": 0.4}, {}, "split_column", "data.split_column"),
        ({"stratify": False}, {}, "split_column", "data.split_column"),
        ({"test": 0.4}, FILE, None, "data.test_path"),
        ({"split_seed": 1}, BOTH, None, "data.test_path"),
        ({"split_seed": 1}, {}, "time", "data.time"),
        ({"stratify": False}, {}, "time", "data.time"),
    ],
)
def test_a_parameter_that_would_divide_nothing_is_refused(
    given: dict[str, object], own: dict[str, str], column: str | None, other: str
) -> None:
    refuse_unused(DEFAULTS, own, column)
    with pytest.raises(DataError) as caught:
        refuse_unused({**DEFAULTS, **given}, own, column)
    (name,) = given
    assert str(caught.value) == f"data.{name} and {other} do not go together; keep one"


@pytest.mark.parametrize(
    ("given", "own", "column"),
    [({"validation": 0.4, "split_seed": 1}, FILE, None), ({"test": 0.4}, {}, "time")],
)
def test_a_parameter_that_divides_is_not_refused(
    given: dict[str, object], own: dict[str, str], column: str | None
) -> None:
    refuse_unused({**DEFAULTS, **given}, own, column)
