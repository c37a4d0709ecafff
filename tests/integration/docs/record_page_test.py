"""What docs/record.md says of records is so."""

import json
import re
import shutil
import sqlite3
import subprocess
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from studies.cli import main
from studies.home import Home
from studies.records import Record, deliveries, schema
from studies.records.deliveries import Deliveries
from tests.support.checkout import ROOT
from tests.support.record_made import STUDY, trial_of

PAGE = (ROOT / "docs" / "record.md").read_text(encoding="utf-8")
OLD = ROOT / "tests" / "old_home" / "home.tar.xz"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def rows(table: str) -> dict[str, str]:
    """The columns of a table, as the page has them: their types by name."""
    section = PAGE.partition(f"### `{table}`\n")[2].partition("\n#")[0]
    head = "| column | type | meaning |\n|---|---|---|\n"
    lines = section.partition(head)[2].partition("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert all(len(cell) == 3 and cell[2] for cell in cells)
    return {cell[0].strip("`"): cell[1] for cell in cells}


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of a comparison."""
    folder = tmp_path_factory.mktemp("page")
    with tarfile.open(OLD) as packed:
        packed.extractall(folder, filter="data")
    assert main(["import", "compared", "--home", str(folder / "home")]) == 0
    return folder / "home" / "studies" / "compared" / "record.db"


def tables(connection: sqlite3.Connection) -> list[str]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    return [name for (name,) in connection.execute(query)]


def columns(connection: sqlite3.Connection, table: str) -> dict[str, str]:
    return {row[1]: row[2] for row in connection.execute(f"PRAGMA table_info({table})")}


def test_every_table_and_column_is_on_the_page_with_its_type(record: Path) -> None:
    with closing(sqlite3.connect(record)) as connection:
        known = {table: columns(connection, table) for table in tables(connection)}
    told = re.findall(r"^### `(\w+)`$", PAGE, re.MULTILINE)
    assert {table: rows(table) for table in told} == known


def test_what_identifies_a_record_is_on_the_page() -> None:
    assert f"`PRAGMA user_version` is the version of the tables, {schema.VERSION} at" in PAGE
    assert f"{schema.APPLICATION_ID} (`fair`)" in PAGE.replace("\n  ", " ")


def test_the_notes_of_a_record_are_on_the_page(record: Path) -> None:
    told = set(re.findall(r"^\| (`.*?`) \| ", PAGE.partition("| note | value |")[2], re.MULTILINE))
    names = {name for line in told for name in re.findall(r"`([^`]*)`", line)}
    names |= {name for line in PAGE.splitlines() if line.startswith("| `")
              for name in re.findall(r"`([^`]*)`", line.split("|")[1])}  # fmt: skip
    with closing(sqlite3.connect(record)) as connection:
        known = [name for (name,) in connection.execute("SELECT name FROM notes")]
    assert {re.sub(r":.*", "", name) for name in known} <= {
        re.sub(r":.*", "", name) for name in names
    }


def test_the_tables_of_the_mirrors_are_on_the_page(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    home.create("any")
    opened = Deliveries.open(home, "any")
    with closing(opened.connection) as connection:
        for table in tables(connection):
            (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{table}` |")]
            text = re.sub(r"\(.*?\)", "", line.split("|")[2])
            assert re.findall(r"`(\w+)`", text) == list(columns(connection, table))
    assert deliveries.FILE in PAGE


def shell(record: Path, query: str) -> list[dict[str, Any]]:
    """What the command line of SQLite prints, used as the page says."""
    done = subprocess.run(
        ["sqlite3", "-readonly", "-json", str(record), query],
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout or "[]")
    return found


@pytest.fixture
def answers(record: Path) -> list[list[dict[str, Any]]]:
    """Those to every query on the page."""
    if shutil.which("sqlite3") is None:
        pytest.skip("the sqlite3 command line is not installed")
    queries = blocks("sql")
    assert queries
    return [shell(record, query) for query in queries]


def test_the_queries_on_the_page_answer_what_it_says(answers: list[list[dict[str, Any]]]) -> None:
    best, ends, rates, curve, chosen, again, file = answers
    assert [row["value"] for row in best] == sorted(row["value"] for row in best)
    assert len(best) == 5
    assert ends == [
        {"arm": arm, "outcome": "completed", "trials": 8, "epochs": 24} for arm in ("adam", "sgd")
    ]
    assert len(rates) == 16 and all(0 < row["lr"] < 1 for row in rates)
    assert curve == []  # a study with arms has no trial of that name
    assert {row["parameter"] for row in chosen} == {"optimizer.lr"}
    assert again == []
    assert file[0].popitem()[1].startswith("study: compared\n")


def test_a_curve_and_further_attempts_are_found_by_the_queries(record: Path) -> None:
    if shutil.which("sqlite3") is None:
        pytest.skip("the sqlite3 command line is not installed")
    _, _, _, curve, _, again, _ = blocks("sql")
    found = shell(record, curve.replace("trial-0000", "adam-0001"))
    assert [row["epoch"] for row in found] == [1, 2, 3]
    assert all(row["train/loss"] > 0 and row["at"].startswith("20") for row in found)
    copy = shutil.copy(record, record.with_name("copy.db"))
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute(
            "INSERT INTO attempts SELECT trial, 2, ended, ended, 'crashed', 'x', '' FROM attempts "
            "WHERE trial = 3"
        )
    assert [(row["number"], row["outcome"]) for row in shell(copy, again)] == [
        (1, "completed"),
        (2, "crashed"),
    ]


def test_the_lines_for_python_read_a_record(record: Path) -> None:
    (code,) = blocks("python")
    found: dict[str, Any] = {}
    exec(code.replace("mlruns/studies/digits/record.db", str(record)), found)
    assert len(found["trials"]) == 16
    found["record"].close()


def test_a_metric_that_is_no_number_is_json_that_every_program_reads(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    with Record.writing(home, STUDY) as record:
        search = record.add_search(STUDY, arm="", goal="minimize")
        begun = record.begin(trial_of(search))
        record.epoch(begun.id, 1, {"a": float("nan"), "b": float("inf"), "c": 1.0}, float("nan"))
        query = "SELECT value, metrics, json_extract(metrics, '$.b'), metrics -> '$.a' FROM epochs"
        (row,) = record.connection.execute(query)
    assert row == (None, '{"a": null, "b": 1e999, "c": 1.0}', float("inf"), "null")
