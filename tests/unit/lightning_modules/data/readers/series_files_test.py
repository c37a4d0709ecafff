"""Files of series as the UCR/UEA archive has them: gaps, timestamps, classes first, ARFF."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightning_modules.data.readers.series.gaps import SeriesFile
from lightning_modules.data.readers.series.ts_file import read_ts
from lightning_modules.data.readers.series.ucr_files import read_arff_series, read_class_first
from lightning_modules.data.readers.tables.form import FileForm
from lightning_modules.data.readers.tables.source import Source
from lightning_modules.data.table import DATASETS
from lightning_modules.errors import DataError

HEAD = "@problemName x\n@timestamps {timed}\n@missing {missing}\n@classLabel true a b\n@data\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are named from the current folder."""
    monkeypatch.chdir(tmp_path)


def ts(*lines: str, timed: bool = False, missing: bool = False, **given: Any) -> SeriesFile:
    head = HEAD.format(timed=str(timed).lower(), missing=str(missing).lower())
    Path("a.ts").write_text(head + "\n".join(lines))
    return read_ts("a.ts", **given)


def channel(found: SeriesFile, series: int = 0, at: int = 0) -> list[float]:
    return [float(value) for value in found.rows[series][:, at]]


def refusal(read: Any, *given: Any, **more: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(*given, **more)
    return str(caught.value)


def test_gaps_that_the_header_announces_lie_between_their_neighbours() -> None:
    found = ts("1,?,3,NaN,nan,9:?,5,5,5,5,?:a", "1,2,3:4,5,6:b", missing=True)
    assert channel(found) == [1, 2, 3, 5, 7, 9]
    assert channel(found, at=1) == [5] * 6
    assert found.notices == ("5 missing values in 1 series are filled in between their neighbours",)


def test_gaps_that_nobody_announced_are_all_named() -> None:
    lines = ("1,?,3:a", "1,2,3:b", "?,?,3:a")
    assert refusal(ts, *lines) == (
        "a.ts: line 6: channel 1, value 2: is missing; fill it in, or write interpolate: true\n"
        "a.ts: line 8: channel 1, value 1: is missing (1 more in this series); fill it in, "
        "or write interpolate: true"
    )
    assert channel(ts(*lines, interpolate=True)) == [1, 2, 3]
    assert "line 6: channel 1, value 2: is missing" in refusal(
        ts, *lines, missing=True, interpolate=False
    )


def test_missing_steps_at_the_end_are_the_end_and_empty_channels_are_named() -> None:
    assert channel(ts("1,2,?,?:a", "1,2,3,4:b")) == [1, 2]
    assert refusal(ts, "1,2:?,?:a", missing=True) == (
        "a.ts: line 6: channel 2 has no value; remove the series or the channel"
    )
    assert "a.ts: line 6: has no value" in refusal(ts, "?,?:a", missing=True)


def test_all_lines_that_are_wrong_are_named() -> None:
    assert refusal(ts, "1,2:a", "", "1,x:a", "1,2:c", "1,2:1,2:b").splitlines() == [
        "a.ts: line 8: channel 1, value 2: 'x' is no finite number; correct it, or write ? where "
        "it is missing",
        "a.ts: line 9: label 'c' is none of @classLabel (a, b); correct one of them",
        "a.ts: line 10: has 2 channels, and the first series 1; give each as many",
    ]


def test_timestamps_order_the_steps() -> None:
    found = ts(
        "(2007-01-01 00:02:00,3),(2007-01-01 00:00:00,1.5),(2007-01-01 00:01:00,2):a",
        "(10,3),(2,1),(9,2):b",
        timed=True,
    )
    assert channel(found) == [1.5, 2, 3] and channel(found, 1) == [1, 2, 3]
    assert found.targets == ["a", "b"] and "timestamps order the steps" in found.notices[0]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("(0,1),(1,2):(0,1),(2,2):a", "channel 2 has other times than channel 1; align them"),
        ("(0,1),1:a", "channel 1 is no list such as (time,value),(time,value); write it so"),
        ("(soon,1),(1,2):a", "'soon' is neither a number nor a time such as 2024-03-31 10:00"),
    ],
)
def test_timestamps_that_cannot_be_used_are_named(line: str, said: str) -> None:
    assert refusal(ts, line, timed=True) == f"a.ts: line 6: {said}"


def source(content: str, name: str) -> Source:
    Path(name).write_text(content)
    return Source(Path(name), name)


@pytest.mark.parametrize("sign", ["\t", ",", "   "])
def test_rows_with_their_class_first_are_series(sign: str) -> None:
    lines = [["1.0000000e+00", "0.5", "0.25", "NaN"], ["-1", "1e-3", "2", "3"]]
    held = source("\n".join(sign.join(line) for line in lines), "a.tsv")
    found = read_class_first(held, FileForm(), interpolate=False)
    assert [row[:, 0].tolist() for row in found.rows] == [[0.5, 0.25], [0.001, 2, 3]]
    assert found.targets == ["1", "-1"]


def test_all_rows_that_are_no_series_are_named() -> None:
    held = source("1\t0.5\t2\n?\t1\t2\n2\tx\t1\n1\t?\t2\n", "a.tsv")
    assert refusal(read_class_first, held, FileForm(), False).splitlines() == [
        "a.tsv: line 2: has no class at its beginning; write one, or write "
        "missing_targets: drop, which leaves such series out",
        "a.tsv: line 3: value 1: 'x' is no finite number; correct it",
    ]


def test_arff_files_hold_series() -> None:
    attributes = "@relation x\n@attribute a numeric\n@attribute b numeric\n@attribute y {u,v}\n"
    held = source(f"{attributes}@data\n1,2,u\n3,?,v\n", "a.arff")
    found = read_arff_series(held, FileForm(), False)
    assert [row[:, 0].tolist() for row in found.rows] == [[1, 2], [3]]
    assert found.targets == ["u", "v"]
    nested = (
        "@relation x\n@attribute bag relational\n@attribute a numeric\n@attribute b numeric\n"
        "@end bag\n@attribute y {u,v}\n@data\n'1,2\\n3,4',u\n'5,6\\n7,8',v\n"
    )
    found = read_arff_series(source(nested, "a.arff"), FileForm(), False)
    assert [row.tolist() for row in found.rows] == [[[1, 3], [2, 4]], [[5, 7], [6, 8]]]
    twisted = nested.replace("'5,6\\n7,8'", "'5,6\\n7'")
    assert refusal(read_arff_series, source(twisted, "a.arff"), FileForm(), False) == (
        "a.arff: line 9: its channels are not equally long; make them so"
    )


@pytest.mark.parametrize("name", ["a.tsv", "a.ts", "a.arff"])
def test_they_are_sets_of_sequences(name: str) -> None:
    rng = np.random.default_rng(0)
    rows = [(str(place % 2), rng.normal(size=4)) for place in range(20)]
    lines = {
        "a.tsv": ["\t".join([label, *map(str, values)]) for label, values in rows],
        "a.ts": ["@classLabel true 0 1", "@data",
                 *(f"{','.join(map(str, values))}:{label}" for label, values in rows)],
        "a.arff": ["@relation x", *(f"@attribute t{at} numeric" for at in range(4)),
                   "@attribute y {0,1}", "@data",
                   *(",".join([*map(str, values), label]) for label, values in rows)],
    }  # fmt: skip
    Path(name).write_text("\n".join(lines[name]))
    row = DATASETS["sequences"]
    assert row.check is not None
    summary = row.check(**{**row.defaults(), "path": name})
    assert (summary.rows["train"], summary.shape, [*summary.classes]) == (12, (4, 1), ["0", "1"])


def test_long_tables_are_filled_in_where_that_is_asked_for() -> None:
    lines = [f"{series},{time},{'' if time == 1 else time},{series % 2}"
             for series in range(20) for time in range(3)]  # fmt: skip
    Path("a.csv").write_text("\n".join(["series,time,value,target", *lines]))
    row = DATASETS["sequences"]
    assert row.check is not None
    given = {**row.defaults(), "path": "a.csv"}
    assert "a.csv: column value, line 3: is missing (and line 6" in refusal(row.check, **given)
    summary = row.check(**{**given, "interpolate": True})
    assert any("20 missing values in 20 series are filled in" in said for said in summary.notices)
