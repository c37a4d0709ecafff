"""Commands that are given something wrong end with exit code 2, or the documented one, and a
sentence for every problem; nothing is written."""

import shlex
from pathlib import Path

import pytest

from studies.cli import main
from studies.home import Home
from studies.records import Outcome
from tests.support.recorded import FILE, STUDY, ended, recording, spec_of

Output = pytest.CaptureFixture[str]
TABLE = "size;kind;colour\n" + "".join(f"{row / 7:.3f};{'ab'[row % 2]};red\n" for row in range(40))
FILES = {
    "rows.csv": TABLE.encode(),
    "other.csv": TABLE.encode(),
    "other.yaml": b"mine\n",
    "empty.csv": b"",
    "headers.csv": b"size;kind\n",
    "binary.csv": bytes(range(256)) * 20,
    "binary.py": bytes(range(256)) * 20,
    "broken.py": b"def train(:\n",
    "train.py": b"import argparse\nparser = argparse.ArgumentParser()\n"
    b"parser.add_argument('--lr', type=float, default=0.1)\n",
}
NO_STUDY = f"there is no study 'nothing'; known are fine, {STUDY}"
NAME = "use letters, digits, dots, dashes and underscores"
CASES: list[tuple[str, tuple[str, ...]]] = [
    ("predict nothing nowhere.csv --output folder",
     (NO_STUDY, "nowhere.csv: there is no such file", "folder: predictions are written as .csv")),
    ("predict fine --output nowhere/a.csv --trial adam-9",
     ("a file with new rows or --test", "no folder nowhere", "did you mean adam-0000?")),
    ("predict fine rows.csv --test --output other.csv",
     ("a file with new rows or --test", "other.csv exists already; --force replaces it")),
    ("predict fine rows.csv --output rows.csv/a.csv", ("there is no folder rows.csv",)),
    ("predict fine rows.csv --output answers.xlsx", ("as .csv or .parquet",)),
    ("predict fine nowhere.csv --output - --json",
     ("nowhere.csv: there is no such file", "both need standard output")),
    ("predict ../fine rows.csv", ("there is no study '../fine'; did you mean fine?",)),
    ("predict fine rows.csv --home rows.csv", ("rows.csv is no folder",)),
    ("reset nothing", ("`fairtune reset nothing --failed`", NO_STUDY)),
    ("reset ../fine --failed", ("there is no study '../fine'",)),
    ("reset fine --failed", ("study fine has no failed trial",)),
    ("reset fine --failed --home rows.csv", ("rows.csv is no folder",)),
    ("rename nothing a/b", (NO_STUDY, f"'a/b' is no study name; {NAME}")),
    ("rename nothing fine", (NO_STUDY, "has a study 'fine' already")),
    ("rename '' ..", ("there is no study ''", "'..' is no study name")),
    ("rename fine fine", ("has a study 'fine' already",)),
    (f"rename fine {'a' * 5000}", (NAME,)),
    ("rename fine other --home nowhere", ("holds no studies yet",)),
    ("delete nothing --yes", (NO_STUDY,)),
    ("delete fin --yes", ("did you mean fine?",)),
    ("delete .. --yes", ("there is no study '..'",)),
    ("delete fine/record.db --yes", ("there is no study 'fine/record.db'",)),
    ("delete fine", ("1 trials and",)),
    ("delete fine --yes --home folder", ("holds no studies yet",)),
    ("init other.csv --target knd --target nothing",
     ("other.yaml exists already", "no column knd to predict; did you mean kind?",
      "no column nothing to predict; it could be kind (2 classes)")),
    ("init rows.csv --target nothing --task sorting --set trainer.epochs=3 --set data.batch_size",
     ("there is no task 'sorting'", "trainer.epochs=3: only `data.`", "batch_size: must be path=",
      "no column nothing")),
    ("init rows.csv --target kind --set data.drop=[",
     ("--set data.drop",)),
    ("init rows.csv --target kind --set data.name=tabel",
     ("there is no kind of data 'tabel'; did you mean table?",)),
    ("init rows.csv --target kind --output nowhere/a.yaml", ("no folder nowhere",)),
    ("init rows.csv --target kind --output folder", ("folder is a folder",)),
    ("init nowhere.csv --target kind --output other.yaml",
     ("other.yaml exists already", "nowhere.csv: there is no such file")),
    ("init folder", ("folder: holds no image",)),
    ("init folder --target kind --task regression", ("--target: the folders are the classes",
                                                     "--task: images have classes")),
    ("init empty.csv --target kind", ("empty.csv: is empty",)),
    ("init headers.csv --target kind", ("headers.csv: has no rows",)),
    ("init binary.csv --target kind", ("binary.csv: is no CSV file",)),
    ("init broken.py --output other.yaml",
     ("other.yaml exists already", "broken.py:1: is no Python")),
    ("init binary.py", ("binary.py: is no Python",)),
    ("init train.py --target kind --task regression", ("--target, --task: for data only",)),
    ("init mlp-digit", ("did you mean mlp-digits?",)),
]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home of two studies, and files."""
    folder = tmp_path_factory.mktemp("made")
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    (folder / "folder").mkdir()
    home = Home.at(folder / "home")
    with recording(home) as told:
        told.train(end=ended(Outcome.error, best={}, best_epoch=None))
    with recording(home, spec_of(FILE.replace(STUDY, "fine"))) as told:
        told.train()
    return folder


def content(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder, and the bytes of the files; those that SQLite has for its readers
    aside."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if not path.name.endswith(("-wal", "-shm"))
    }


@pytest.mark.parametrize(("line", "problems"), CASES, ids=[line[:60] for line, _ in CASES])
def test_every_problem_of_a_command_is_a_sentence(
    line: str,
    problems: tuple[str, ...],
    made: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Output,
) -> None:
    monkeypatch.chdir(made)
    monkeypatch.setenv("FAIRTUNE_HOME", "home")
    before = content(made)
    code = main(shlex.split(line))
    written = capsys.readouterr()
    assert code == 2
    assert len(written.err.splitlines()) == len(problems), written.err
    assert all(problem in written.err for problem in problems), written.err
    assert "Traceback" not in written.err and written.out == ""
    assert content(made) == before


@pytest.mark.parametrize("line", ["rename fine other", "delete fine --yes", "reset fine --failed"])
def test_a_study_that_is_being_run_is_left_alone(
    line: str, made: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.chdir(made)
    with Home.at(made / "home").lock("fine"):
        assert main([*shlex.split(line), "--home", "home"]) == 5
    assert "study fine is being run by process" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["predict %s rows.csv", "predict %s --test"])
def test_there_is_nothing_to_predict_with_where_no_trial_has_completed(
    line: str, made: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.chdir(made)
    assert main([*shlex.split(line % STUDY), "--home", "home"]) == 3
    assert "no trial has completed yet" in capsys.readouterr().err
