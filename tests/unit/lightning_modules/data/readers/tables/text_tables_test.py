"""Text files as people have them: their encoding, separators, titles and comments."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lightning_modules.data.columns.cells import origin_of, row_of
from lightning_modules.data.readers.tables.form import FileForm
from lightning_modules.data.readers.tables.read import read_frame
from lightning_modules.errors import DataError

LINES = ["name,height,mass", "Zoë,1.5,60", "Bo,1.75,72.5", "Ann,,81"]
TABLE = {"name": ["Zoë", "Bo", "Ann"], "height": [1.5, 1.75, None], "mass": [60, 72.5, 81]}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are named from the current folder."""
    monkeypatch.chdir(tmp_path)


def write(text: str | Sequence[str], encoding: str = "utf-8", name: str = "a.csv") -> None:
    text = text if isinstance(text, str) else "".join(f"{line}\n" for line in text)
    Path(name).write_bytes(text.encode(encoding))


def read(name: str = "a.csv", **given: Any) -> pd.DataFrame:
    return read_frame(name, form=FileForm.of(given))


def table(frame: pd.DataFrame) -> dict[str, Any]:
    """The columns, with None where a value is missing."""
    return {
        str(name): [None if pd.isna(value) else value for value in frame[name]] for name in frame
    }


def notices(frame: pd.DataFrame) -> str:
    return "\n".join(origin_of(frame).notices)


def refusal(name: str = "a.csv", **given: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(name, **given)
    return str(caught.value)


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", "the text is UTF-16"),
        ("utf-16-le", "the text is UTF-16-LE"),
        ("utf-16-be", "the text is UTF-16-BE"),
        ("utf-32", "the text is UTF-32"),
        ("cp1252", "read as Windows-1252 (line 2: 'Zoë,1.5,60')"),
        ("latin-1", "read as Windows-1252"),
    ],
)
def test_encodings_are_recognized_and_said(encoding: str, said: str) -> None:
    write(LINES, encoding)
    frame = read()
    assert table(frame) == TABLE
    assert said in notices(frame) and bool(said) == bool(notices(frame))


@pytest.mark.parametrize("encoding", ["cp1251", "shift_jis", "gbk", "cp1250", "mac_roman"])
def test_other_encodings_are_refused_and_read_where_they_are_named(encoding: str) -> None:
    word = {"cp1251": "привет", "cp1250": "źdźbło", "mac_roman": "Zoë"}.get(encoding, "東京都")
    write(["name,mass", f"{word},1", "x,2"], encoding)
    assert refusal().startswith("a.csv: is no text in UTF-8 (line 2, byte 0x")
    assert "write encoding: cp1252, or the name of another" in refusal()
    assert table(read(encoding=encoding))["name"] == [word, "x"]


def test_a_wrong_encoding_is_refused() -> None:
    write(LINES, "cp1252")
    assert "a.csv: is no whole text in utf-8 (byte 0xeb); write encoding with the" in refusal(
        encoding="utf-8"
    )


@pytest.mark.parametrize("sign", [",", ";", "|", "\t", " ", "   ", " \t "])
@pytest.mark.parametrize("quoted", [False, True])
def test_separators_are_recognized(sign: str, quoted: bool) -> None:
    mark = '"' if quoted else ""
    lines = [sign.join(f"{mark}{cell}{mark}" for cell in line.split(",")) for line in LINES[:3]]
    write(lines)
    assert table(read()) == {name: column[:2] for name, column in TABLE.items()}


def test_decimal_commas_separate_no_columns() -> None:
    write(["a;b;c", "1,5;2,5;x", "3,5;4,5;y"])
    assert list(read()) == ["a", "b", "c"]
    write(["1,5;2,5;3,5", "3,5;4,5;1,5"])
    assert table(read(header=False))["2"] == ["2,5", "4,5"]


def test_texts_with_many_signs_separate_no_columns() -> None:
    write(["text,label", '"a; b; c, d",1', '"e; f; g, h",0', "no; more; i,1"])
    assert table(read())["label"] == [1, 0, 1]
    write(["text", "so good", "so bad", "so so"])
    assert table(read()) == {"text": ["so good", "so bad", "so so"]}


def test_a_line_that_says_the_separator_is_heeded() -> None:
    write(["sep=;", "a;b", "1;2", "3;x"])
    frame = read()
    assert table(frame) == {"a": [1, 3], "b": ["2", "x"]}
    assert row_of(frame["b"], 1) == "line 4"


@pytest.mark.parametrize("sign", ["#", "%"])
def test_comments_are_skipped_and_said(sign: str) -> None:
    write([f"{sign} measured in May, by hand", f"{sign}", *LINES[:2], f"{sign} checked, twice",
           *LINES[2:]])  # fmt: skip
    frame = read()
    assert table(frame) == TABLE
    assert f"lines that begin with {sign} are comments" in notices(frame)
    assert [row_of(frame["name"], place) for place in range(3)] == ["line 4", "line 6", "line 7"]


def test_names_may_stand_in_the_last_comment() -> None:
    write(["# made by hand", "# x y", "1 2", "3 4"], name="a.txt")
    assert table(read("a.txt")) == {"x": [1, 3], "y": [2, 4]}
    write(["#x,y", "1,2", "#3,4"])
    assert table(read()) == {"x": ["1", "#3"], "y": [2, 4]}


def test_comments_further_down_are_told_by_the_option() -> None:
    write(["a,b", "1,2", "// x, y, z", "3,4"])
    assert "line 3 has 3 fields" in refusal()
    assert table(read(comment="//")) == {"a": [1, 3], "b": [2, 4]}


def test_a_sign_in_the_middle_of_a_line_is_no_comment() -> None:
    write(["# colours", "name,colour", "sky,#00f", '"a\n#b",#fff'])
    assert table(read()) == {"name": ["sky", "a\n#b"], "colour": ["#00f", "#fff"]}


def test_titles_and_units_are_skipped_and_said() -> None:
    write(["Patients of 2024", "", "height,mass,ward", "[m],[kg],", "1.5,60,a", "1.75,72.5,b"])
    frame = read()
    assert table(frame) == {"height": [1.5, 1.75], "mass": [60, 72.5], "ward": ["a", "b"]}
    assert "line 1 ('Patients of 2024') is a title and is not read" in notices(frame)
    assert "line 4 ('[m]', '[kg]') says units and is not read" in notices(frame)
    assert row_of(frame["mass"], 1) == "line 6"


def test_titles_of_spreadsheets_have_empty_cells_beside_them() -> None:
    write(["Patients,,", ",,", "height,mass,ward", "1.5,60,a", "1.75,72.5,b"])
    assert list(read()) == ["height", "mass", "ward"]


def test_listed_lines_alone_are_skipped() -> None:
    write(["a,b", "kg,cm", "1,2", "3,4", "total,6"])
    assert table(read(skip_lines=[2, 5])) == {"a": [1, 3], "b": [2, 4]}
    assert table(read(skip_lines=[]))["a"] == ["kg", "1", "3", "total"]


ORANGE = ["age,pain,fate", "c,none some,d", ",,class", "63,none,0", "41,some,1"]


def test_kinds_and_roles_below_the_names_are_skipped_and_said() -> None:
    """Orange writes them into its files."""
    write(ORANGE)
    frame = read()
    assert table(frame) == {"age": [63, 41], "pain": ["none", "some"], "fate": [0, 1]}
    assert (
        "line 2 ('c', 'none some', 'd') and line 3 ('class') say kinds and roles of columns, as "
        "Orange writes them, and are not read"
    ) in notices(frame)
    assert row_of(frame["age"], 0) == "line 4"


@pytest.mark.parametrize("second", [",,dead", "c,some,class", "d,,c"])
def test_letters_below_the_names_are_rows_where_no_roles_follow(second: str) -> None:
    write([ORANGE[0], "c,none,d", second, "c,none,d", "d,some,c"])
    assert len(read()) == 4


def test_a_row_with_a_word_among_numbers_is_no_row_of_units() -> None:
    write(["age,ward", "unknown,a", "3,b", "4,c"])
    assert table(read())["age"] == ["unknown", "3", "4"]
    write(["x,y,ward", "NA,?,a", "3,1,b", "4,2,c"])
    assert len(read()) == 3


def test_without_a_header_columns_are_numbered() -> None:
    write(["5.1,3.5,setosa", "4.9,3.0,setosa", "6.3,3.3,virginica"])
    assert refusal() == (
        "a.csv: line 1 ('5.1', '3.5', 'setosa', ...) looks like data and not like names of "
        "columns; write header: false, and they are called 1, 2, ..., or header: true where it "
        "names them"
    )
    assert table(read(header=False))["3"] == ["setosa", "setosa", "virginica"]
    assert list(read(header=True)) == ["5.1", "3.5", "setosa"]


@pytest.mark.parametrize("first", ["0,1,2,label", "1990,2000,2010,label", "a1,b2,c3,label"])
def test_numbers_that_count_are_names(first: str) -> None:
    write([first, "5,6,7,x", "8,9,10,y"])
    assert list(read()) == first.split(",")


def test_names_lose_spaces_and_quotes() -> None:
    write([" \"first name\" , 'b', c d ", "1, 2, 3"])
    assert list(read()) == ["first name", "'b'", "c d"]
    write(["'a','b c'", "'x, y',2", "'z',3"])
    assert table(read()) == {"a": ["x, y", "z"], "b c": [2, 3]}


def test_names_that_are_twins_are_all_named() -> None:
    write(["a,b, a,b,c", "1,2,3,4,5"])
    assert refusal() == (
        "a.csv: column a, column b stands more than once in its header; rename or remove one"
    )


@pytest.mark.parametrize("names", ["a,b", "a,b,"])
def test_trailing_separators_make_no_column(names: str) -> None:
    write([names, "1,2,", "3,4,"])
    assert table(read()) == {"a": [1, 3], "b": [2, 4]}
    write([names, *["1,2,"] * 600, "3,4,x"])
    assert "line 602 has a field more than the header" in refusal()


def test_names_of_rows_as_r_writes_them_are_a_column() -> None:
    write(['"mpg" "cyl"', '"Mazda RX4" 21 6', '"Fiat" 32 4'])
    frame = read()
    assert table(frame) == {"rownames": ["Mazda RX4", "Fiat"], "mpg": [21, 32], "cyl": [6, 4]}
    assert "line 1 ('mpg', 'cyl') has a name less" in notices(frame)


def test_lines_that_are_too_long_are_all_named_and_short_ones_counted() -> None:
    write(["a,b", "1,2", '"x\n\ny",2,3', "", "4,5,6,7", "8,9"])
    assert refusal() == (
        "a.csv: is no CSV file: line 3 has 3 fields, line 7 has 4 fields, and its header 2; "
        "correct these lines, or list them in skip_lines"
    )
    write(["a,b,c", "1,2,3", "4", "5,6,7", "8,9"])
    frame = read()
    assert "2 lines have fewer fields than the header (line 3, 5)" in notices(frame)
    assert table(frame)["c"] == [3, None, 7, None]


def test_rows_are_known_by_their_lines() -> None:
    write(["", "a,b", "1,x", "", '2,"y\nz"', "# 3", "3,w"])
    frame = read()
    assert [row_of(frame["a"], place) for place in (0, 1)] == ["line 3", "line 5"]
    assert row_of(frame.iloc[2:]["b"], 0) == "line 7"


def test_columns_whose_texts_begin_late_are_texts_from_the_beginning() -> None:
    """Pieces of a file are read one after the other."""
    rows = 300_000
    write("a,b,c\n" + "01,1,\n" * rows + "x,1.5,y\n")
    frame = read()
    assert frame["a"].iloc[0] == "01" and frame["c"].iloc[-1] == "y"
    assert frame["b"].dtype == float and pd.isna(frame["c"].iloc[0])


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_lines_of_other_systems_are_lines(ends: str) -> None:
    write(ends.join(["A title", *LINES]) + ends)
    assert table(read()) == TABLE


def test_options_that_say_nothing_of_a_file_are_refused() -> None:
    from lightning_modules.data.readers.tables.read import refuse_unused_form

    with pytest.raises(DataError, match=r"a\.csv: data\.sheet says nothing of such a file"):
        refuse_unused_form("a.csv", FileForm(sheet="x"))
    with pytest.raises(DataError, match=r"data\.encoding, data\.comment says nothing"):
        refuse_unused_form("a.parquet", FileForm(encoding="utf-8", comment="#"))
    refuse_unused_form("a.xlsx", FileForm(sheet="x", header=False))


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        (['a,"b', 'in kg",c', "1,2,3", "4,5,6"], ["a", "b\nin kg", "c"]),
        (["a,b,c", '"kg', 'a day",m,s', "1,2,3", "4,5,6", "7,8,9"], ["a", "b", "c"]),
    ],
)
def test_a_line_break_in_quotes_above_the_rows_makes_no_row(
    lines: Sequence[str], names: Sequence[str]
) -> None:
    write(lines)

    frame = read()

    assert list(frame) == names
    assert frame["a"].tolist()[:2] == [1, 4]
    assert frame[names[1]].tolist()[:2] == [2, 5]
    assert row_of(frame["a"], 0) == f"line {lines.index('1,2,3') + 1}"
