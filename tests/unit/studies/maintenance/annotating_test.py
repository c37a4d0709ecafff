"""What a note and a tag may be, and what is said of one that cannot be."""

from pathlib import Path

import pytest

from lightning_modules.errors import UserError
from studies.home import Home
from studies.maintenance import annotating
from studies.maintenance.annotating import Target, note_of, read, tag_of, write_note, write_tags
from studies.records import Annotation, Record
from tests.support.record_made import STUDY, trial_of


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home with a study of one trial, whose mirrors nobody brings up."""
    monkeypatch.setattr(annotating, "sync", lambda *_: None)
    home = Home.at(tmp_path / "home")
    with Record.writing(home, STUDY) as record:
        record.begin(trial_of(record.add_search(STUDY, arm="", goal="minimize")))
    return home


@pytest.mark.parametrize("text", ["", "/", "/trial-0000", "kept/"])
def test_a_target_is_a_study_or_a_trial_of_it(text: str) -> None:
    assert Target.of("kept/a/b") == Target("kept", "a/b")
    with pytest.raises(UserError, match="is no study and no trial; write STUDY or STUDY/TRIAL"):
        Target.of(text)


def test_a_note_is_text_of_several_lines() -> None:
    assert note_of("the first\r\n\tand é 👩‍🔬\n\n") == "the first\n    and é 👩‍🔬"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (" \n ", "the note is empty; --delete takes a note away"),
        ("a\x1b[2Jb", r"the note has the control character '\x1b' at 2; leave it out"),
        ("a\0", r"the note has the control character '\x00' at 2; leave it out"),
        ("x" * 5001, "the note has 5,001 characters; at most 5,000 are kept: put the rest in a "
                     "file and name that"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_note(text: str, why: str) -> None:
    with pytest.raises(UserError) as caught:
        note_of(text)
    assert str(caught.value) == why


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("team=a", ("team", "a")),
        ("a=b=c", ("a", "b=c")),
        ("empty=", ("empty", "")),
        ("data/set v1.0:x-y_z= é ", ("data/set v1.0:x-y_z", "é")),
        ("mlflow=1", ("mlflow", "1")),
        ("x" * 250 + "=1", ("x" * 250, "1")),
    ],
)
def test_a_tag_has_a_name_and_a_value(text: str, tag: tuple[str, str]) -> None:
    assert tag_of(text) == tag


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("team", "'team' is no tag; write KEY=VALUE"),
        ("=a", "'' cannot be the name of a tag; use up to 250 letters, digits,"),
        (" a=1", "' a' cannot be the name of a tag"),
        ("a?=1", "'a?' cannot be the name of a tag"),
        ("a/=1", "'a/' cannot be the name of a tag"),
        ("../a=1", "'../a' cannot be the name of a tag"),
        ("a//b=1", "'a//b' cannot be the name of a tag"),
        ("a\n=1", "'a\\n' cannot be the name of a tag"),
        ("x" * 251 + "=1", "cannot be the name of a tag"),
        ("fairtune.outcome=completed", "the tag 'fairtune.outcome' would be taken for one of "
         "fairtune itself; give it a name that does not begin with fairtune. or mlflow."),
        ("MLflow.runName=x", "the tag 'MLflow.runName' would be taken for one of MLflow itself"),
        ("a=b\nc", "the tag 'a' has several lines; `fairtune note` keeps a text"),
        ("a=\x07", "the tag 'a' has the control character '\\x07' at 3; leave it out"),
        ("a=" + "x" * 5001, "the tag 'a' has 5,001 characters; at most 5,000 are kept"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_tag(text: str, why: str) -> None:
    with pytest.raises(UserError) as caught:
        tag_of(text)
    assert why in str(caught.value)


def test_secrets_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "correct-horse-battery")
    note = "see https://me:pass@host/x correct-horse-battery"
    assert note_of(note) == "see https://me:***@host/x ***"
    assert tag_of("api_key=abcdefgh") == ("api_key", "***")
    assert tag_of("link=https://me:pass@host/x") == ("link", "https://me:***@host/x")
    with pytest.raises(UserError, match="holds a secret; give it another name"):
        tag_of("correct-horse-battery=1")


def test_tags_are_set_and_removed_and_the_rest_stays(home: Home) -> None:
    target = Target(STUDY, "trial-0000")
    write_note(home, target, "watch this one")
    write_tags(home, target, ["team=a", "lr=high"], [])
    found = write_tags(home, target, ["team=b"], ["lr"])
    assert found.annotation == read(home, target) == Annotation("watch this one", {"team": "b"})
    assert read(home, Target(STUDY)) == Annotation()
    assert write_note(home, target, None).annotation == Annotation("", {"team": "b"})


def test_every_mistake_is_said_at_once_and_nothing_is_written(home: Home) -> None:
    with pytest.raises(UserError) as caught:
        write_tags(home, Target(STUDY), ["ok=1", "bad", "a=1", "a=2", "c=1"], ["c"])
    assert str(caught.value).splitlines() == [
        "'bad' is no tag; write KEY=VALUE",
        "the tag 'a' is given twice; give it one value",
        "the tag 'c' is given and removed; do one of both",
    ]
    assert read(home, Target(STUDY)) == Annotation()


def test_what_is_not_there_cannot_be_removed(home: Home) -> None:
    write_tags(home, Target(STUDY), ["team=a"], [])
    with pytest.raises(UserError) as caught:
        write_tags(home, Target(STUDY), [], ["taem"])
    assert str(caught.value) == "kept has no tag 'taem'; did you mean team?"
    with pytest.raises(UserError, match="kept/trial-0000 has no note"):
        write_note(home, Target(STUDY, "trial-0000"), None)


def test_names_that_differ_in_capitals_only_are_refused(home: Home) -> None:
    write_tags(home, Target(STUDY), ["team=a"], [])
    with pytest.raises(UserError, match="the tags 'team' and 'Team' differ in capitals only"):
        write_tags(home, Target(STUDY), ["Team=b"], [])
    write_tags(home, Target(STUDY), ["Team=b"], ["team"])


def test_there_are_at_most_thirty_tags(home: Home) -> None:
    write_tags(home, Target(STUDY), [f"t{n}=1" for n in range(30)], [])
    with pytest.raises(UserError, match="kept would have 31 tags; at most 30 are kept: remove so"):
        write_tags(home, Target(STUDY), ["more=1"], [])
    write_tags(home, Target(STUDY), ["more=1"], ["t0"])


def test_the_run_of_a_study_delivers_what_is_written_beside_it(home: Home) -> None:
    with Record.writing(home, STUDY):
        found = write_note(home, Target(STUDY), "later")
    assert found.left == (
        "its run delivers that to the mirrors, or afterwards "
        f"`fairtune sync {STUDY} --home {home.path}`"
    )
