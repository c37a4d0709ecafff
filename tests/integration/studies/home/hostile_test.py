"""Homes that somebody else made: nothing of theirs runs, and nothing outside of them changes."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from lightning_modules.errors import StorageError, UserError
from studies.cli import main
from studies.home import Home
from studies.mirrors import mirroring
from studies.mirrors.mlflow.client import MlflowClient
from studies.mirrors.sync import sync
from tests.conftest import MakeHome
from tests.support.hostile_home import (
    CONTENTS,
    PLACES,
    PROGRAM,
    SIMPLE,
    STUDY,
    Surroundings,
    changed,
    program_file,
    program_of_others,
    surroundings,
    to_deliver_again,
)

Output = pytest.CaptureFixture[str]
COMMANDS = {
    "status": ["status"],
    "best": ["best", STUDY],
    "compare": ["compare", STUDY],
    "report": ["report", STUDY],
    "predict": ["predict", STUDY, "--test", "--force"],
    "reproduce": ["reproduce", f"{STUDY}/trial-0000"],
    "sync": ["sync", STUDY],
    "rebuild": ["sync", STUDY, "--rebuild"],
    "promote": ["promote", STUDY],
    "doctor": ["doctor", "--fix"],
    "run": ["run", "study.yaml", "--set", "search.trials=3", "--workers", "1", "--quiet"],
}
"""Every command that looks at a home, the reading ones first."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, make_home: MakeHome) -> Home:
    """A home with a study that was trained, and one of a program."""
    folder = tmp_path_factory.mktemp("hostile")
    home = make_home(folder / "home")
    for text in (SIMPLE, program_file(folder / "trained")):
        (folder / "study.yaml").write_text(text)
        argv = ["run", str(folder / "study.yaml"), "--home", str(home.path), "--workers", "1"]
        assert main([*argv, "--quiet"]) == 0
    return home


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder; a run does not wait long for a mirror that refuses its home."""
    monkeypatch.setattr(mirroring, "GIVE_UP_SECONDS", 1.0)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    Path("study.yaml").write_text(SIMPLE)
    return tmp_path


@pytest.fixture
def outside(here: Path) -> Surroundings:
    return surroundings(here / "outside")


@pytest.fixture
def home(trained: Home, here: Path) -> Home:
    """A copy of the home, as somebody would get it."""
    return Home.at(shutil.copytree(trained.path, here / "home"))


def of(home: Home, *argv: str) -> int:
    return main([*argv, "--home", str(home.path)])


def places(home: Home) -> set[str]:
    """Where MLflow's database says that artifacts are."""
    with closing(sqlite3.connect(home.path / "mlflow.db")) as database:
        return {
            row[0]
            for table, column in (
                ("experiments", "artifact_location"),
                ("runs", "artifact_uri"),
                ("logged_models", "artifact_location"),
            )
            for row in database.execute(f"SELECT {column} FROM {table}")
        }


# --- every command on every such home ------------------------------------------------------------


@pytest.mark.parametrize("what", PLACES)
def test_nothing_is_written_out_of_a_home(
    what: str, home: Home, outside: Surroundings, capsys: Output
) -> None:
    to_deliver_again(home)
    PLACES[what](home, outside)
    before = outside.files()
    for name in ("sync", "rebuild", "promote", "doctor", "run"):
        code = of(home, *COMMANDS[name])
        said = capsys.readouterr().err
        assert code in (0, 4) and "Traceback" not in said, (name, said)
        assert code == 4 or name == "run", name  # training needs no mirror
        assert outside.files() == before, name


@pytest.mark.parametrize("what", CONTENTS)
def test_what_nobody_of_ours_has_written_is_refused_in_a_sentence(
    what: str, home: Home, outside: Surroundings, capsys: Output
) -> None:
    CONTENTS[what](home, outside)
    before = outside.files()
    codes = set()
    for name in ("status", "best", "report", "promote", "sync", "run"):
        codes.add(code := of(home, *COMMANDS[name]))
        said = capsys.readouterr().err
        assert code in (0, 2, 4) and "Traceback" not in said, (name, said)
        assert len(said.splitlines()) <= 1 or name == "run", (name, said)
        assert outside.files() == before, name
    assert codes != {0}


@pytest.mark.parametrize("what", ["artifacts are a link", "no JSON"])
def test_commands_that_only_look_leave_everything_as_it_is(
    what: str, home: Home, outside: Surroundings, capsys: Output
) -> None:
    {**PLACES, **CONTENTS}[what](home, outside)
    before = outside.files()
    for name in ("status", "compare", "report", "predict", "reproduce"):
        code = of(home, *COMMANDS[name])
        assert code in (0, 2, 4, 6) and "Traceback" not in capsys.readouterr().err, name
    assert outside.files() == before


# --- copies --------------------------------------------------------------------------------------


def test_a_copy_delivers_into_itself_and_finds_its_artifacts(home: Home, trained: Home) -> None:
    to_deliver_again(home)
    original = Surroundings(trained.path).files()
    sync(home, STUDY)
    assert Surroundings(trained.path).files() == original
    wrong = [place for place in places(home) if not place.startswith(home.path.as_uri())]
    assert wrong == []
    client = MlflowClient(home.mlflow_uri)
    experiment = client.get_experiment_by_name(STUDY)
    assert experiment is not None
    for run in client.search_runs([experiment.experiment_id]):
        assert client.list_artifacts(run.info.run_id)


def test_a_moved_home_predicts_with_a_checkpoint_that_only_mlflow_has(
    home: Home, here: Path, capsys: Output
) -> None:
    shutil.rmtree(home.study(STUDY) / "checkpoints")
    moved = Home.at(home.path.rename(here / "a moved home"))
    assert of(moved, "predict", STUDY, "--test") == 0
    assert "test/accuracy" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["experiments elsewhere", "runs elsewhere", "models elsewhere"])
def test_a_foreign_place_is_named_and_the_way_out_works(
    what: str, home: Home, outside: Surroundings, capsys: Output
) -> None:
    to_deliver_again(home)
    PLACES[what](home, outside)
    assert of(home, "sync", STUDY) == 4
    said = capsys.readouterr().err
    assert str(outside.folder) in said and len(said.splitlines()) == 1
    (home.path / "mlflow.db").rename(home.path / "mlflow.db.away")
    assert f"`fairtune sync {STUDY} --home {home.path}` makes it anew" in said
    again = "import sys; from studies.cli import main; sys.exit(main(sys.argv[1:]))"
    argv = ["sync", STUDY, "--home", str(home.path)]  # MLflow keeps what it has opened
    subprocess.run([sys.executable, "-P", "-c", again, *argv], check=True)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "/etc", "a/b", "a\\b", "a\0b", "a\nb", "x" * 201]
)
def test_a_name_that_is_not_one_folder_is_refused(name: str, home: Home) -> None:
    for path_of in (home.study, home.record):
        with pytest.raises(UserError, match="cannot be the name of a study"):
            path_of(name)


def test_a_link_within_the_home_is_none_out_of_it(home: Home) -> None:
    folder = home.study(STUDY) / "checkpoints"
    folder.rename(home.path / "weights")
    folder.symlink_to(home.path / "weights")
    with home.lock(STUDY):
        pass


def test_an_import_makes_no_study_whose_name_climbs(
    home: Home, here: Path, outside: Surroundings, capsys: Output
) -> None:
    with changed(home.path / "optuna.db") as database:
        name = f"../../outside/{STUDY}"
        database.execute("UPDATE studies SET study_name = ?1 WHERE study_name = ?2", [name, STUDY])
        database.execute(
            "UPDATE study_user_attributes SET value_json = ? WHERE key = 'study'",
            [json.dumps(name)],
        )
    before = outside.files()
    assert of(Home.at(here / "new"), "import", "--from", str(home.path)) == 2
    assert "cannot be the name of a study" in capsys.readouterr().err
    assert outside.files() == before


# --- models --------------------------------------------------------------------------------------


def model_folder(home: Home) -> Path:
    (folder,) = (home.artifacts / STUDY / "models").glob("*/artifacts")
    return folder


def _other_code(folder: Path) -> None:
    with (folder / "served.py").open("a") as file:
        file.write("\nopen('marker', 'w')\n")


def _pickle(folder: Path) -> None:
    (folder / "python_model.pkl").write_bytes(b"cos\nsystem\n(S'touch marker'\ntR.")


def _loader(folder: Path) -> None:
    _replace(folder / "MLmodel", "mlflow.pyfunc.loaders.code_model", "mlflow.sklearn")


def _code_path(folder: Path) -> None:
    _replace(folder / "MLmodel", "code: null", "code: code")


def _checkpoint(folder: Path) -> None:
    (file,) = (folder / "artifacts").glob("*.pt")
    file.write_bytes(file.read_bytes() + b"0")


def _package(folder: Path) -> None:
    with (folder / "requirements.txt").open("a") as file:
        file.write("\nhttp://a.example/evil.tar.gz\n")


def _conda(folder: Path) -> None:
    _replace(folder / "conda.yaml", "- conda-forge", "- http://a.example")


def _no_yaml(folder: Path) -> None:
    (folder / "MLmodel").write_text("&a [*a]")


def _replace(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))


CHANGES = {
    "its served.py is another one": _other_code,
    "it has python_model.pkl": _pickle,
    "its loader is mlflow.sklearn": _loader,
    "its MLmodel names other code": _code_path,
    "its checkpoint is not that of the trial": _checkpoint,
    "it needs 'http://a.example/evil.tar.gz'": _package,
    "its conda.yaml has other channels": _conda,
    "cannot be read": _no_yaml,
}


@pytest.mark.parametrize("said", CHANGES)
def test_a_model_that_is_not_ours_is_not_registered(said: str, home: Home, capsys: Output) -> None:
    CHANGES[said](model_folder(home))
    assert of(home, "promote", STUDY) == 4
    err = capsys.readouterr().err
    assert said in err and len(err.splitlines()) == 1
    assert MlflowClient(home.mlflow_uri).search_registered_models() == []


def test_a_model_as_we_wrote_it_is_registered_also_after_it_was_loaded(home: Home) -> None:
    compiled = model_folder(home) / "__pycache__"
    compiled.mkdir()
    (compiled / "served.cpython-311.pyc").write_bytes(b"somebody's code")
    assert of(home, "promote", STUDY) == 0
    assert not compiled.exists()


def test_a_version_that_was_registered_by_others_is_none_of_ours(
    home: Home, outside: Surroundings
) -> None:
    assert of(home, "promote", STUDY) == 0
    for column in ("source", "storage_location"):
        with changed(home.path / "mlflow.db") as database:
            database.execute(f"UPDATE model_versions SET {column} = ?", [outside.folder.as_uri()])
    assert of(home, "promote", STUDY) == 0
    client = MlflowClient(home.mlflow_uri)
    version = client.get_model_version_by_alias(STUDY, "champion")
    source = client.get_model_version_download_uri(STUDY, version.version)
    assert source == model_folder(home).as_uri()


# --- programs ------------------------------------------------------------------------------------


def test_reproduce_runs_a_stored_program_after_consent_only(
    home: Home, outside: Surroundings, capsys: Output, caplog: pytest.LogCaptureFixture
) -> None:
    program_of_others(home, outside)
    run = f"{PROGRAM}/trial-0000"
    assert of(home, "reproduce", run) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and "sh -c 'touch " in said
    command = f"`fairtune reproduce {run} --home {home.path} --allow-command` gives it"
    assert command in said and not outside.marker.exists()
    assert of(home, "reproduce", run, "--allow-command") in (0, 6)
    assert "sh -c 'touch " in caplog.text and outside.marker.exists()


def test_a_study_that_only_the_home_has_runs_its_program_after_consent_only(
    home: Home, trained: Home, capsys: Output
) -> None:
    marker = trained.path.parent / "trained"
    lines = marker.read_text()
    more = ["--set", "search.trials=3", "--workers", "1", "--quiet"]
    assert of(home, "run", PROGRAM, *more) == 2
    said = capsys.readouterr().err
    assert f"--home {home.path} --allow-command` gives it" in said
    assert marker.read_text() == lines
    assert of(home, "run", PROGRAM, *more, "--allow-command") == 0
    assert marker.read_text().startswith(lines) and marker.read_text() != lines


def test_a_record_with_another_program_than_the_file_is_not_continued(
    home: Home, trained: Home, outside: Surroundings, capsys: Output
) -> None:
    program_of_others(home, outside)
    Path("mine.yaml").write_text(program_file(trained.path.parent / "trained"))
    assert of(home, "run", "mine.yaml", "--workers", "1", "--quiet") == 2
    assert "sh -c 'touch " in capsys.readouterr().err
    assert not outside.marker.exists()


def test_the_program_of_the_users_own_file_needs_no_consent(home: Home, trained: Home) -> None:
    Path("mine.yaml").write_text(program_file(trained.path.parent / "trained"))
    more = ["--set", "search.trials=3", "--workers", "1", "--quiet"]
    assert of(home, "run", "mine.yaml", *more) == 0


def test_from_python_consent_is_an_argument(home: Home) -> None:
    import fairtune

    with pytest.raises(UserError, match=r"call fairtune\.run with allow_command=True"):
        fairtune.run(PROGRAM, home=home.path, overrides={"search.trials": 3}, workers=1)


def test_a_class_that_the_file_does_not_name_is_refused(home: Home, capsys: Output) -> None:
    with changed(home.record(STUDY)) as database:
        database.execute(
            "UPDATE trials SET configuration = json_set(configuration, '$.model.class', 'os:abort')"
        )
    assert of(home, *COMMANDS["run"]) == 2
    assert "its record has model.class 'os:abort'" in capsys.readouterr().err


def test_paths_out_of_the_home_are_said_before_they_are_read(
    home: Home, outside: Surroundings, caplog: pytest.LogCaptureFixture
) -> None:
    with changed(home.record(STUDY)) as database:
        database.execute(
            "UPDATE trials SET configuration = json_set(configuration, '$.data', json(?))",
            [json.dumps({"name": "table", "path": str(outside.precious), "target": "y"})],
        )
    for name in ("predict", "reproduce", "run"):
        caplog.clear()
        of(home, *COMMANDS[name])
        assert f"reads {outside.precious}, as its record says" in caplog.text, name


def test_a_home_that_leads_out_says_where(home: Home, outside: Surroundings) -> None:
    PLACES["checkpoints are a link"](home, outside)
    link = os.path.realpath(outside.folder)
    with pytest.raises(StorageError, match=f"is a link to {link}, which is not in the home"):
        sync(home, STUDY)
