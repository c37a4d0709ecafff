"""`fairtune note` and `fairtune tag`: what they print, for people and for programs."""

import io
import json
from pathlib import Path

import pytest
import typer

from studies.cli import main
from studies.cli.options import complete_studies_and_runs
from studies.home import Home
from studies.maintenance import annotating
from studies.records import Record
from tests.support.record_made import STUDY, trial_of

Output = pytest.CaptureFixture[str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a study of one trial, whose mirrors nobody brings up."""
    monkeypatch.setattr(annotating, "sync", lambda *_: None)
    monkeypatch.setenv("FAIRTUNE_HOME", str(tmp_path / "home"))
    home = Home.at(tmp_path / "home")
    with Record.writing(home, STUDY) as record:
        record.begin(trial_of(record.add_search(STUDY, arm="", goal="minimize")))
    return home.path


def test_a_note_is_written_printed_and_deleted(home: Path, capsys: Output) -> None:
    for argv, said in (
        (["note", STUDY], "kept has no note"),
        (["note", STUDY, "the first"], "kept: the note is kept"),
        (["note", STUDY], "the first"),
        (["note", f"{STUDY}/trial-0000"], "kept/trial-0000 has no note"),
        (["note", STUDY, "--delete"], "kept: the note is deleted"),
        (["note", STUDY], "kept has no note"),
    ):
        assert main(argv) == 0
        assert capsys.readouterr().out == f"{said}\n"


def test_tags_are_set_listed_and_removed(home: Path, capsys: Output) -> None:
    run = f"{STUDY}/trial-0000"
    for argv, said in (
        (["tag", run], "kept/trial-0000 has no tags\n"),
        (["tag", run, "team=a", "lr=high"], "lr = high\nteam = a\n"),
        (["tag", run, "team=b", "--remove", "lr"], "team = b\n"),
        (["tag", run], "team = b\n"),
    ):
        assert main(argv) == 0
        assert capsys.readouterr().out == said


def test_json_is_on_the_last_line(home: Path, capsys: Output) -> None:
    assert main(["note", STUDY, "the first", "--json"]) == 0
    assert main(["tag", STUDY, "team=a", "--json"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last == {
        "study": STUDY, "trial": None, "note": "the first", "tags": {"team": "a"}, "left": None,
    }  # fmt: skip


def test_a_text_may_come_from_standard_input(
    home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("one\ntwo\n"))
    assert main(["note", STUDY, "-"]) == 0
    capsys.readouterr()
    assert main(["note", STUDY]) == 0
    assert capsys.readouterr().out == "one\ntwo\n"


def test_what_is_no_utf_8_is_one_sentence(
    home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    latin = io.TextIOWrapper(io.BytesIO(b"caf\xe9"), encoding="utf-8")
    monkeypatch.setattr("sys.stdin", latin)
    assert main(["note", STUDY, "-"]) == 2
    assert capsys.readouterr().err == (
        "fairtune: what standard input holds is no text in UTF-8; write it in that\n"
    )


def test_a_secret_is_told_not_to_be_kept(home: Path, capsys: Output) -> None:
    assert main(["note", STUDY, "password=hunter22"]) == 0
    assert "*** stands in its place" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["note", STUDY, "a", "--delete"], "give a text or --delete"),
        (["note", "nope", "a"], "there is no study 'nope'"),
        (["note", "nope"], "there is no study 'nope'"),
        (["note", f"{STUDY}/trial-000", "a"], "did you mean trial-0000?"),
        (["note", f"{STUDY}/"], "write STUDY or STUDY/TRIAL"),
        (["tag", STUDY, "team"], "write KEY=VALUE"),
        (["tag", STUDY, "--remove", "team"], "kept has no tag 'team'"),
    ],
)
def test_mistakes_are_sentences_with_exit_code_2(
    argv: list[str], said: str, home: Path, capsys: Output
) -> None:
    assert main(argv) == 2
    assert said in capsys.readouterr().err


def test_they_are_written_while_the_study_runs(home: Path, capsys: Output) -> None:
    with Record.writing(Home.at(home), STUDY):
        assert main(["tag", STUDY, "team=a"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "team = a",
        f"its run delivers that to the mirrors, or afterwards `fairtune sync {STUDY} "
        f"--home {home}`",
    ]


def test_a_shell_completes_studies_and_their_trials(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = typer.Context(typer.main.get_command(typer.Typer(callback=lambda: None)))
    context.params = {"home": home}
    assert complete_studies_and_runs(context, "ke") == [STUDY, f"{STUDY}/"]
