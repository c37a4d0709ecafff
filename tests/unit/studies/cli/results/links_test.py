"""What lies in the current folder under the name of a file to be written leads nowhere."""

import os
from pathlib import Path

import pytest

from lightning_modules.errors import UserError
from studies.cli import main
from studies.cli.options import file_to_write
from studies.home import Home
from studies.records import Record
from studies.reporting.render import FILES

STUDY = "{study: a, data: digits, model: mlp, search: {method: random, trials: 1}}"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize(
    "words",
    [["report", "a"], ["report", "a", "--format", "csv"], ["predict", "a", "--test"]],
    ids=["html", "csv", "predict"],
)
@pytest.mark.parametrize("is_there", [True, False])
def test_no_command_writes_through_a_link_of_the_current_folder(
    words: list[str],
    force: list[str],
    is_there: bool,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = Home.at(folder / "h")
    home.create("a")
    with Record.writing(home, "a") as record:
        record.note({"study_file": STUDY, "finished": ""})
    victim = folder / "victim"
    if is_there:
        victim.write_text("precious")
    for name in (*(file.format("a") for file in FILES.values()), "a-predictions.csv"):
        (folder / name).symlink_to(victim)
    assert main([*words, *force, "--home", "h"]) == 2
    assert "name one with --output" in " ".join(capsys.readouterr().err.split())
    assert victim.exists() == is_there and (not is_there or victim.read_text() == "precious")


def test_a_link_that_leads_nowhere_is_there(folder: Path) -> None:
    (folder / "named").symlink_to(folder / "nowhere")
    with pytest.raises(UserError, match="named exists already; --force replaces it"):
        file_to_write(Path("named"), "a.html", False)
    assert file_to_write(Path("named"), "a.html", True) == Path("named")


def test_init_writes_through_no_link(folder: Path) -> None:
    (folder / "quickstart.yaml").symlink_to(folder / "victim")
    assert main(["init", "quickstart"]) == 2
    assert not (folder / "victim").exists()


@pytest.mark.timeout(60)
def test_a_pipe_is_written_only_where_it_is_named(folder: Path) -> None:
    os.mkfifo(folder / "a.html")
    for force in (False, True):
        with pytest.raises(UserError, match=r"name one with --output"):
            file_to_write(None, "a.html", force, streams=True)
        with pytest.raises(UserError, match=r"name one with --output"):
            file_to_write(Path("a.html"), "a.html", force)
        assert file_to_write(Path("a.html"), "b", force, streams=True) == Path("a.html")
    with pytest.raises(UserError, match="is a folder; name a file in it with --output"):
        file_to_write(folder, "b", True)
