"""One bad study of a home is a line; the others are shown as ever."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import typer

from studies.analysis.overview import change_token, study_entries, unreadable
from studies.cli import app, main
from studies.cli.options import complete_studies
from studies.home import Home
from studies.records import Record

Output = pytest.CaptureFixture[str]
GOOD = "{study: NAME, data: digits, model: mlp, search: {method: random, trials: 1}}"


def context(home: Home) -> typer.Context:
    """What the shell's completion knows."""
    found = typer.Context(typer.main.get_command(app))
    found.params = {"home": home.path}
    return found


def add(home: Home, name: str) -> Path:
    home.create(name)
    with Record.writing(home, name) as record:
        record.note({"study_file": GOOD.replace("NAME", name), "finished": ""})
    return home.record(name)


def change(record: Path, statement: str) -> None:
    with closing(sqlite3.connect(record)) as database:
        database.execute(statement)
        database.commit()


def cut(record: Path) -> None:
    record.write_bytes(record.read_bytes()[:5000])


def pipe(record: Path) -> None:
    record.unlink()
    os.mkfifo(record)


def folder(record: Path) -> None:
    record.unlink()
    record.mkdir()


def note(text: str, name: str = "study_file") -> Callable[[Path], None]:
    return lambda record: change(record, f"update notes set value = '{text}' where name = '{name}'")


BAD: dict[str, Callable[[Path], object]] = {
    "empty": lambda record: record.write_bytes(b""),
    "garbage": lambda record: record.write_bytes(b"x" * 9000),
    "cut off": cut,
    "newer": lambda record: change(record, "pragma user_version = 999"),
    "no table": lambda record: change(record, "drop table trials"),
    "no number": lambda record: change(record, "update revision set last = 'x'"),
    "note is no JSON": note("{"),
    "note is a number": note("3"),
    "file is no YAML": note('"&a [*a"'),
    "file is of another version": note('"{study: x, model: nothing_of_that_name}"'),
    "no identity": lambda record: change(record, "delete from notes where name = 'record'"),
    "a pipe": pipe,
    "a folder": folder,
}


@pytest.mark.parametrize("how", BAD)
def test_one_bad_study_is_a_line_and_not_the_end(how: str, tmp_path: Path, capsys: Output) -> None:
    home = Home.at(tmp_path / "home")
    BAD[how](add(home, "bad"))
    add(home, "good")
    assert main(["status", "--home", str(home.path), "--json"]) == 4
    said = capsys.readouterr()
    lines = [line for line in said.err.splitlines() if line.startswith("bad: ")]
    assert len(lines) == 1 and "Traceback" not in said.err
    told = json.loads(said.out.splitlines()[-1])
    assert [each["study"] for each in told["studies"]] == ["good"]
    assert list(told["unreadable"]) == ["bad"]
    assert "good" in [each.study for each in study_entries(home)]
    assert complete_studies(context(home), "") == ["bad", "good"]


def test_a_study_that_may_not_be_read_is_a_line_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    home = Home.at(tmp_path / "home")
    closed = add(home, "closed").parent
    add(home, "good")
    look = Path.stat

    def stat(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if closed in path.parents:
            raise PermissionError(13, "Permission denied", str(path))
        return look(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", stat)
    assert main(["status", "--home", str(home.path)]) == 4
    said = capsys.readouterr().out
    assert f"closed: {closed}/record.db: the record cannot be used: " in said
    assert "Permission denied" in said and "good" in said
    assert list(unreadable(home)) == ["closed"]
    assert change_token(home)


def test_a_report_replaces_a_file_only_where_it_is_told_to(tmp_path: Path, capsys: Output) -> None:
    home = Home.at(tmp_path / "home")
    add(home, "good")
    precious = tmp_path / "precious.html"
    precious.write_text("mine")
    command = ["report", "good", "--home", str(home.path), "--output", str(precious)]
    assert main(command) == 2
    text = f"{precious} exists already; --force replaces it, --output names another"
    assert capsys.readouterr().err == f"fairtune: {text}\n"
    assert precious.read_text() == "mine"
    assert main([*command, "--force"]) == 0
    assert "good" in precious.read_text()
